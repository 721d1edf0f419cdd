"""Whether all images of a chain are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.model.evidence import Evidence
from stackcheck.model.facts import Fault
from stackcheck.rules.image.tier_stacks import is_tier
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack


@rule("TIER301", when=is_tier, about="tier")
def all_tiers_are_there(stack: Stack, building: Any) -> Finding:
    """Every image of the chain is there.

    Sizes are uncompressed; `+` is what a tier adds to the one below.

    Source: the engine, asked for each image.
    Example: the image of one tier was removed: it, and all after it, have to be built again.
    Fix: `stackcheck build` of the last tier builds what is missing; `--plan` says what that is.
    """
    wanted = [each.id for each in (*stack.below, stack)]
    if isinstance(building, Fault):
        return skipped(f"the chain {' -> '.join(wanted)} is not there: its build did not succeed")
    found = {each.stack: each for each in building.tiers}
    if building.kind != "image" or not found:
        return skipped(f"a {building.kind} has no tiers; the docker engine builds {' -> '.join(wanted)}")
    gone = [name for name in wanted if name not in found]
    if gone:
        return failed(
            f"{len(gone)} of {len(wanted)} tiers are missing: {', '.join(gone)}.",
            expected=", ".join(wanted),
            found=", ".join(found) or "none",
            hint=f"build them: stackcheck build {stack.id}",
            about=gone,
        )
    return passed(
        f"all {len(wanted)} tiers are there: {sizes(building.tiers)}.",
        *(Evidence(f"{each.stack} is {each.name}", each.id) for each in building.tiers),
    )


def sizes(tiers: Any) -> str:
    """Return "base 289 MB, training +12 MB": the lowest tier whole, then what each adds."""
    rows: list[str] = []
    below = 0
    for each in tiers:
        rows.append(f"{each.stack} {'+' if rows else ''}{_megabytes(each.size_bytes - below)}")
        below = each.size_bytes
    return ", ".join(rows)


def _megabytes(size: int) -> str:
    if size >= 1_000_000_000:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.1f} MB" if abs(size) >= 100_000 else f"{size / 1e3:.1f} kB"
