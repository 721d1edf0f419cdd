"""The plan of a build as a document: which tiers are used, which are built, and from which line on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.images.layercache import first_rebuilt
from stackcheck.images.tiers import missing
from stackcheck.report.document import Document, Entry, Lines, Listing, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.images.layercache import Forecast
    from stackcheck.images.tiers import ChainPlan, Decision

_WIDEST = 90


def document(plans: Sequence[ChainPlan]) -> Document:
    """Return plans as a document; what is said of steps counts as far as the engine still has its cache."""
    sections = tuple(section for plan in plans for section in _sections(plan))
    return Document(sections, lambda: {"plans": [_row(plan) for plan in plans]})


def _sections(plan: ChainPlan) -> Iterator[Section]:
    for each in plan.decisions:
        yield Section(each.tier.stack, _decision(each), parts=_steps(plan.steps.get(each.tier.stack, ())))
    yield Section(title="the plan", parts=(Lines((_sum(plan),)),))


def _sum(plan: ChainPlan) -> str:
    count, gone = len(plan.decisions), missing(plan.decisions)
    tiers = "image is" if count == 1 else f"{count} tiers are"
    if gone:
        return f"missing: {', '.join(gone)} ({len(gone)} of {count})"
    every = "the" if count == 1 else "all"
    if any(each.build for each in plan.decisions):
        return f"{every} {tiers} there, not all are current"
    return f"{every} {tiers} there; nothing would be built"


def _decision(each: Decision) -> str:
    if each.image is not None:
        return f"use {each.image.name} ({each.image.size_bytes / 1e6:.1f} MB)"
    return f"build, because {'; '.join(each.reasons)}"


def _steps(told: Sequence[Forecast]) -> tuple[Listing, ...]:
    if first_rebuilt(told) is None:
        return ()
    again = [each for each in told if each.rebuilt]
    heading = f"{len(told) - len(again)} of {len(told)} steps are cached; {len(again)} run again"
    lines = (f"line {each.step.line}: {each.step.text[:_WIDEST]} [{each.why}]" for each in again)
    return (Listing(heading, tuple(map(Entry, lines)), loud=False),)


def _row(plan: ChainPlan) -> dict[str, Any]:
    return {
        "missing": list(missing(plan.decisions)),
        "tiers": [
            {
                "stack": each.tier.stack,
                "action": "build" if each.build else "use",
                "reasons": list(each.reasons),
                "image": each.image.name if each.image else None,
                "size_bytes": each.image.size_bytes if each.image else None,
                "steps": [
                    {
                        "stage": told.step.stage,
                        "line": told.step.line,
                        "text": told.step.text,
                        "why": told.why,
                    }
                    for told in plan.steps.get(each.tier.stack, ())
                ],
            }
            for each in plan.decisions
        ],
    }
