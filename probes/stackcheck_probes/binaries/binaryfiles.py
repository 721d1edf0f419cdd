"""Which files of some folders are binaries: one walk, for every probe that reads them.

By their names; and what may be one by its mode or size, to be told by its first bytes. Links are followed to
files and folders that the walk does not meet otherwise: each real file is found once, under one name.
"""

from __future__ import annotations

import os
import stat
import sys

from stackcheck_probes.binaries.leftout import NOWHERE, SPECIAL, UPWARDS, LeftOut

SUFFIXES = (".so", ".a", ".o", ".cubin", ".fatbin", ".hsaco", ".hipfb", ".co", ".ptx")
LARGE = 1 << 20
"""A file of as many bytes is looked at, whatever its name: a library without a suffix is not small."""
MAX_FILES = 1 << 20
MAX_DEPTH = 64
_NEVER = (".py", ".h", ".hpp", ".pyi", ".cuh", ".pyc", ".txt", ".json")  # most names: not worth a question
_SKIPPED_FOLDERS = frozenset((".git", "__pycache__"))
_SYSTEM_FOLDERS = frozenset(("proc", "sys", "dev", "run"))

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_kept: list[dict[tuple[str, ...], Walk]] = []
"""Empty, or one table of the walks that were done: see `keep`."""


def keep() -> None:
    """Walk each tree once from here on: for a process that looks and ends, as the agent's children do."""
    _kept[:] = [{}]


def files(roots: list[str], skipped: list[str]) -> list[str]:
    """Return the files under `roots` whose names are those of binaries, each folder in order.

    `skipped` takes why the walk is not complete, if it is not.
    """
    walked = walk(roots)
    skipped.extend(walked.skipped)
    return walked.paths


def walk(roots: list[str]) -> Walk:
    """Return what lies under `roots`: folders, or files, which are taken whatever they are called."""
    table = _kept[0] if _kept else {}
    walked = table.get(tuple(roots))
    if walked is None:
        walked = table[tuple(roots)] = Walk(roots)
    return walked


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


def may_be_binary(name: str, mode: int, size: int) -> bool:
    """Return whether a file of another name is worth a look at its first bytes: a program, or large."""
    return (bool(mode & 0o111) or size >= LARGE) and not name.endswith(_NEVER)


def walked(paths: Iterable[str]) -> list[str]:
    """Return which of some paths under a folder a walk of it finds, in the order of the walk."""
    names = [(path.split("/"), path) for path in paths]
    found = [
        ([(1, part) for part in folders] + [(0, name)], path)
        for (*folders, name), path in names
        if is_binary_name(name) and may_be_walked(path)
    ]
    return [path for _, path in sorted(found)]


def may_be_walked(path: str) -> bool:
    """Return whether a walk of the folder that holds a path comes to it."""
    *folders, name = path.split("/")
    return not name.endswith(_NEVER) and not _SKIPPED_FOLDERS.intersection(folders)


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


class Walk:
    """One walk over some roots.

    paths: files with the names of binaries. others: files that may be ELF by their mode or size alone.
    skipped: why it is not complete, if it is not. left_out: what is of a kind that is not read.
    """

    __slots__ = ("_folders", "_left", "_links", "_real", "_roots", "left_out", "others", "paths", "skipped")

    def __init__(self, roots: list[str]) -> None:
        self.paths: list[str] = []
        self.others: list[str] = []
        self.skipped: list[str] = []
        self.left_out = LeftOut()
        self._left = MAX_FILES
        self._links: list[tuple[str, int]] = []
        self._real: set[str] = set()
        self._folders: set[str] = set()
        self._roots = [os.path.realpath(root) for root in roots]
        for root, real in zip(roots, self._roots):
            if os.path.isdir(root):
                self._walk(root, real, 0)
            else:
                self.paths.append(root)
        while self._links:  # what they lead to may hold links as well
            links, self._links = self._links, []
            for path, depth in sorted(links):
                self._follow(path, depth)

    def _walk(self, root: str, real: str, depth: int) -> None:
        stack = [(root, real.rstrip("/"), depth)]
        while stack:
            folder, real, depth = stack.pop()
            if real in self._folders:
                continue
            self._folders.add(real)
            found, folders = self._entries(folder, real, depth)
            if self._left < 0 or depth > MAX_DEPTH:
                self.skipped.append(f"{folder}: too many files or folders inside each other, not read")
                continue
            self.paths += [path for path in found if self._is_new(f"{real}{path[path.rindex('/') :]}")]
            stack += [(path, f"{real}{path[path.rindex('/') :]}", depth + 1) for path in reversed(folders)]

    def _entries(self, folder: str, real: str, depth: int) -> tuple[list[str], list[str]]:
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
                    elif entry.is_symlink():
                        self._links.append((entry.path, depth))
                    elif is_binary_name(name):
                        if entry.is_file(follow_symlinks=False):
                            found.append(entry.path)
                        else:
                            self.left_out.note(SPECIAL, entry.path)
                    elif not self.left_out.note_kind(entry.path):
                        self._note_other(entry, real)
        except OSError as error:
            self.skipped.append(f"{folder}: {error.strerror}")
        self._left -= len(found) + len(folders)
        return sorted(found), sorted(folders)

    def _note_other(self, entry: os.DirEntry[str], real: str) -> None:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:  # it was there a moment ago
            return
        fits = stat.S_ISREG(status.st_mode) and may_be_binary(entry.name, status.st_mode, status.st_size)
        if fits and self._is_new(f"{real}/{entry.name}"):
            self.others.append(entry.path)

    def _is_new(self, real: str) -> bool:
        """Note a file by its real path; tell whether it was not met before."""
        known = real in self._real
        self._real.add(real)
        return not known

    def _follow(self, path: str, depth: int) -> None:
        name = os.path.basename(path)
        try:
            status = os.stat(path)
        except OSError:
            if is_binary_name(name):
                self.left_out.note(NOWHERE, path)
            return
        named = is_binary_name(name)
        if stat.S_ISDIR(status.st_mode):
            self._follow_folder(path, os.path.realpath(path), depth)
            return
        fits = stat.S_ISREG(status.st_mode) and (named or may_be_binary(name, status.st_mode, status.st_size))
        if fits and self._is_new(os.path.realpath(path)):
            (self.paths if named else self.others).append(path)

    def _follow_folder(self, path: str, real: str, depth: int) -> None:
        """Walk a folder that a link leads to, unless it was walked, holds a root, or is not of the disk."""
        if real.split("/", 2)[1] in _SYSTEM_FOLDERS or real in self._folders:
            return
        if any(f"{root}/".startswith(f"{real.rstrip('/')}/") for root in self._roots):
            self.left_out.note(UPWARDS, path)
            return
        self._walk(path, real, depth + 1)
