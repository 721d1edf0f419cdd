"""What each release of torch exports, and which libraries come with it: measured from its wheels, kept small.

Two files in `knowledge/measured/`, made by `tools/torch_exports.py`. `torch_exports.json` says how and when,
and has a row a build. `torch_exports.bin` holds the names of all builds as sorted hashes, and for each of
them which builds export it: it is mapped and searched, never parsed, so that a question costs what it asks.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from functools import cache
from hashlib import blake2b
from mmap import ACCESS_READ, mmap
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from stackcheck.model.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

FOLDER = Path(__file__).parent.parent / "knowledge" / "measured"
HASH_BYTES = 5
"""Of 400,000 names, one that none of them equals is taken for one of them once in 2.7 million times."""
_MAGIC = b"SCEXP1\0\0"
_HEAD = Struct("<8sIIII")  # magic, names, masks, bytes of a mask, bytes of an index


class Build(NamedTuple):
    """One wheel of torch. `torch` is its version, `cuda` what it was made for ("12.4", "" for a CPU build).

    abi: "new" or "old", the C++11 ABI of its `std::string`. glibc: the newest symbol version that its
    libraries want. pythons: the ABI tags of the release's wheels on this platform ("cp311", "cp313t").
    libraries: sonames that its wheel holds. brought: sonames that the NVIDIA wheels hold that it requires.
    """

    bit: int
    torch: str
    platform: str
    cuda: str
    abi: str
    glibc: str
    pythons: tuple[str, ...]
    libraries: frozenset[str]
    brought: frozenset[str]
    file: str
    sha256: str
    uploaded: str

    @property
    def cuda_major(self) -> int | None:
        """Return the major version of CUDA, None for a build without it."""
        return int(self.cuda.partition(".")[0]) if self.cuda else None

    @property
    def tag(self) -> str:
        """Return "cu124" or "cpu"."""
        return f"cu{self.cuda.replace('.', '')}" if self.cuda else "cpu"


class Exports(NamedTuple):
    """The builds, the names that they export, and the CUDA libraries by soname.

    sonames: soname -> the major versions of CUDA that have a wheel with it. packages: (name, version) of an
    NVIDIA wheel -> the sonames that it holds.
    """

    builds: tuple[Build, ...]
    sonames: Mapping[str, tuple[int, ...]]
    packages: Mapping[str, frozenset[str]]
    measured: str
    data: bytes | mmap
    sizes: tuple[int, int, int, int]
    """How many names, how many masks, the bytes of a mask, the bytes of an index: what stands in `data`."""

    def mask(self, name: bytes) -> int:
        """Return which builds export a symbol: bit `Build.bit` is set for each that does."""
        names, masks, mask_bytes, index_bytes = self.sizes
        start = _HEAD.size + masks * mask_bytes
        wanted = name_hash(name)

        def at(row: int) -> bytes:
            place = start + row * HASH_BYTES
            return self.data[place : place + HASH_BYTES]

        row = bisect_left(range(names), wanted, key=at)
        if row == names or at(row) != wanted:
            return 0
        place = start + names * HASH_BYTES + row * index_bytes
        index = int.from_bytes(self.data[place : place + index_bytes], "little")
        place = _HEAD.size + index * mask_bytes
        return int.from_bytes(self.data[place : place + mask_bytes], "little")

    def hashes(self, bit: int) -> Iterator[bytes]:
        """Yield the hashes of all names that one build exports."""
        names, masks, mask_bytes, index_bytes = self.sizes
        data = bytes(self.data)
        has = [data[_HEAD.size + each * mask_bytes + bit // 8] >> bit % 8 & 1 for each in range(masks)]
        start = _HEAD.size + masks * mask_bytes
        indexes = start + names * HASH_BYTES
        for row in range(names):
            place = indexes + row * index_bytes
            if has[int.from_bytes(data[place : place + index_bytes], "little")]:
                yield data[start + row * HASH_BYTES : start + (row + 1) * HASH_BYTES]


def name_hash(name: bytes) -> bytes:
    """Return the hash by which a symbol's name is kept: BLAKE2b of `HASH_BYTES` bytes."""
    return blake2b(name, digest_size=HASH_BYTES).digest()


def pack(exported: Iterable[Iterable[bytes]]) -> bytes:
    """Return the hashes of what each build exports, in the order of the builds, as `read` finds them."""
    found: dict[bytes, int] = {}
    builds = 0
    for builds, hashes in enumerate(exported, 1):
        for wanted in hashes:
            found[wanted] = found.get(wanted, 0) | 1 << builds - 1
    ordered = sorted(found)
    masks = {mask: index for index, mask in enumerate(dict.fromkeys(found[each] for each in ordered))}
    mask_bytes = max(1, (builds + 7) // 8)
    index_bytes = 2 if len(masks) <= 1 << 16 else 3
    return b"".join(
        (
            _HEAD.pack(_MAGIC, len(ordered), len(masks), mask_bytes, index_bytes),
            *(mask.to_bytes(mask_bytes, "little") for mask in masks),
            *ordered,
            *(masks[found[wanted]].to_bytes(index_bytes, "little") for wanted in ordered),
        )
    )


@cache
def read(folder: Path = FOLDER) -> Exports:
    """Return the measured tables of a folder; raise TableError for files that are not there or damaged."""
    try:
        told = json.loads((folder / "torch_exports.json").read_bytes())
        with (folder / "torch_exports.bin").open("rb") as file:
            data = mmap(file.fileno(), 0, access=ACCESS_READ)
        return exports_of(told, data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TableError(f"{folder}/torch_exports: {error}; install stackcheck again.") from None


def exports_of(told: Mapping[str, Any], data: bytes | mmap) -> Exports:
    """Make the value of the two files' contents; raise ValueError where they do not fit each other."""
    magic, *sizes = _HEAD.unpack_from(data) if len(data) >= _HEAD.size else (b"",)
    if magic != _MAGIC or len(data) != _HEAD.size + _length(*sizes):
        raise ValueError("this is not a table of exported names, or it is cut off")
    packages = {name: frozenset(sonames) for name, sonames in told["packages"].items()}
    builds = tuple(_build(bit, row, packages) for bit, row in enumerate(told["builds"]))
    if len(builds) > sizes[2] * 8:
        raise ValueError("more builds than the table of exported names has")
    sonames = {name: tuple(majors) for name, majors in told["sonames"].items()}
    return Exports(builds, sonames, packages, told["measured"], data, tuple(sizes))


def _length(names: int, masks: int, mask_bytes: int, index_bytes: int) -> int:
    return masks * mask_bytes + names * (HASH_BYTES + index_bytes)


def _build(bit: int, row: Mapping[str, Any], packages: Mapping[str, frozenset[str]]) -> Build:
    requires: Sequence[str] = row["requires"]
    return Build(
        bit=bit,
        torch=row["torch"],
        platform=row["platform"],
        cuda=row["cuda"],
        abi=row["abi"],
        glibc=row["glibc"],
        pythons=tuple(row["pythons"]),
        libraries=frozenset(row["libraries"]),
        brought=frozenset().union(*(packages[each] for each in requires)),
        file=row["file"],
        sha256=row["sha256"],
        uploaded=row["uploaded"],
    )
