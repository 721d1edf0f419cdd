"""What is kept of drift runs of many stacks: since when, how often, flapping; the worst first. Pure."""

from __future__ import annotations

import dataclasses
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stackcheck.drift import metrics
from stackcheck.drift.changes import BREAKS
from stackcheck.drift.history import courses
from stackcheck.drift.rendering import OUTCOMES, minute, overall
from stackcheck.model.verdict import Outcome
from stackcheck.report.document import Document, Finding, Row, Section, Table
from stackcheck.report.wording import NOTHING, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.drift.history import Course, Run

_WORST_FIRST = (Outcome.FAIL.word, Outcome.WARN.word, Outcome.PASS.word, NOTHING)


@dataclasses.dataclass(frozen=True)
class Past:
    """The runs of one stack, the oldest first, and how each change went over them."""

    stack: str
    runs: Sequence[Run]

    @cached_property
    def courses(self) -> Sequence[Course]:
        """Return the course of every change that was ever seen, those that are there now first."""
        return courses(self.runs)

    @property
    def count(self) -> int:
        """Return how many runs are kept."""
        return len(self.runs)

    @property
    def last(self) -> str:
        """Return when the last run began; "" without runs."""
        return self.runs[-1].started if self.runs else ""

    @property
    def broken_since(self) -> str:
        """Return when the oldest break that is there now was first seen; "" where nothing breaks."""
        return min((each.since for each in self.courses if each.now and each.rank in BREAKS), default="")

    @property
    def flapping(self) -> int:
        """Return how many changes come and go."""
        return sum(each.flapping for each in self.courses)

    @property
    def outcome(self) -> str:
        """Return what the worst change that is there now comes to; NOTHING where no run is kept."""
        now = [OUTCOMES[each.rank] for each in self.courses if each.now]
        return max(now, default=Outcome.PASS).word if self.runs else NOTHING

    def present(self, rank: str) -> int:
        """Return how many changes of a class are there now."""
        return sum(each.now and each.rank == rank for each in self.courses)


def document(pasts: Sequence[Past], *, alone: bool) -> Document:
    """Return the history of stacks; `alone` is that of one which was named, and has its own JSON object."""
    told = (
        list(pasts)
        if alone
        else sorted(pasts, key=lambda past: (_WORST_FIRST.index(past.outcome), past.broken_since))
    )
    sections = tuple(_section(past, word="" if alone else past.outcome) for past in told)
    return Document(
        sections,
        lambda: _data(pasts[0]) if alone else {"histories": [*map(_data, pasts)]},
        title=plural(len(pasts), "stack"),
        overview=None if alone else _overview(told),
        overall="" if alone else overall([past.outcome for past in told]),
        empty="no drift run is kept; `stackcheck drift STACK` makes one",
        package="stackcheck.history",
        own={"jsonl": lambda: "".join(_lines(pasts)), "prom": lambda: metrics.of_history(pasts)},
    )


def _overview(pasts: Sequence[Past]) -> Table:
    headers = ("now", "stack", "broken since", "last run", "runs", "changes now", "flapping")
    rows = (
        (
            past.outcome,
            past.stack,
            minute(past.broken_since),
            minute(past.last),
            str(past.count),
            str(sum(each.now for each in past.courses) or ""),
            str(past.flapping or ""),
        )
        for past in pasts
    )
    return Table(headers, tuple(rows), right=4)


def _section(past: Past, word: str) -> Section:
    none = f"no drift run is kept; `stackcheck drift {past.stack}` makes one"
    told = f"{plural(past.count, 'run')}, {past.runs[0].started} to {past.last}" if past.runs else none
    return Section(
        name=past.stack,
        headline=told,
        outcome=word,
        parts=tuple(map(_finding, past.courses)),
        tail=tuple(f"accepted {run.started}: {run.accepted}" for run in past.runs if run.accepted),
    )


def _finding(course: Course) -> Finding:
    state = f"since {course.since}" if course.now else f"gone; last seen {course.last}"
    flaps = f", flapping (it came or went {course.flips} times)" if course.flapping else ""
    seen = f"{state}; in {course.seen} of {plural(course.looked, 'run')}{flaps}"
    return Finding(
        outcome=OUTCOMES[course.rank] if course.now else Outcome.PASS,
        code="",
        title=course.what,
        rows=(Row("where", course.where), Row("seen", seen)),
        label=course.rank.upper(),
        name=f"{course.where} {course.aspect}",
    )


def _data(past: Past) -> dict[str, Any]:
    taken = [{"started": run.started, "reason": run.accepted} for run in past.runs if run.accepted]
    return {
        "stack": past.stack,
        "runs": past.count,
        "changes": [*map(_change, past.courses)],
        "accepted": taken,
    }


def _change(course: Course) -> dict[str, Any]:
    return {**dataclasses.asdict(course), "flapping": course.flapping}


def _lines(pasts: Sequence[Past]) -> Iterator[str]:
    """Yield a line a stack, and under it a line a change; every line says what it is and of which stack."""
    for past in pasts:
        told = {
            "kind": "history",
            "stack": past.stack,
            "result": past.outcome,
            "runs": past.count,
            "last": past.last,
            "broken_since": past.broken_since,
            "flapping": past.flapping,
        }
        for row in (told, *({"kind": "change", "stack": past.stack, **_change(c)} for c in past.courses)):
            yield json.dumps(row, ensure_ascii=True) + "\n"
