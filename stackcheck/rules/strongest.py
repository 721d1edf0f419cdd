"""Of several answers to one question about one subject the one by the strongest evidence decides."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from stackcheck.model.evidence import Level, Outcome
from stackcheck.rules.questions import partner, whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from stackcheck.model.verdict import Verdict

_SAID_BY = {
    Level.STATED: "the tables say",
    Level.RESOLVED: "the resolver says",
    Level.BYTES: "the files say",
    Level.RUN: "the run says",
    Level.GPU: "the GPU says",
}


_SHOWN_BY = {
    Level.RESOLVED: "the resolver shows otherwise",
    Level.BYTES: "the files show otherwise",
    Level.RUN: "the run shows otherwise",
    Level.GPU: "the GPU shows otherwise",
}


def strongest(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Keep, of answers to the same question about the same subject, those of the highest level that answered.

    A weaker one that disagrees becomes a note of the one that decides; one that agrees stays. A SKIP or an
    ERROR is not an answer. Verdicts without a question are answers to nobody else.
    """
    from dataclasses import replace  # noqa: PLC0415 - explaining a rule needs no verdict

    every = tuple(verdicts)
    groups: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for each in every:
        if each.question and each.outcome in (Outcome.PASS, Outcome.WARN, Outcome.FAIL):
            groups[whole(each.question), each.subject].append(each)
    decided: dict[int, Verdict | None] = {}
    for answers in groups.values():
        level = max(each.level for each in answers)
        decisive = max((each for each in answers if each.level == level), key=lambda each: each.outcome)
        overruled = [each for each in answers if each.level < level and _disagree(each, decisive)]
        decided |= {id(each): None for each in overruled}
        if overruled:
            notes = tuple(note_of(each, level) for each in overruled)
            decided[id(decisive)] = replace(decisive, notes=(*decisive.notes, *notes))
    kept = (decided.get(id(each), each) for each in every)
    return tuple(each for each in kept if each is not None)


def said_once(verdicts: Iterable[Verdict], named: Collection[str] = ()) -> tuple[Verdict, ...]:
    """Keep, of FAILs of several rules about one conflict, that of the highest level.

    That is the same question about the same subject, or two distributions of which one does not go with the
    other, whichever of them a rule is about. The others become its notes, and what they advise is advised
    too. What the stack accepts (`waived`) or expects (`named`, codes) stays as it is.
    """
    from dataclasses import replace  # noqa: PLC0415 - explaining a rule needs no verdict

    every = tuple(verdicts)
    groups: dict[object, list[Verdict]] = defaultdict(list)
    for each in every:
        if each.outcome is Outcome.FAIL and each.question and each.counts and each.code not in named:
            groups[_conflict(each)].append(each)
    told: dict[int, Verdict | None] = {}
    for fails in groups.values():
        first = max(fails, key=lambda each: each.level)
        others = [each for each in fails if each.code != first.code]
        notes = (*first.notes, *(f"{each.code} says it too: {each.message}" for each in others))
        hints = dict.fromkeys(each.hint for each in (first, *others) if each.hint)
        told |= {id(each): None for each in others}
        told[id(first)] = replace(first, notes=notes, hint="; ".join(hints))
    kept = (told.get(id(each), each) for each in every)
    return tuple(each for each in kept if each is not None)


_FLAVOR = re.compile(r"-cu\d+$")
"""The CUDA version in a name: spconv-cu124 and spconv are one package."""


def _conflict(verdict: Verdict) -> object:
    """Return what tells a conflict from others: two distributions, else the question and its subject."""
    other = partner(verdict.question)
    if not other:
        return verdict.question, verdict.subject
    return frozenset(_FLAVOR.sub("", each) for each in (verdict.subject, other))


def _disagree(one: Verdict, other: Verdict) -> bool:
    return (one.outcome is Outcome.FAIL) != (other.outcome is Outcome.FAIL)


def note_of(weaker: Verdict, level: Level) -> str:
    """Return what is said of an answer that stronger evidence has overruled."""
    return overruled_note(f"{weaker.code}: {weaker.message}", weaker.level, level)


def overruled_note(said: str, by: Level, level: Level) -> str:
    """Return the note: what the weaker evidence says, and that the table is to be corrected."""
    report = " Please report the row." if by is Level.STATED else ""
    return (
        f"{_SAID_BY[by][0].upper()}{_SAID_BY[by][1:]} ({said.rstrip('.')}), and {_SHOWN_BY[level]}.{report}"
    )
