"""Two matrices against each other: which cells got better, which got worse. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stackcheck.matrix.cells import STATES

if TYPE_CHECKING:
    from stackcheck.matrix.cells import Cell, Matrix

_ORDER = (*STATES,)


@dataclass(frozen=True, slots=True)
class Move:
    """One cell that is another one now; `before` or `now` is None where only one matrix has it."""

    row: str
    host: str
    before: Cell | None
    now: Cell | None

    @property
    def worse(self) -> bool:
        """Tell whether it went down: what works no more, or was known and is not."""
        return (
            self.now is not None
            and (self.before is None or _ORDER.index(self.now.state) > _ORDER.index(self.before.state))
            and self.now.state != "works"
        )

    def __str__(self) -> str:
        """Return "cuda124 on T4: works -> fails"."""
        sides = [STATES[cell.state] if cell else "not there" for cell in (self.before, self.now)]
        return f"{self.row} on {self.host}: {' -> '.join(sides)}"


def moves(before: Matrix, now: Matrix) -> tuple[Move, ...]:
    """Return the cells that differ in state or are in one matrix alone, those that got worse first."""
    old, new = _cells(before), _cells(now)
    found = [
        Move(row, host, old.get((row, host)), new.get((row, host)))
        for row, host in dict.fromkeys([*new, *old])
        if _state(old.get((row, host))) != _state(new.get((row, host)))
    ]
    return tuple(sorted(found, key=lambda move: not move.worse))


def carried(before: Matrix, now: Matrix) -> Matrix:
    """Return the matrix of now, whose failing cells say since when they fail, as far as the other one knows.

    A cell that failed before and does not say since when has failed since that matrix was made, at least; one
    that did not fail before was first seen to fail now.
    """
    old = _cells(before)
    rows = tuple(
        replace(
            row,
            cells=tuple(
                _carried(old.get((row.title, host.title)), cell, before.started, now.started)
                for host, cell in zip(now.hosts, row.cells, strict=True)
            ),
        )
        for row in now.rows
    )
    return replace(now, rows=rows)


def _carried(before: Cell | None, cell: Cell, then: str, now: str) -> Cell:
    if cell.state != "fails":
        return cell
    if before is None or before.state != "fails":
        return replace(cell, fails_since=cell.fails_since or now)
    known = filter(None, (before.fails_since or then, cell.fails_since))
    return replace(cell, fails_since=min(known, default=""))


def _cells(matrix: Matrix) -> dict[tuple[str, str], Cell]:
    return {
        (row.title, host.title): cell
        for row in matrix.rows
        for host, cell in zip(matrix.hosts, row.cells, strict=True)
    }


def _state(cell: Cell | None) -> str:
    return cell.state if cell else ""
