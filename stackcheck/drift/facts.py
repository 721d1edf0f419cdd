"""What was seen around a stack at one time: flat facts, and the gaps where nothing was seen. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 2000
"""Values come from indexes, images and scanners: longer ones are cut before they are compared or kept."""


class Key(NamedTuple):
    """What a fact is about: `("file", "torch-2.5.0-...whl", "sha256")`."""

    area: str
    subject: str
    aspect: str


class Seen(NamedTuple):
    """What was seen: `value` is compared, `note` explains it to people and is not."""

    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Something that was not looked at, and why; an empty `subject` or `aspect` stands for all of them.

    `fault` tells what should have been seen and could not be (an index that is down) from what was not asked
    for or is not there.
    """

    area: str
    subject: str
    aspect: str
    reason: str
    fault: bool = False

    def covers(self, key: Key) -> bool:
        """Tell whether nothing is known about a fact because of this gap."""
        return self.area == key.area and self.subject in ("", key.subject) and self.aspect in ("", key.aspect)


@dataclass(frozen=True)
class Snapshot:
    """Facts by key, and gaps. What is neither a fact nor in a gap was looked for and is not there."""

    facts: Mapping[Key, Seen] = field(default_factory=dict)
    gaps: frozenset[Gap] = frozenset()

    def __or__(self, other: Snapshot) -> Snapshot:
        """Return both together; where both know a fact, the other one's counts."""
        return Snapshot({**self.facts, **other.facts}, self.gaps | other.gaps)

    def knows(self, key: Key) -> bool:
        """Tell whether this fact, or its absence, was seen."""
        return key in self.facts or not any(gap.covers(key) for gap in self.gaps)

    def without(self, areas: Iterable[str]) -> Snapshot:
        """Return what is known of all areas but some."""
        left = frozenset(areas)
        every = {key.area for key in self.facts} | {gap.area for gap in self.gaps}
        return self.only(every - left)

    def only(self, areas: Iterable[str]) -> Snapshot:
        """Return what is known of some areas."""
        wanted = frozenset(areas)
        facts = {key: seen for key, seen in self.facts.items() if key.area in wanted}
        return Snapshot(facts, frozenset(gap for gap in self.gaps if gap.area in wanted))


def snapshot(rows: Iterable[tuple[str, str, str, Seen | str]], gaps: Iterable[Gap] = ()) -> Snapshot:
    """Make a snapshot of rows `area, subject, aspect, value`; long texts are cut."""
    facts = {}
    for area, subject, aspect, value in rows:
        seen = value if isinstance(value, Seen) else Seen(value)
        facts[Key(area, _cut(subject), aspect)] = Seen(_cut(seen.value), _cut(seen.note))
    return Snapshot(facts, frozenset(gaps))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


def to_rows(seen: Snapshot) -> dict[str, Any]:
    """Return a snapshot as JSON values, sorted, so that the same facts give the same bytes."""
    return {
        "facts": [[*key, *value] for key, value in sorted(seen.facts.items())],
        "gaps": [[g.area, g.subject, g.aspect, g.reason, g.fault] for g in sorted(seen.gaps)],
    }


def from_rows(document: Mapping[str, Any]) -> Snapshot:
    """Read what `to_rows` gave. Raises ValueError for anything else."""
    try:
        facts = {Key(*map(_text, row[:3])): Seen(*map(_text, row[3:5])) for row in document["facts"]}
        gaps = frozenset(_gap(row) for row in document["gaps"])
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"these are not facts: {error}") from None
    return Snapshot(facts, gaps)


def _gap(row: Any) -> Gap:
    area, subject, aspect, reason = map(_text, row[:4])
    return Gap(area, subject, aspect, reason, row[4] is True)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not text")
    return value


def carried(baseline: Snapshot, fresh: Snapshot) -> Snapshot:
    """Return what is known once `fresh` is accepted: what was seen today, and the baseline where it was not.

    What neither of them knows stays a gap, with today's reason.
    """
    kept = {key: seen for key, seen in baseline.facts.items() if not fresh.knows(key)}
    both = (_common(mine, theirs) for mine in fresh.gaps for theirs in baseline.gaps)
    return Snapshot({**kept, **fresh.facts}, frozenset(gap for gap in both if gap))


def _common(mine: Gap, theirs: Gap) -> Gap | None:
    """Return the gap that two gaps share; None when they share nothing."""
    if mine.area != theirs.area:
        return None
    names = []
    for one, other in ((mine.subject, theirs.subject), (mine.aspect, theirs.aspect)):
        if one and other and one != other:
            return None
        names.append(one or other)
    return Gap(mine.area, names[0], names[1], mine.reason, mine.fault)
