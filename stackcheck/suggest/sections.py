"""Changes and verdicts as parts of a document, for every command that suggests any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.report.document import Entry, Listing
from stackcheck.suggest.change import spell

if TYPE_CHECKING:
    from stackcheck.model.verdict import Verdict
    from stackcheck.suggest.suggestion import Change


def explained(change: Change) -> Listing:
    """Return a change with what fails without it, and where the fact behind that can be read."""
    reasons = [f"without it: {reason}" for reason in change.needed_for] or ["it goes with the changes above"]
    more = [f"and {len(reasons) - 2} more"] if len(reasons) > 2 else []
    source = [f"[{change.source}]"] if change.source else []
    heading = f"{'.'.join(change.path)}: {spell(change.before)} -> {spell(change.after)}"
    return Listing(heading, tuple(map(Entry, (*reasons[:2], *more, *source))), loud=False)


def listed(heading: str, verdicts: tuple[Verdict, ...]) -> list[Listing]:
    """Return verdicts as a list; none where there are none."""
    entries = tuple(
        Entry(f"{each.outcome.word} {each.code}: {each.message}", do=each.hint) for each in verdicts
    )
    return [Listing(heading, entries)] if entries else []


def change_data(change: Change) -> dict[str, Any]:
    """Return a change as JSON has it."""
    return {
        "path": list(change.path),
        "before": spell(change.before),
        "after": spell(change.after),
        "needed_for": list(change.needed_for),
        "source": change.source,
    }


def verdict_data(verdict: Verdict) -> dict[str, str]:
    """Return a verdict as JSON has it, in short."""
    return {"code": verdict.code, "outcome": verdict.outcome.name, "message": verdict.message}
