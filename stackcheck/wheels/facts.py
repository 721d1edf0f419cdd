"""What a wheel's files say: the distribution, its record, and what loading and GPUs ask of each binary."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stackcheck_probes.facts.binaries import CodeFacts

HASH_BYTES = 8
MACHINES = {
    3: "i386",
    21: "ppc64le",
    22: "s390x",
    40: "armv7l",
    62: "x86_64",
    183: "aarch64",
    190: "cuda",
    224: "amdgpu",
    243: "riscv64",
}
"""e_machine of an ELF file as `uname -m` and wheel tags write it (System V gABI, list of machines)."""


_NO_CODE: CodeFacts = {}
_NO_TEXTS: Mapping[str, str] = {}


class NumpyFacts(TypedDict):
    """The C API of NumPy that an extension module was compiled with: 1, or 2 for that and what followed."""

    api: int


class Recorded(NamedTuple):
    """A file that RECORD names; `size` in bytes, -1 where none is stated, `digest` "sha256=..."."""

    path: str
    size: int
    digest: str = ""


class LibraryFacts(NamedTuple):
    """What one binary says of itself; `path` is its place in the wheel, `size` in bytes.

    dynamic: whether it has a dynamic section, so that the loader can load it; what follows is empty without.
    machine: "x86_64", "aarch64" ..., "" for what is not an ELF file (static library, fatbin). soname, rpath,
    runpath: None where it states none. versions_needed: (file, version, weak). undefined: the names that
    decide whether it fits a torch (`probes.loading.is_judged`), weak ones left out; a name that is not UTF-8
    is kept with surrogates. exports: the hashes of all that it exports, see `export_table`. abi: the
    std::string ABI that `undefined` speaks, "new", "old" or "". code: the GPU code as `gpucode.to_json` has
    it, or `error`. error: why the loader's tables cannot be read.
    """

    path: str
    size: int = 0
    machine: str = ""
    bits: int = 64
    dynamic: bool = False
    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    versions_needed: tuple[tuple[str, str, bool], ...] = ()
    versions_defined: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()
    exports: bytes = b""
    abi: str = ""
    code: CodeFacts = _NO_CODE
    numpy: NumpyFacts | None = None
    error: str = ""

    def gives(self, name: str) -> bool:
        """Tell whether the library exports a symbol."""
        return exported(self.exports, export_hash(name.encode("utf-8", "surrogateescape")))


class WheelFacts(NamedTuple):
    """What one wheel says of itself; `size` in bytes, `sha256` hexadecimal or "" where it was not asked for.

    metadata: the name of its .dist-info folder. complete: METADATA states name and version. tags: those of
    WHEEL. record: what RECORD claims; unlike: those rows that the archive does not bear out, with the size
    that is there, -1 for a file that is not. texts: the small files that probes read, by path
    (`torch/version.py`). left_out: what was not read and why; while it is not empty, absence proves nothing.
    """

    filename: str
    sha256: str
    size: int
    name: str
    version: str
    metadata: str
    complete: bool = True
    tags: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    requires_python: str | None = None
    extras: tuple[str, ...] = ()
    record: tuple[Recorded, ...] = ()
    unlike: tuple[Recorded, ...] = ()
    libraries: tuple[LibraryFacts, ...] = ()
    texts: Mapping[str, str] = _NO_TEXTS
    left_out: tuple[str, ...] = ()

    def library(self, path: str) -> LibraryFacts | None:
        """Return the binary at a path in the wheel; None when there is none that was read."""
        return next((each for each in self.libraries if each.path == path), None)


def machine_name(number: int) -> str:
    """Return the name of an e_machine; "machine 258" for one that has none here."""
    return MACHINES.get(number, f"machine {number}")


def export_hash(name: bytes) -> bytes:
    """Return 8 bytes of the BLAKE2b of a symbol's name: of 10^6 names two share one in 1 of 10^7 tables."""
    return blake2b(name, digest_size=HASH_BYTES).digest()


def export_table(names: Iterable[bytes]) -> bytes:
    """Return the hashes of names, sorted and joined: what `exported` looks up."""
    table = array("Q", sorted({int.from_bytes(export_hash(name), "little") for name in names}))
    if sys.byteorder == "big":
        table.byteswap()
    return table.tobytes()


def exported(table: bytes, hashed: bytes) -> bool:
    """Tell whether a table of `export_table` has a hash of `export_hash`."""
    wanted = int.from_bytes(hashed, "little")
    rows = memoryview(table).cast("Q") if sys.byteorder == "little" else _swapped(table)
    at = bisect_left(rows, wanted)
    return at < len(rows) and rows[at] == wanted


def _swapped(table: bytes) -> array[int]:
    rows = array("Q", table)
    rows.byteswap()
    return rows
