"""Reach: how far a run came, and for each level above why it did not come there. Pure."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.model.evidence import Level, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackcheck.model.verdict import Verdict

NO_CHECK = "no check of this level was made"
"""Why a level was not reached to which nothing in the stack applies."""
_CHECK_READS = "`check` opens no wheel and builds nothing"
_CHECK_BUILDS = "`check` builds nothing"
_ANSWERS = frozenset({Outcome.PASS, Outcome.WARN, Outcome.FAIL})


class Reach(NamedTuple):
    """The strongest level that gave an answer, and why each level above did not."""

    level: Level | None = None
    """None when no check gave an answer."""
    unreached: Mapping[Level, str] = MappingProxyType({})
    """Every level above, the lowest first: the reason in words, without a full stop."""

    def covers(self, level: Level) -> bool:
        """Tell whether a level, or a stronger one, gave an answer."""
        return self.level is not None and self.level >= level

    def skips(self, verdict: Verdict) -> bool:
        """Tell whether a verdict says no more than that its level was not reached.

        Built and run is what a place allows; definition, resolution and files can be read anywhere, so what
        was not checked of those is a choice or want of data, and stays a SKIP.
        """
        if verdict.outcome is not Outcome.SKIP or verdict.level < Level.RUN:
            return False
        return not self.covers(verdict.level)


def reach_of(verdicts: Sequence[Verdict], command: str = "") -> Reach:
    """Return how far a run of `command` came that gave these verdicts."""
    levels = {each.level for each in verdicts if each.outcome in _ANSWERS}
    level = max(levels, default=None)
    above = [each for each in Level if level is None or each > level]
    return Reach(level, {each: _reason(verdicts, command, each) for each in above})


def _reason(verdicts: Sequence[Verdict], command: str, level: Level) -> str:
    """Return the most frequent reason that the checks of a level give for having no answer."""
    here = [each for each in verdicts if each.level is level]
    reasons = Counter(each.message.rstrip(".") for each in here if each.outcome is Outcome.SKIP)
    if not reasons and here:  # what the error is stands where it is told
        return f"{', '.join(sorted({each.code for each in here}))} ended in an error"
    if reasons:
        return max(reasons, key=lambda reason: (reasons[reason], reason))
    if command != "check" or level < Level.BYTES:
        return NO_CHECK
    return _CHECK_BUILDS if any(each.level is Level.BYTES for each in verdicts) else _CHECK_READS
