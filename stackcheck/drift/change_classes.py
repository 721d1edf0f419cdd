"""Classes of changes: `change_classes.toml` says how bad each move of a fact is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from stackcheck.model.errors import TableError
from stackcheck.storage.parsing import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

CLASSES = ("breaks-next-build", "breaks-running", "changes-behaviour", "benign")
"""From worst to best; the first two make `stackcheck drift` fail."""
MOVES = ("gone", "new", "changed")
_FINER = {"raised": "changed", "lowered": "changed"}
_FILE = Path(__file__).with_name("change_classes.toml")


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: what a move of a fact means.

    `move` is gone, new, changed, raised or lowered (as versions), or any. With `after`, the row is only for
    this value. `presence` marks the aspect that says whether the
    subject is there at all: when it moves, its other aspects go without saying.
    """

    area: str
    aspect: str
    move: str
    title: str
    rank: str
    why: str
    do: str
    after: str = ""
    presence: bool = False


@dataclass(frozen=True)
class Kinds:
    """All rows."""

    rows: tuple[Kind, ...]

    def of(self, area: str, aspect: str, before: str | None, after: str | None) -> Kind:
        """Return the row of a move, the most specific first; None stands for a value that is not there.

        Raises TableError when no row is for this fact.
        """
        moves = moves_of(before, after)
        mine = [row for row in self.rows if (row.area, row.aspect) == (area, aspect)]
        fitting = [row for row in mine if row.move in moves and row.after in ("", after)]
        if not fitting:
            raise TableError(f"{_FILE.name}: no row for {area}.{aspect}, {moves[0]}: please report this")
        return min(fitting, key=lambda row: (-len(row.after), moves.index(row.move)))

    def presence(self, area: str) -> str:
        """Return the aspect that says whether a subject of an area is there; "" when none does."""
        return next((row.aspect for row in self.rows if row.area == area and row.presence), "")


def moves_of(before: str | None, after: str | None) -> tuple[str, ...]:
    """Return how a value moved, the finest word first, and the words that stand for it as well."""
    if before is None or after is None:
        return ("new" if before is None else "gone", "any")
    try:
        finer = "raised" if Version(after) > Version(before) else "lowered"
    except InvalidVersion:
        return ("changed", "any")
    return (finer, "changed", "any")


@cache
def load() -> Kinds:
    """Read the rows and prove that every move of every fact has one.

    Raises TableError, naming the row.
    """
    return parse(parse_toml(_FILE.read_text("utf-8"), _FILE.name))


def parse(document: Mapping[str, Any]) -> Kinds:
    """Make the rows of a document, proven to be complete."""
    rows = []
    for number, row in enumerate(document["kind"], 1):
        try:
            rows.append(Kind(**{"rank" if key == "class" else key: value for key, value in row.items()}))
        except TypeError as error:
            raise TableError(f"{_FILE.name}: kind[{number}]: {error}") from None
        if rows[-1].rank not in CLASSES or rows[-1].move not in (*MOVES, *_FINER, "any"):
            raise TableError(f"{_FILE.name}: kind[{number}]: unknown class or move")
    found = {(row.area, row.aspect, row.move) for row in rows if not row.after}
    for (area, aspect), move in product({(row.area, row.aspect) for row in rows}, MOVES):
        if not {(area, aspect, move), (area, aspect, "any")} & found:
            raise TableError(f"{_FILE.name}: {area}.{aspect}: no row for {move!r}")
    return Kinds(tuple(rows))
