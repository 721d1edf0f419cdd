"""The drift report: what moved and what was not compared, frozen, and the exit code that follows. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck import __version__
from stackcheck.drift.change_classes import CLASSES
from stackcheck.drift.changes import Change, diff, unchecked
from stackcheck.drift.facts import Gap
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.drift.facts import Snapshot


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What has moved in one stack's surroundings since its baseline.

    `since` says what the baseline is; `compared` counts the facts that both sides know, by area. `cve_same`
    is how many known vulnerabilities stayed, None when they were not compared.
    """

    stack: str
    changes: tuple[Change, ...]
    unchecked: tuple[Gap, ...]
    compared: dict[str, int]
    since: str = ""
    started: str = ""
    seconds: float = 0.0
    cve_same: int | None = None
    accepted: str = ""
    """The reason with which this drift was accepted, "" when it was not."""
    tool_version: str = __version__

    @property
    def counts(self) -> dict[str, int]:
        """Return how many changes each class has; every class is there."""
        found = Counter(change.rank for change in self.changes)
        return {rank: found[rank] for rank in CLASSES}

    @property
    def faults(self) -> tuple[Gap, ...]:
        """Return what should have been looked at and could not be."""
        return tuple(gap for gap in self.unchecked if gap.fault)

    def exit_code(self, *, strict: bool = False) -> int:
        """Return 1 for a change that breaks something, 3 for a fault or when nothing was compared, else 0.

        With `strict`, 3 also for a change of behaviour and for anything that was not compared.
        """
        if any(change.breaks for change in self.changes):
            return EXIT_FAIL
        if self.faults or not self.compared:
            return EXIT_UNCHECKED
        doubts = self.unchecked or self.counts["changes-behaviour"]
        return EXIT_UNCHECKED if strict and doubts else EXIT_OK


def compare(stack: str, baseline: Snapshot, fresh: Snapshot, *, since: str = "") -> DriftReport:
    """Return the report of two snapshots; times are the caller's to add."""
    both = [key for key in baseline.facts.keys() | fresh.facts.keys()
            if baseline.knows(key) and fresh.knows(key)]  # fmt: skip
    same = [key for key in both if baseline.facts.get(key, ()) == fresh.facts.get(key)]
    cve = [gap for gap in (*baseline.gaps, *fresh.gaps) if gap.area == "cve"]
    return DriftReport(
        stack=stack,
        changes=diff(baseline, fresh),
        unchecked=unchecked(baseline, fresh),
        compared=dict(sorted(Counter(key.area for key in both).items())),
        since=since,
        cve_same=None if cve else sum(key.area == "cve" for key in same),
    )


def not_compared(stack: str, reason: str) -> DriftReport:
    """Return the report of a stack whose baseline could not be read: nothing was compared, and why."""
    return DriftReport(stack, (), (Gap("baseline", "", "", reason, fault=True),), {}, "none could be read")


def worst_code(codes: Iterable[int]) -> int:
    """Return the exit code of several reports: a break before what could not be looked at."""
    found = set(codes)
    return EXIT_FAIL if EXIT_FAIL in found else EXIT_UNCHECKED if EXIT_UNCHECKED in found else EXIT_OK
