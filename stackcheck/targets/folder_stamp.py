"""Whether the files of an environment are as they were: a digest of what `lstat` says of each of them.

Reading 24,000 files takes as long as probing them, so their content is not read: path, mode, size, inode and
time of the last change of content tell an edit, a new file and a lost one. Whoever sets that time back after
an edit moves `ctime` all the same, which nobody can set (inode(7)). A new hard link moves it too, and uv
makes one for every environment of the same wheel, so `ctime` counts where the number of links has stayed.
"""

from __future__ import annotations

import hashlib
import os
from itertools import chain
from pathlib import Path
from stat import S_ISLNK
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.storage.cache_entries import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_LEFT_OUT = frozenset({"__pycache__", MARKER})


class Stamp(NamedTuple):
    """What stands in a folder: a digest of its entries, and (links, ctime in ns) of each in their order."""

    digest: str
    changes: tuple[tuple[int, int], ...]

    def is_still(self, kept_digest: str, kept: Sequence[Sequence[int]]) -> bool:
        """Tell whether the folder is as it was when a stamp was kept."""
        if self.digest != kept_digest or len(self.changes) != len(kept):
            return False
        pairs = zip(self.changes, kept, strict=True)
        return all(now[1] == then[1] or now[0] != then[0] for now, then in pairs)


def stamp_of(folder: Path) -> Stamp:
    """Return the stamp of a virtual environment, and of the interpreter that it stands on.

    Byte code and the marker are left out: both are written beside a run. Raises OSError.
    """
    content, changes = hashlib.sha256(), []
    python = (folder / "bin" / "python").resolve()
    for path, status in chain([(str(python), python.stat())], _entries(str(folder))):
        link = str(Path(path).readlink()) if S_ISLNK(status.st_mode) else ""
        row = (path, status.st_mode, status.st_size, status.st_ino, status.st_mtime_ns, link)
        content.update(repr(row).encode("utf-8", "surrogateescape"))
        changes.append((status.st_nlink, status.st_ctime_ns))
    return Stamp(content.hexdigest(), tuple(changes))


def _entries(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as found:
        for entry in sorted(found, key=lambda each: each.name):
            if entry.name in _LEFT_OUT:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path)
            else:
                yield entry.path, entry.stat(follow_symlinks=False)
