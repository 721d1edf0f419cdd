"""What a walk or an archive holds and the readers of binaries do not open: counted and named."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

WINDOWS = "Windows binaries are not read"
MACOS = "macOS binaries are not read"
PACKAGES = "packages and archives inside are not opened"
NOWHERE = "links named like libraries lead to no file"
SPECIAL = "pipes, sockets and devices named like libraries are not read"
UPWARDS = "links to a folder above are not followed"
LINKS = "links inside a zip file are not followed"
LONG_NAMES = "entries with names of more than 4,096 characters, which no file can have, were not read"
SPARSE_FILES = "sparse files inside a tar archive are not read"
UNKNOWN_ENTRIES = "tar entries of a type that is not known were not read"
BY_SUFFIX = {
    ".dll": WINDOWS,
    ".pyd": WINDOWS,
    ".exe": WINDOWS,
    ".dylib": MACOS,
    ".whl": PACKAGES,
    ".egg": PACKAGES,
    ".conda": PACKAGES,
    ".zip": PACKAGES,
    ".jar": PACKAGES,
    ".deb": PACKAGES,
    ".rpm": PACKAGES,
    ".tar": PACKAGES,
    ".tgz": PACKAGES,
    ".tar.gz": PACKAGES,
    ".tar.bz2": PACKAGES,
    ".tar.xz": PACKAGES,
    ".tar.zst": PACKAGES,
}
SUFFIXES = tuple(BY_SUFFIX)
_MOST_NAMED = 2
_MOST_NAME = 200


class LeftOut:
    """Files that were passed over, by why: how many, of which suffixes, and the first few names."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[str, tuple[list[int], set[str], list[str]]] = {}

    def note_kind(self, path: str) -> bool:
        """Count a file whose name is that of a kind that is not read; tell whether it is one."""
        if not path.endswith(SUFFIXES):
            return False
        suffix = max((each for each in SUFFIXES if path.endswith(each)), key=len)
        self.note(BY_SUFFIX[suffix], path, suffix)
        return True

    def note(self, why: str, path: str, suffix: str = "") -> None:
        """Count one file that is passed over."""
        count, suffixes, named = self._rows.setdefault(why, ([0], set(), []))
        count[0] += 1
        if suffix:
            suffixes.add(suffix)
        named.append(path if len(path) <= _MOST_NAME else "..." + path[-_MOST_NAME:])
        named.sort()  # the order in which a folder is read is nobody's
        del named[_MOST_NAMED:]

    def sentences(self) -> list[str]:
        """Return one sentence a kind: "Windows binaries are not read (5 .dll/.pyd), such as a/x.dll."."""
        return [
            f"{why} ({' '.join(filter(None, (str(count[0]), '/'.join(sorted(suffixes)))))}),"
            f" such as {', '.join(named)}."
            for why, (count, suffixes, named) in sorted(self._rows.items())
        ]

    def shortened(self, roots: Iterable[str]) -> LeftOut:
        """Return the same with the names below their roots."""
        starts = tuple(f"{root.rstrip('/')}/" for root in roots)
        made = LeftOut()
        for why, (count, suffixes, named) in self._rows.items():
            made._rows[why] = (count, suffixes, [_below(name, starts) for name in named])
        return made


def _below(name: str, starts: tuple[str, ...]) -> str:
    start = next((each for each in starts if name.startswith(each)), "")
    return name[len(start) :] or os.path.basename(name)
