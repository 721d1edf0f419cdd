"""How results and drift went over time, as drawings: places of marks alone, the template draws. Pure.

A mark says by its row what it means, a bar by its pattern as well as by its colour.
"""

from __future__ import annotations

from collections import Counter
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.report.wording import plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST = 60
"""So many of the last runs are drawn."""
WIDTH, LEFT, HIGH, TOP = 360, 62, 72, 8
LANES = ("PASS", "WARN", "ERROR", "FAIL", "NOTHING")
RANKS = ("breaks-next-build", "breaks-running", "changes-behaviour", "benign")
"""Classes of changes, the worst first, as `stackcheck drift` names them."""


class Result(NamedTuple):
    """What one report said; `started` is ISO 8601 in UTC, `href` is where its page is."""

    started: str
    word: str
    href: str = ""


class Night(NamedTuple):
    """What one drift run saw: how many changes of each class since the baseline."""

    started: str
    counts: Mapping[str, int]
    accepted: str = ""


def broken_since(nights: Sequence[Night]) -> str:
    """Return the first of the last nights that all saw something break; "" where the last one saw nothing."""
    broken = takewhile(lambda night: any(night.counts.get(rank) for rank in RANKS[:2]), reversed(nights))
    return min((night.started for night in broken), default="")


class Mark(NamedTuple):
    """A circle at x and y, or a bar from y downwards of a height; `text` is what it stands for."""

    x: float
    y: float
    word: str
    text: str
    height: float = 0.0
    href: str = ""


class Chart(NamedTuple):
    """A drawing: marks, rows with their names, the first and the last time, and all of it in a sentence."""

    marks: tuple[Mark, ...]
    lanes: tuple[tuple[float, str], ...]
    first: str
    last: str
    text: str
    width: float
    """Of a bar, or the diameter of a circle."""


def results_chart(results: Sequence[Result]) -> Chart | None:
    """Return a row a word and a mark a report; None for less than two, which are no history."""
    shown = list(results[-MOST:])
    if len(shown) < 2:
        return None
    lanes = [word for word in LANES if any(each.word == word for each in shown)]
    at = {word: HIGH * (number + 0.5) / len(lanes) for number, word in enumerate(lanes)}
    step = (WIDTH - LEFT) / len(shown)
    marks = tuple(
        Mark(
            LEFT + step * (number + 0.5),
            at[each.word],
            each.word,
            f"{each.started}: {each.word}",
            0.0,
            each.href,
        )
        for number, each in enumerate(shown)
        if each.word in at
    )
    counts = Counter(mark.word for mark in marks)
    said = ", ".join(f"{word} {counts[word]}" for word in lanes)
    text = f"{len(shown)} reports: {said}; the last one says {shown[-1].word}."
    places = tuple((y, word) for word, y in at.items())
    return Chart(marks, places, shown[0].started, shown[-1].started, text, min(12.0, step))


def drift_chart(nights: Sequence[Night]) -> Chart | None:
    """Return a bar a run, as high as changes were seen, the worst class at the bottom; None without runs."""
    shown = list(nights[-MOST:])
    if not shown:
        return None
    most = max(1, *(sum(night.counts.values()) for night in shown))
    step = (WIDTH - LEFT) / len(shown)
    marks = []
    for number, night in enumerate(shown):
        bottom = float(HIGH)
        place = LEFT + step * (number + 0.5)
        for rank in RANKS:
            if count := night.counts.get(rank, 0):
                height = (HIGH - TOP) * count / most
                bottom -= height
                marks.append(Mark(place, bottom, rank, f"{night.started}: {rank} {count}", height))
        if bottom == HIGH:
            marks.append(Mark(place, bottom, RANKS[-1], f"{night.started}: no change"))
        if night.accepted:
            text = f"{night.started}: made the baseline, because {night.accepted}"
            marks.append(Mark(place, bottom, RANKS[-1], text))
    last = ", ".join(f"{rank} {count}" for rank, count in shown[-1].counts.items() if count)
    text = f"{plural(len(shown), 'drift run')}; the last one saw {last or 'no change'}."
    lanes = ((float(TOP), f"{most} moved"), (float(HIGH), "0"))
    return Chart(tuple(marks), lanes, shown[0].started, shown[-1].started, text, min(16.0, step * 0.8))
