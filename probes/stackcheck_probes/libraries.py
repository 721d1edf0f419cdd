"""Probe: the GPU code of every binary under some folders, read from headers; nothing is imported or run."""

from __future__ import annotations

import os
import sys

from stackcheck_probes.bytesource import FileSource, SourceError
from stackcheck_probes.gpucode import to_json
from stackcheck_probes.gpureader import GpuCodeError, read_gpu_code
from stackcheck_probes.magic import STARTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from stackcheck_probes.bytesource import ByteSource

NAME = "libraries"
GRADE = "static"

SUFFIXES = (".so", ".a", ".o", ".cubin", ".fatbin", ".hsaco", ".hipfb", ".co")
HIDDEN = "hidden code"
"""How `GpuCode.unread` begins where code is known to lie outside the sections."""
MAX_FILES = 1 << 20
MAX_LIBRARIES = 20_000
MAX_DEPTH = 64
_NEVER = (".py", ".h", ".hpp", ".pyi", ".cuh", ".pyc", ".txt")  # most names: not worth another question
_SKIPPED_FOLDERS = frozenset((".git", "__pycache__"))
_SYSTEM_FOLDERS = frozenset(("proc", "sys", "dev", "run"))


def run(params: dict[str, Any]) -> dict[str, Any]:
    """Return what GPU code the binaries hold.

    params: `roots` (folders or files; default: this interpreter's sys.path folders named site-packages or
    dist-packages), `deep` (search hidden fatbins: True in all, "hidden" where code is known to hide), `all`
    (list binaries without GPU code too).
    Result: `roots`; `libraries`, a list of `path` with the fields of `gpucode.to_json`, or with `error`;
    `binaries`, how many were read; `without_gpu_code`; `skipped`, why the walk is not complete, if it is not.
    """
    roots = list(params.get("roots") or site_packages())
    deep, everything = params.get("deep"), bool(params.get("all"))
    libraries: list[dict[str, Any]] = []
    skipped: list[str] = []
    binaries = without = 0
    for path in files(roots, skipped):
        document = read_library(path, deep=deep is True)
        if deep == "hidden" and document and any(HIDDEN in why for why in document.get("unread", ())):
            document = read_library(path, deep=True)
        if document is None:
            continue
        binaries += 1
        if len(document) == 1:
            without += 1
            if not everything:
                continue
        if len(libraries) >= MAX_LIBRARIES:
            skipped.append(f"more than {MAX_LIBRARIES} libraries: the rest is not listed")
            break
        libraries.append(document)
    return {
        "roots": roots,
        "libraries": libraries,
        "binaries": binaries,
        "without_gpu_code": without,
        "skipped": skipped,
    }


def read_library(path: str, *, deep: bool = False) -> dict[str, Any] | None:
    """Return the facts of one binary, or None when the file's first bytes are not those of a binary."""
    try:
        source = FileSource(path)
    except SourceError:
        return None
    except OSError as error:
        return {"path": path, "error": f"cannot be opened: {error.strerror}"}
    try:
        source.random_access()
        return read_source(source, path, deep=deep)
    finally:
        source.close()


def read_source(source: ByteSource, path: str, *, deep: bool = False) -> dict[str, Any] | None:
    """Return the facts of one binary called `path`, or None when its first bytes are not those of one."""
    try:
        if not source.pread(0, 24).startswith(STARTS):
            return None
        gpu = read_gpu_code(source, os.path.basename(path), deep=deep)
    except (GpuCodeError, SourceError) as error:
        return {"path": path, "error": str(error)}
    return {"path": path, **to_json(gpu)}


def is_binary_name(name: str) -> bool:
    """Return whether a file of this name is worth opening."""
    return name.endswith(SUFFIXES) or ".so." in name


def binaries(roots: list[str]) -> list[str]:
    """Return the files under `roots` whose names are those of binaries, in a fixed order."""
    return list(files(roots, []))


def site_packages() -> list[str]:
    """Return the package folders of this interpreter that exist."""
    folders = [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
    return [folder for folder in folders if os.path.isdir(folder)]


def files(roots: list[str], skipped: list[str]) -> Iterator[str]:
    """Yield files whose names are those of binaries, each folder in order; links are not followed."""
    left = MAX_FILES
    stack = [(root, 0) for root in reversed(roots)]
    while stack:
        folder, depth = stack.pop()
        if depth == 0 and not os.path.isdir(folder):
            yield folder
            continue
        found, folders = _entries(folder, skipped)
        left -= len(found) + len(folders)
        if left < 0 or depth > MAX_DEPTH:
            skipped.append(f"{folder}: too many files or folders inside each other, not read")
            continue
        yield from found
        stack.extend((name, depth + 1) for name in reversed(folders))


def _entries(folder: str, skipped: list[str]) -> tuple[list[str], list[str]]:
    found: list[str] = []
    folders: list[str] = []
    never = _SYSTEM_FOLDERS if folder == "/" else _SKIPPED_FOLDERS
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    if name not in never:
                        folders.append(entry.path)
                elif name.endswith(_NEVER):
                    continue
                elif is_binary_name(name) and entry.is_file(follow_symlinks=False):
                    found.append(entry.path)
    except OSError as error:
        skipped.append(f"{folder}: {error.strerror}")
    return sorted(found), sorted(folders)
