"""Which files of some folders are binaries, by their names: one walk, for every probe that reads them."""

from __future__ import annotations

import os
import sys

SUFFIXES = (".so", ".a", ".o", ".cubin", ".fatbin", ".hsaco", ".hipfb", ".co")
MAX_FILES = 1 << 20
MAX_DEPTH = 64
_NEVER = (".py", ".h", ".hpp", ".pyi", ".cuh", ".pyc", ".txt")  # most names: not worth another question
_SKIPPED_FOLDERS = frozenset((".git", "__pycache__"))
_SYSTEM_FOLDERS = frozenset(("proc", "sys", "dev", "run"))

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_kept: list[dict[tuple[str, ...], tuple[list[str], list[str]]]] = []
"""Empty, or one table of the walks that were done: see `keep`."""


def keep() -> None:
    """Walk each tree once from here on: for a process that looks and ends, as the agent's children do."""
    _kept[:] = [{}]


def files(roots: list[str], skipped: list[str]) -> list[str]:
    """Return the files under `roots` whose names are those of binaries, each folder in order.

    Links are not followed. `skipped` takes why the walk is not complete, if it is not.
    """
    table = _kept[0] if _kept else {}
    walked = table.get(tuple(roots))
    if walked is None:
        walked = table[tuple(roots)] = _walk(roots)
    paths, incomplete = walked
    skipped.extend(incomplete)
    return paths


def within(roots: list[str], packages: list[str] | None, skipped: list[str]) -> list[str]:
    """Return the folders of some packages in the roots, with `NAME.libs` beside them; without any, the roots.

    That the rest is left out goes into `skipped`.
    """
    if packages is None:
        return roots
    skipped.append(f"only the packages {', '.join(packages)} were asked for")
    places = [f"{root}/{name}{end}" for root in roots for name in packages for end in ("", ".libs")]
    return [place for place in places if os.path.isdir(place)]


def is_binary_name(name: str) -> bool:
    """Return whether a file of this name is worth opening."""
    return name.endswith(SUFFIXES) or ".so." in name


def walked(paths: Iterable[str]) -> list[str]:
    """Return which of some paths under a folder a walk of it finds, in the order of the walk."""
    names = [(path.split("/"), path) for path in paths]
    found = [
        ([(1, part) for part in folders] + [(0, name)], path)
        for (*folders, name), path in names
        if is_binary_name(name) and not name.endswith(_NEVER) and not _SKIPPED_FOLDERS.intersection(folders)
    ]
    return [path for _, path in sorted(found)]


def site_packages() -> list[str]:
    """Return the folders on sys.path that packages were installed into, whatever they are called."""
    return [folder for folder in dict.fromkeys(sys.path) if _holds_packages(folder)]


def _holds_packages(folder: str) -> bool:
    if folder.endswith(("site-packages", "dist-packages")):
        return os.path.isdir(folder)
    try:  # `pip install --target` and PYTHONPATH
        return bool(folder) and any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:
        return False


def _walk(roots: list[str]) -> tuple[list[str], list[str]]:
    paths: list[str] = []
    skipped: list[str] = []
    left = MAX_FILES
    stack = [(root, 0) for root in reversed(roots)]
    while stack:
        folder, depth = stack.pop()
        if depth == 0 and not os.path.isdir(folder):
            paths.append(folder)
            continue
        found, folders = _entries(folder, skipped)
        left -= len(found) + len(folders)
        if left < 0 or depth > MAX_DEPTH:
            skipped.append(f"{folder}: too many files or folders inside each other, not read")
            continue
        paths += found
        stack.extend((name, depth + 1) for name in reversed(folders))
    return paths, skipped


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
