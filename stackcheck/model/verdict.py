"""Verdict: what stackcheck says about one aspect of a stack, and how it came to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence, Level, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Evidence", "Level", "Outcome", "Verdict", "worst")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's answer about one aspect.

    `message` is a whole sentence; `expected` and `found` are the two sides in the fewest words; `hint` is the
    next thing to do. `waived` is the reason written in the stack for accepting this FAIL or WARN: such a
    verdict keeps its outcome and is printed, but does not count. `level` is that of the evidence which
    decided. `unverified`: it rests on knowledge that no primary source confirms, or on an assumption that it
    names, so it is a WARN where it would be a FAIL. `question` and `subject` say what was asked about what
    ("accepts torch", "torchvision"): verdicts of the same question and subject are answers to one another,
    and the judge keeps the strongest. `notes` are weaker answers that disagree with this one. `place` is
    where what it is about stands in the files that were read: "Dockerfile:12".
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
    place: str = ""
    about: tuple[str, ...] = ()
    """What it is about, each by its name, where more than one thing can be: packages, GPUs, files ..."""

    def __hash__(self) -> int:
        """Return a hash of what tells nearly all verdicts apart: of ten thousand stacks each is asked for."""
        return hash((self.code, self.subject, self.message, self.place))

    @property
    def things(self) -> tuple[str, ...]:
        """Return what it is about, by which a definition accepts or expects it."""
        return self.about or ((self.subject,) if self.subject else ())

    @property
    def counts(self) -> bool:
        """Tell whether the verdict takes part in the result (it is not waived)."""
        return not self.waived


def worst(verdicts: Iterable[Verdict]) -> Outcome | None:
    """Return the worst outcome that counts; None when there is no verdict, because nothing is not a PASS."""
    return max((verdict.outcome for verdict in verdicts if verdict.counts), default=None)
