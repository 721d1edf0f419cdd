"""The file system that layers make together: each laid on those below, at the cost of what it holds."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from stackcheck.inspect.layertree import MAX_HOPS, File, Folder, Layer, Limits, Link, Lower, Node, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck_probes.binaries.leftout import LeftOut

LOST = "entries of its layers lead to no file that it holds"
THROUGH = (
    "folders of a layer lie under a link of a lower one; they were read where the link leads, while Docker's"
    " overlay2 puts a folder in the link's place"
)


class FileSystem(Tree):
    """What the layers make together."""

    def __init__(self, limits: Limits, left_out: LeftOut, unread: LeftOut) -> None:
        super().__init__(limits)
        self._left_out = left_out
        self._unread = unread
        self._links: list[tuple[str, File | Folder | None]] | None = None

    def apply(self, layer: Layer) -> None:
        """Put one layer on top."""
        self._links = None
        lower = {id(each): self.find(each.target) for each in layer.lower}
        for path in layer.lost:
            self._unread.note(LOST, path)
        queue = deque([(self.root, layer.root)])
        while queue:
            below, above = queue.popleft()
            if above.opaque:
                below.entries = {}
            for name, node in above.entries.items():
                self.limits.step()
                if isinstance(node, Folder):
                    place = self._under(below, name, node)
                    if place:
                        queue.append((place, node))
                    continue
                put = lower[id(node)] if isinstance(node, Lower) else node
                if isinstance(put, (File, Link)):
                    below.entries[name] = put
                else:
                    below.entries.pop(name, None)
                    if isinstance(node, Lower):
                        self._unread.note(LOST, name)

    def _under(self, below: Folder, name: str, above: Folder) -> Folder | None:
        """Return the folder that a folder of a layer is laid upon."""
        old = below.entries.get(name)
        if isinstance(old, Folder):
            return old
        if isinstance(old, Link) and not above.stated:
            self._left_out.note(THROUGH, f"{name} -> {old.target}")
            place = self.descend(below, name, make=True)
            if place is None:
                self._unread.note(LOST, name)
            return place
        return self.make(below, name, None)

    def files(self) -> Iterator[tuple[str, File]]:
        """Yield each file under each of its own names, each folder in order."""
        for path, node in self._nodes():
            if isinstance(node, File):
                yield path, node

    def links(self) -> list[tuple[str, File | Folder | None]]:
        """Return each symbolic link with what it leads to in the end; None for nothing or for a loop."""
        if self._links is None:
            self._links = [
                (path, self._follow(path)) for path, node in self._nodes() if isinstance(node, Link)
            ]
        return self._links

    def folders(self) -> Iterator[tuple[str, Folder]]:
        """Yield each folder, those above first."""
        queue = [("", self.root)]
        while queue:
            path, folder = queue.pop()
            yield path, folder
            below = [(name, node) for name, node in folder.entries.items() if isinstance(node, Folder)]
            queue += [(f"{path}/{name}", node) for name, node in sorted(below, key=_name, reverse=True)]

    def _follow(self, path: str) -> File | Folder | None:
        folder, name = self.place(path, make=False)
        for _ in range(MAX_HOPS):
            self.limits.step()
            node = folder.entries.get(name) if folder and name else None
            if not isinstance(node, Link):
                return node if isinstance(node, (File, Folder)) else folder if folder and not name else None
            above, _, name = node.target.rstrip("/").rpartition("/")
            start = self.root if node.target.startswith("/") or folder is None else folder
            folder = self.descend(start, above, make=False)
            if name in (".", "..") and folder:
                folder, name = self.descend(folder, name, make=False), ""
        return None

    def _nodes(self) -> Iterator[tuple[str, Node]]:
        for path, folder in self.folders():
            for name, node in sorted(folder.entries.items(), key=_name):
                if not isinstance(node, Folder):
                    yield f"{path}/{name}", node


def _name(entry: Sequence[object]) -> str:
    return str(entry[0])
