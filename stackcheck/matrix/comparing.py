"""Two matrices against each other: which cells got better, which got worse. Pure."""

from __future__ import annotations

from dataclasses import dataclass
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


def _cells(matrix: Matrix) -> dict[tuple[str, str], Cell]:
    return {
        (row.title, host.title): cell
        for row in matrix.rows
        for host, cell in zip(matrix.hosts, row.cells, strict=True)
    }


def _state(cell: Cell | None) -> str:
    return cell.state if cell else ""
