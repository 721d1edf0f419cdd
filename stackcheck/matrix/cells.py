"""A matrix: stacks down, hosts across, in each cell how that goes and how well it is known. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.questions import SERVES_GPUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stackcheck.matrix.libraries import LibraryRow
    from stackcheck.model.verdict import Verdict

State: TypeAlias = Literal["works", "ptx", "warned", "cpu", "fails", "unknown"]
STATES: Mapping[State, str] = {
    "works": "works",
    "ptx": "works by PTX",
    "warned": "works with a warning",
    "cpu": "uses no GPU",
    "unknown": "not known",
    "fails": "fails",
}
"""What each state means, the best first."""


@dataclass(frozen=True, slots=True)
class Host:
    """A kind of machine: its GPU and driver as they were asked for; "" for what is not stated."""

    gpu: str
    driver: str = ""
    name: str = ""
    """What a list of hosts calls it."""

    @property
    def title(self) -> str:
        """Return "T4", or "T4, driver 550"."""
        machine = f"{self.gpu}, driver {self.driver}" if self.driver else self.gpu
        return f"{self.name} ({machine})" if self.name else machine


@dataclass(frozen=True, slots=True)
class Cell:
    """One stack on one host.

    `level` is that of the strongest evidence, "" where nothing was judged; `code` and `cause` are of the
    first finding that decides, empty where all is well; `since` is when a run showed it, in UTC; `evidence`
    is what that finding rests on, with its source in brackets. `fails_since` is when the present stretch of
    failing was first seen, "" where it does not fail, or nothing earlier is known.
    """

    state: State
    level: str = ""
    code: str = ""
    cause: str = ""
    since: str = ""
    evidence: str = ""
    fails_since: str = ""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One stack, or one stack with another torch, and its cells in the order of the hosts."""

    stack: str
    cells: tuple[Cell, ...]
    torch: str = ""
    """The torch that was put in the place of its own; "" for its own."""
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return the stack, and the torch where it is another one."""
        return f"{self.stack} with torch {self.torch}" if self.torch else self.stack


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of cells; every row has one cell a host.

    `libraries` say how files serve the GPUs of the hosts, where files were read; `started` is when it was
    made, in UTC, "" for one that says nothing of it.
    """

    hosts: tuple[Host, ...]
    rows: tuple[MatrixRow, ...]
    libraries: tuple[LibraryRow, ...] = ()
    started: str = ""
    counts: Mapping[State, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Count the cells of each state."""
        states = [cell.state for row in self.rows for cell in row.cells]
        object.__setattr__(self, "counts", {state: states.count(state) for state in STATES})


def cell_of(verdicts: Iterable[Verdict], since: str = "", *, on_cpu: bool = False) -> Cell:
    """Return the cell that verdicts on one host make.

    Nothing reads as working that nobody has held against the GPU: without an answer to that question the cell
    is not known, unless something else fails already. A stack `on_cpu` uses no GPU, so none is asked of it.
    """
    counted = [each for each in verdicts if each.counts]
    answered = [each for each in counted if each.outcome not in (Outcome.SKIP, Outcome.ERROR)]
    level = max((each.level for each in answered), default=None)
    word = "" if level is None else level.word
    bad = _first(counted, Outcome.FAIL)
    if bad:
        return _decided("fails", word, bad, since)
    broken = _first(counted, Outcome.ERROR)
    if broken:
        return _decided("unknown", word, broken, since)
    # What ran on the GPU has shown that there is code for it; reports of old versions state no questions.
    served = [each for each in answered if each.question == SERVES_GPUS or each.level is Level.GPU]
    if on_cpu and answered:
        return Cell("cpu", word, since=since)
    if not served:
        why = next((each for each in counted if each.question == SERVES_GPUS), None)
        if why:
            return _decided("unknown", word, why, since)
        return Cell(
            "unknown", word, cause="nothing says whether its torch has code for this GPU.", since=since
        )
    warned = [each for each in counted if each.outcome is Outcome.WARN]
    by_ptx = [each for each in warned if each.question == SERVES_GPUS and not each.unverified]
    if others := [each for each in warned if each not in by_ptx]:
        return _decided("warned", word, others[0], since)
    if by_ptx:
        return _decided("ptx", word, by_ptx[0], since)
    return Cell("works", word, since=since)


def _decided(state: State, level: str, verdict: Verdict, since: str) -> Cell:
    """Return the cell that one verdict decides."""
    rests = [f"{each.what} [{each.source}]" if each.source else each.what for each in verdict.evidence[:3]]
    return Cell(state, level, verdict.code, verdict.message, since, "; ".join(rests))


def _first(verdicts: Iterable[Verdict], outcome: Outcome) -> Verdict | None:
    """Return the first verdict of an outcome; one about the GPUs or the driver before one of the stack."""
    found = [each for each in verdicts if each.outcome is outcome]
    return min(found, key=lambda each: (each.question != SERVES_GPUS, each.code), default=None)


def stronger(one: Cell, other: Cell) -> Cell:
    """Return the cell that rests on the stronger evidence, the later one of two that are equal.

    A failure that was proven from the definition stays beside a run that says nothing of it.
    """
    if other.state == "unknown" and one.state != "unknown":
        return one
    if one.state == "unknown" and other.state != "unknown":
        return other
    return max((one, other), key=lambda cell: (_rank(cell.level), cell.since))


def _rank(level: str) -> int:
    return Level[level.upper()] if level else -1
