"""Outcome, Level and Verdict: what stackcheck says about one aspect of a stack, and how it came to know."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Worded(enum.IntEnum):
    """A scale whose steps stand in documents by their words, not by their numbers."""

    @property
    def word(self) -> str:
        """Return the name as reports spell it."""
        return self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """Tell pydantic how it stands in JSON; called only where pydantic is imported already."""
        from pydantic_core import core_schema  # noqa: PLC0415 - most commands read and write no JSON

        words = {each.word: each for each in cls}
        text = core_schema.literal_schema(list(words))
        return core_schema.no_info_after_validator_function(
            words.__getitem__,
            text,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda each: each.word, return_schema=text
            ),
        )


class Outcome(_Worded):
    """How bad it is. The order is part of the public interface: PASS < WARN < SKIP < FAIL < ERROR."""

    PASS = 0
    WARN = 1
    SKIP = 2
    """Not checked, always with the reason. Never counted as good."""
    FAIL = 3
    ERROR = 4
    """stackcheck or a probe could not do its work; says nothing about the stack."""


class Level(_Worded):
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

    @property
    def meaning(self) -> str:
        """Return in a few words what was looked at when a check of this level has an answer."""
        return _MEANINGS[self.value]


_MEANINGS = (
    "definition and tables",
    "what the resolver takes",
    "the files of the wheels, nothing run",
    "imports and computes on the CPU",
    "computes on the GPU",
)


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
