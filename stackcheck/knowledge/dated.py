"""How old the knowledge is that a stack is judged by: of its packages, and of what every stack rests on."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from stackcheck.knowledge.folders import MEASURED, NAMES, TOLD, Folder, in_order, most_days
from stackcheck.storage.reading import as_named, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

ALWAYS = ("torch", "toolkits", "drivers", "gpus")
"""What the verdicts on every stack rest on."""
_CHECKED = re.compile(rb"^checked = (\d{4}-\d\d-\d\d)$", re.MULTILINE)


class Dated(msgspec.Struct, frozen=True):
    """The day of the knowledge, whose it is beside ours, and what of it is old for one stack.

    old: what was last checked when, oldest first, where that is more than `limit` days ago.
    """

    day: date
    today: date
    limit: int
    folders: tuple[str, ...] = ()
    old: tuple[tuple[str, date], ...] = ()

    @property
    def words(self) -> str:
        """Return it for the head of a report."""
        beside = f", with {', '.join(self.folders)}" if self.folders else ""
        return f"knowledge of {self.day}{beside}"


def dated(packages: Iterable[str], today: date) -> Dated:
    """Return how old the knowledge is about some packages and what every stack rests on."""
    places = in_order()
    _, days = snapshot(places)
    limit = most_days()
    names = {*ALWAYS, *packages}
    asked = [
        name
        for each in sorted(names)
        for name in (each, f"{MEASURED}/{each}", f"{NAMES}/{each}")
        if name in days
    ]
    old = sorted((days[name], name) for name in asked if (today - days[name]).days > limit)
    return Dated(
        day=max(days.values()),
        today=today,
        limit=limit,
        folders=tuple(as_named(folder.path) for folder in places if folder.own),
        old=tuple((name, day) for day, name in old),
    )


@lru_cache(maxsize=16)
def snapshot(places: tuple[Folder, ...]) -> tuple[str, Mapping[str, date]]:
    """Return the digest of every file, and the day that each package or subject was last checked."""
    import hashlib  # noqa: PLC0415 - 10 ms, and only for a report

    digest, days = hashlib.sha256(), dict[str, date]()
    for path in (each for folder in places for each in files_of(folder)):
        content = read_bytes(path)
        digest.update(f"{path.parent.name}/{path.name}".encode() + b"\0" + content)
        found = _CHECKED.search(content)
        name = path.stem if path.parent.name == TOLD else f"{path.parent.name}/{path.stem}"
        if found:
            days[name] = max(date.fromisoformat(found[1].decode()), days.get(name, date.min))
    return digest.hexdigest(), days


def files_of(folder: Folder) -> list[Path]:
    """Return the files of a folder that are read."""
    return [path for name in (TOLD, MEASURED, NAMES) for path in sorted((folder.path / name).glob("*.toml"))]
