"""Probe: with which NumPy the compiled modules of each distribution were built, read from the files.

A module that uses NumPy's C API asks for `_multiarray_umath` when it is imported. Built with NumPy 2 it looks
in `numpy._core` first and in `numpy.core` then, and runs with both majors; built with NumPy 1 it knows
`numpy.core` alone, and NumPy 2 refuses it (numpy's __multiarray_api.h, Cython's numpy/__init__.pxd).

Held against imports on 2026-11-30: all 16 packages with the mark of NumPy 1 failed beside 2.2.6, all 16
with that of NumPy 2 worked beside 1.26.4. pybind11 that asks for `numpy.core.multiarray` at run time works
with both (contourpy 1.2.0), and has neither mark.
"""

from __future__ import annotations

import os

from stackcheck_probes.binaries.builds import for_another_python, python_of
from stackcheck_probes.binaries.bytesource import FileSource, SourceError
from stackcheck_probes.binaries.elf import SHT_NOBITS, Elf, ElfError
from stackcheck_probes.loader.symbols import Symbols
from stackcheck_probes.probes import distributions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.facts.packages import NumpyModule, NumpyModules
    from stackcheck_probes.facts.python import Distribution

NAME = "numpy_modules"
GRADE = "static"
LOOKS_IN = "sys_path"

NEW = (b"numpy._core._multiarray_umath", b"numpy._core.multiarray failed to import")
OLD = (b"numpy.core._multiarray_umath", b"numpy.core.multiarray failed to import")
PYTHON = (b"PyCapsule_", b"PyImport_Import")
"""What a module calls to get at NumPy's C API or its types; a library that does not is not read further."""
MAX_READ = 128 << 20
MAX_RECORD = 8 << 20
_PIECE = 4 << 20
_OVERLAP = 64


def run(params: dict[str, Any]) -> NumpyModules:
    """Return the version of NumPy that is installed, and one compiled module for each distribution with any.

    params: `sys_path` (folders; default: sys.path). `api` is 1 where any module of the distribution was built
    with NumPy 1, else 2. Beside NumPy 1 nothing is read: what was built with NumPy 2 runs there as well, if
    the NumPy is not older than what it was built to run with, which is not read.
    """
    rows = distributions.run({"sys_path": params.get("sys_path")})["distributions"]
    return told(rows, _recorded, lambda row, path: api_of(os.path.join(row["location"], path)))


def told(
    rows: list[Distribution],
    recorded: Callable[[Distribution], Iterable[str]],
    api_at: Callable[[Distribution, str], int | None],
) -> NumpyModules:
    """Return what `run` does: `recorded` are the files of a distribution, `api_at` the API of one of them."""
    numpy = next((row["version"] for row in rows if row["name"] == "numpy"), "")
    found: list[NumpyModule] = []
    if numpy.partition(".")[0].isdecimal() and int(numpy.partition(".")[0]) >= 2:
        for row in rows:
            module = None if row["name"] == "numpy" else _module(row, recorded(row), api_at)
            found += [module] if module else []
    return {"numpy": numpy, "modules": found}


def _is_numpy(requirement: str) -> bool:
    """Tell whether a requirement is NumPy for every installation, not for one of the extras."""
    return distributions.required(requirement) == "numpy" and "extra" not in requirement.partition(";")[2]


def _recorded(row: Distribution) -> list[str]:
    record = distributions.read(os.path.join(row["location"], row["metadata"], "RECORD"), MAX_RECORD) or ""
    return [line.partition(",")[0].strip('"') for line in record.splitlines()]


def _module(
    row: Distribution, recorded: Iterable[str], api_at: Callable[[Distribution, str], int | None]
) -> NumpyModule | None:
    """Return a module of one distribution: one of NumPy 1 where there is any."""
    python = python_of([row["location"]])
    found: NumpyModule | None = None
    for path in recorded:
        if not path.endswith(".so") or path.startswith(("/", "..")) or for_another_python(path, python):
            continue
        major = api_at(row, path)
        if major is not None and (found is None or major == 1):
            found = {
                "distribution": row["name"],
                "version": row["version"],
                "required": any(map(_is_numpy, row["requires"])),
                "file": path,
                "api": major,
            }
        if major == 1:
            break
    return found


def api_of(path: str) -> int | None:
    """Return the major of NumPy that a compiled module was built with; None where it names none."""
    try:
        source = FileSource(path)
    except (OSError, SourceError):
        return None
    try:
        return api(source)
    except (ElfError, SourceError, OSError):
        return None
    finally:
        source.close()


def api(source: ByteSource) -> int | None:
    """Return what `api_of` does, of bytes; raise ElfError or SourceError for what is not an ELF file."""
    elf = Elf(source)
    if not Symbols(elf).undefined(PYTHON):
        return None
    section = elf.section(".rodata")
    whole = section is None or section.type == SHT_NOBITS
    start, size = (0, elf.size) if whole or section is None else (section.offset, section.size)
    old = False
    for at in range(start, start + min(size, MAX_READ), _PIECE):
        piece = source.pread(at, _PIECE + _OVERLAP)
        if any(mark in piece for mark in NEW):
            return 2
        old = old or any(mark in piece for mark in OLD)
    return 1 if old else None
