"""What one layer of an image changes: a tree by folder, paths resolved as a file system does.

A layer is a tree of what it changes; putting it on the layers below costs as much as it holds, whatever lies
below. Rules: OCI Image Specification 1.1, layer.md: a whiteout hides what is below and nothing of its own
layer; for the rest a layer is extracted as any tar is, so an entry under a link of a lower layer lands where
the link leads, and a link in place of a folder hides all that was in it (containerd does the same).
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck_probes.binaries.bytesource import SourceError

if TYPE_CHECKING:
    from stackcheck_probes.facts.binaries import LibraryCode

MAX_ENTRIES = 1 << 20
MAX_STEPS = 1 << 23
MAX_HOPS = 40


class Limits:
    """How many entries may be made of one archive, and how many steps along paths may be taken."""

    __slots__ = ("entries", "steps")

    def __init__(self) -> None:
        self.entries = MAX_ENTRIES
        self.steps = MAX_STEPS

    def make(self) -> None:
        """Count one more entry; raise `SourceError` when there are too many."""
        self.entries -= 1
        if self.entries < 0:
            raise SourceError(f"more than {MAX_ENTRIES} files and folders in its layers: it was not read")

    def step(self) -> None:
        """Count one more step; raise `SourceError` when there are too many."""
        self.steps -= 1
        if self.steps < 0:
            raise SourceError("its layers hold too many links and folders inside each other: it was not read")


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """One file, under however many names. `facts` are those of a binary, without its path.

    `program` tells that its mode or size speaks for it, whatever its name; `copy` is what is kept of it
    elsewhere.
    """

    facts: LibraryCode | None = None
    program: bool = False
    copy: str = ""


OTHER = File()
"""Every file of which nothing is kept."""


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link, as it is written."""

    target: str


@dataclass(frozen=True, slots=True, eq=False)
class Lower:
    """A hard link to a file of the layers below."""

    target: str


class _Whiteout:
    """What stands in a layer for an entry that it removes from those below."""


_GONE = _Whiteout()


class Folder:
    """A folder. In a layer: `stated` if it has an entry of its own, `opaque` if it hides what is below."""

    __slots__ = ("entries", "opaque", "parent", "stated")

    def __init__(self, parent: Folder | None, *, stated: bool = False, opaque: bool = False) -> None:
        self.entries: dict[str, Folder | File | Link | Lower | _Whiteout] = {}
        self.parent = parent
        self.stated = stated
        self.opaque = opaque


Node = Folder | File | Link | Lower | _Whiteout


class Tree:
    """Folders below one root; `limits` bound what can be made of them."""

    def __init__(self, limits: Limits) -> None:
        self.root = Folder(None)
        self.limits = limits

    def find(self, path: str) -> Node | None:
        """Return what a path leads to, its last part not followed."""
        folder, name = self.place(path, make=False)
        return folder.entries.get(name) if folder and name else None

    def place(self, path: str, *, make: bool) -> tuple[Folder | None, str]:
        """Return the folder of an entry, and the entry's name in it; `make` makes what is missing."""
        above, name = posixpath.split(posixpath.normpath(f"/{path.lstrip('/')}"))
        return self.descend(self.root, above, make=make), name

    def descend(self, folder: Folder, path: str, *, make: bool) -> Folder | None:
        """Return the folder that a path leads to, through links; `make` makes what is missing.

        None when it leads nowhere, or round and round.
        """
        left, hops = _parts(path), 0
        while left:
            self.limits.step()
            part = left.pop()
            if part == "..":
                folder = folder.parent or folder
                continue
            node = folder.entries.get(part)
            if isinstance(node, Link):
                hops += 1
                if hops > MAX_HOPS:
                    return None
                folder = self.root if node.target.startswith("/") else folder
                left += _parts(node.target)
            elif isinstance(node, Folder):
                folder = node
            elif make:
                folder = self.make(folder, part, node)
            else:
                return None
        return folder

    def make(self, folder: Folder, name: str, instead_of: Node | None) -> Folder:
        """Put a new folder in a folder."""
        self.limits.make()
        made = Folder(folder, stated=instead_of is not None, opaque=instead_of is _GONE)
        folder.entries[name] = made
        return made


class Layer(Tree):
    """What one layer changes."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.lower: list[Lower] = []
        self.lost: list[str] = []
        """Entries whose place cannot be found: they lie under links that lead round and round."""
        self._last: tuple[str, Folder] | None = None

    def add(self, path: str, node: File | Link) -> None:
        """Put a file or a link at a path."""
        self._put(path, node)

    def add_folder(self, path: str) -> None:
        """Put a folder at a path; a link that is there goes."""
        folder, name = self._parent(path)
        if folder and name:
            old = folder.entries.get(name)
            if isinstance(old, Folder):
                old.stated = True
            else:
                self._last = None
                self.make(folder, name, old).stated = True

    def add_hard_link(self, path: str, target: str) -> None:
        """Give a file another name; it may be one of the layers below."""
        found = self.find(target)
        if isinstance(found, (File, Link, Lower)):
            self._put(path, found)
        elif isinstance(found, Folder):
            self.lost.append(path)
        else:
            self.lower.append(Lower(target))
            self._put(path, self.lower[-1])

    def remove(self, path: str) -> None:
        """Hide what the layers below have at a path."""
        folder, name = self._parent(path)
        if folder and name:
            old = folder.entries.get(name)
            if isinstance(old, Folder):
                old.stated = old.opaque = True
            elif old is None:
                self.limits.make()
                folder.entries[name] = _GONE

    def hide(self, path: str) -> None:
        """Hide all that the layers below have in a folder."""
        folder = self.descend(self.root, path, make=True)
        if folder:
            folder.opaque = True

    def _put(self, path: str, node: File | Link | Lower) -> None:
        folder, name = self._parent(path)
        if folder is None:
            self.lost.append(path)
        elif name:
            old = folder.entries.get(name)
            if old is None:
                self.limits.make()
            if isinstance(old, (Folder, Link)):
                self._last = None
            folder.entries[name] = node

    def _parent(self, path: str) -> tuple[Folder | None, str]:
        """Return the folder of an entry: tar archives hold those of one folder after each other."""
        above, name = posixpath.split(path.rstrip("/"))
        if self._last and self._last[0] == above and name not in ("", ".", ".."):
            return self._last[1], name
        folder, name = self.place(path, make=True)
        self._last = (above, folder) if folder else None
        return folder, name


def _parts(path: str) -> list[str]:
    """Return the parts of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
