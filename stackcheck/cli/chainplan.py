"""The plan of a build as text and as JSON: which tiers are used, which are built, and from which line on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stackcheck.cli import output
from stackcheck.dockerfiles.layercache import first_rebuilt
from stackcheck.dockerfiles.tiers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.dockerfiles.layercache import Forecast
    from stackcheck.dockerfiles.tiers import ChainPlan, Decision

_WIDEST = 90


def to_text(plans: Sequence[ChainPlan]) -> str:
    """Render plans for a terminal; what is said of steps counts as far as the engine still has its cache."""
    return "".join("\n".join([*_lines(plan), ""]) for plan in plans)


def _lines(plan: ChainPlan) -> Iterator[str]:
    for each in plan.decisions:
        yield _decision(each)
        yield from _steps(plan.steps.get(each.tier.stack, ()))
    count, gone = len(plan.decisions), missing(plan.decisions)
    tiers = "image is" if count == 1 else f"{count} tiers are"
    if gone:
        yield f"missing: {', '.join(gone)} ({len(gone)} of {count})"
    elif any(each.build for each in plan.decisions):
        yield f"{'the' if count == 1 else 'all'} {tiers} there, not all are current"
    else:
        yield f"{'the' if count == 1 else 'all'} {tiers} there; nothing would be built"


def _decision(each: Decision) -> str:
    if each.image is not None:
        size = f"{each.image.size_bytes / 1e6:.1f} MB"
        return f"{each.tier.stack}: use {each.image.name} ({size})"
    return output.line(f"{each.tier.stack}: build, because {'; '.join(each.reasons)}")


def _steps(told: Sequence[Forecast]) -> Iterator[str]:
    first = first_rebuilt(told)
    if first is None:
        return
    again = [each for each in told if each.rebuilt]
    yield f"    {len(told) - len(again)} of {len(told)} steps are cached; {len(again)} run again:"
    for each in again:
        yield "    " + output.line(f"line {each.step.line}: {each.step.text[:_WIDEST]} [{each.why}]")


def to_json(plans: Sequence[ChainPlan]) -> str:
    """Render plans for a program."""
    return json.dumps({"plans": [_row(plan) for plan in plans]}, indent=2) + "\n"


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
