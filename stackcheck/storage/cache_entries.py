"""What lies in the cache folder: kinds of entries, how long and how much of each is kept, and their removal.

Every entry may be thrown away at any time: what needs it makes it again. An entry is one file or one folder.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from stat import S_ISDIR
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

MARKER = "stackcheck.json"
"""The file that is written last into a folder made from a lock, and touched when the folder is used."""
DAY_S = 86_400.0
SWEPT = "swept"
"""The file whose time says when the cache was swept."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry: a glob below the cache folder, what it is, and its bounds in days and bytes."""

    name: str
    glob: str
    what: str
    days: float
    most_bytes: int
    locked_as: str = ""
    """What stands before an entry's name in the name of the lock that is held while it is made."""


KINDS = (
    Kind("pages", "pages/*", "pages of indexes", 60, 1 << 30),
    Kind("metadata", "metadata/*", "what wheels require", 180, 200 << 20),
    Kind("answers", "resolve/*", "questions to uv, and what it said", 60, 1 << 30),
    Kind("wheel-facts", "wheel-facts/*/*/*", "what was read of wheels", 180, 4 << 30),
    Kind("imported-names", "imported-names/*/*/*", "names that wheels import of each other", 180, 200 << 20),
    Kind("downloads", "wheels/*/*", "wheels that were downloaded", 60, 10 << 30),
    Kind("unpacked", "unpacked/*", "wheels, unpacked", 30, 60 << 30, "wheels-"),
    Kind("venvs", "venvs/*", "environments", 60, 100 << 30, "venv-"),
    Kind("observations", "observations/*", "what probes saw", 2, 1 << 30),
    Kind("timings", "timings/*", "how long stacks took", 180, 20 << 20),
    Kind("logs", "logs/*", "logs of builds", 60, 500 << 20),
    Kind("uv", "uv", "uv's own cache, where it has no other place", 10_000, 1 << 60),
)
"""Every kind; `tmp` and `locks` hold nothing that outlives a run."""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One entry: `used` is when it was last written or used, in seconds since the epoch."""

    kind: Kind
    path: Path
    used: float
    size_bytes: int


def entries(cache: Path, kinds: Iterable[Kind] = KINDS) -> Iterator[CacheEntry]:
    """Yield the entries of a cache folder; what goes away meanwhile, or cannot be read, is left out."""
    for kind in kinds:
        for path in sorted(cache.glob(kind.glob)):
            if path.name.startswith("."):
                continue
            with suppress(OSError):
                yield CacheEntry(kind, path, _used(path), size_of(path))


def _used(path: Path) -> float:
    marker = path / MARKER
    return (marker if marker.exists() else path).lstat().st_mtime


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; hard links count like files of their own."""
    status = path.lstat()
    if not S_ISDIR(status.st_mode):
        return status.st_size
    total = 0
    for place, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                total += os.lstat(f"{place}/{name}").st_size
    return total


def too_much(found: Iterable[CacheEntry], now: float) -> list[CacheEntry]:
    """Return the entries that are past the bounds of their kind: too old, then the oldest of too many."""
    over: list[CacheEntry] = []
    kept: dict[str, int] = {}
    for each in sorted(found, key=lambda entry: -entry.used):
        total = kept.get(each.kind.name, 0) + each.size_bytes
        if now - each.used > each.kind.days * DAY_S or total > each.kind.most_bytes:
            over.append(each)
        else:
            kept[each.kind.name] = total
    return over


def remove(found: Iterable[CacheEntry], in_use: Callable[[str], bool]) -> list[CacheEntry]:
    """Remove entries; return those that are gone. `in_use` tells whether a lock of that name is held."""
    gone = []
    for each in found:
        if each.kind.locked_as and in_use(each.kind.locked_as + each.path.name):
            continue
        if each.path.is_dir() and not each.path.is_symlink():
            # Without its marker a folder counts as unfinished, so half of one is never taken for whole.
            with suppress(OSError):
                (each.path / MARKER).unlink()
            shutil.rmtree(each.path, ignore_errors=True)
        else:
            with suppress(OSError):
                each.path.unlink()
        if not os.path.lexists(each.path):
            gone.append(each)
    return gone


def sweep(cache: Path, in_use: Callable[[str], bool]) -> list[CacheEntry]:
    """Remove what is past its bounds, once a day at most; return what is gone."""
    now, mark = time.time(), cache / SWEPT
    try:
        if now - mark.stat().st_mtime < DAY_S:
            return []
    except OSError:
        if not cache.is_dir():
            return []
    try:
        mark.touch()
    except OSError:
        return []
    return remove(too_much(entries(cache), now), in_use)
