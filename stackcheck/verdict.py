"""Outcome, Level and Verdict: what stackcheck says about one aspect of a stack, and how it came to know."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stackcheck.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED

if TYPE_CHECKING:
    from collections.abc import Iterable


class Outcome(enum.IntEnum):
    """How bad it is. The order is part of the public interface: PASS < WARN < SKIP < FAIL < ERROR."""

    PASS = 0
    WARN = 1
    SKIP = 2
    """Not checked, always with the reason. Never counted as good."""
    FAIL = 3
    ERROR = 4
    """stackcheck or a probe could not do its work; says nothing about the stack."""


class Level(enum.IntEnum):
    """How strong the evidence is. The order and the names are part of the public interface."""

    STATED = 0
    """The definition and the tables."""
    RESOLVED = 1
    """What the resolver takes, with its METADATA; the lock and the index pages behind it."""
    BYTES = 2
    """The files of the wheels, nothing run."""
    RUN = 3
    """Built; imported and computed on the CPU."""
    GPU = 4
    """Computed on the device."""

    @property
    def word(self) -> str:
        """Return the name as reports spell it: stated, resolved, bytes, run, gpu."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on: a file, symbol, metadata line or table row, and where it can be read."""

    what: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's answer about one aspect.

    `message` is a whole sentence; `expected` and `found` are the two sides in the fewest words; `hint` is the
    next thing to do. `waived` is the reason written in the stack for accepting this FAIL or WARN: such a
    verdict keeps its outcome and is printed, but does not count. `level` is that of the evidence which
    decided. `unverified`: it rests on knowledge that no primary source confirms, so it is a WARN where it
    would be a FAIL. `question` and `subject` say what was asked about what ("accepts torch", "torchvision"):
    verdicts of the same question and subject are answers to one another, and the judge keeps the strongest.
    `notes` are weaker answers that disagree with this one.
    """

    code: str
    title: str
    outcome: Outcome
    message: str
    expected: str = ""
    found: str = ""
    hint: str = ""
    evidence: tuple[Evidence, ...] = field(default=())
    waived: str = ""
    level: Level = Level.STATED
    unverified: bool = False
    question: str = ""
    subject: str = ""
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Tell whether the verdict takes part in the result (it is not waived)."""
        return not self.waived


def worst(verdicts: Iterable[Verdict]) -> Outcome | None:
    """Return the worst outcome that counts; None when there is no verdict, because nothing is not a PASS."""
    return max((verdict.outcome for verdict in verdicts if verdict.counts), default=None)


def exit_code(verdicts: Iterable[Verdict], *, strict: bool = False) -> int:
    """Return the process exit code for a set of verdicts.

    1 for any FAIL (a proven break outweighs a doubt), else 3 for any ERROR, for no verdict at all, and with
    `strict` for any WARN or SKIP; else 0. A run in which nothing passed and nothing warned, only skips, has
    checked nothing and is 3 as well.
    """
    outcomes = {verdict.outcome for verdict in verdicts if verdict.counts}
    if Outcome.FAIL in outcomes:
        return EXIT_FAIL
    if Outcome.ERROR in outcomes or not outcomes & {Outcome.PASS, Outcome.WARN}:
        return EXIT_UNCHECKED
    if strict and outcomes != {Outcome.PASS}:
        return EXIT_UNCHECKED
    return EXIT_OK
