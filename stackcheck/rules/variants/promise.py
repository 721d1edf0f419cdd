"""What the name of a targeted build promises, and its flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, skipped, warned
from stackcheck.variants.names import Promise, parse_name

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts


def is_variant(facts: Facts) -> bool:
    """Tell whether the stack is a targeted build, whose id is a promise."""
    stack: Stack | None = facts.get("stack")
    return stack is not None and stack.variant is not None


def promise_of(stack: Stack, tables: Tables) -> Promise:
    """Return what the id of a targeted build promises."""
    return parse_name(stack.id, {row.name for row in tables.isas.isas})


def judge_flags(who: str, flags: list[str], isa: str, tables: Tables, *, whose: str) -> Finding:
    """Hold compiler flags against an instruction set; `whose` names where they stand."""
    row = tables.isas.isa(isa)
    assert row is not None  # noqa: S101 - a name from the table
    on = tables.isas.switched_on(flags)
    wanted = tables.isas.switched_on((*row.flags, *row.allowed))
    beyond = sorted(tables.isas.instructions(flags) - wanted - {each for each in flags if "=" in each})
    lacking = [flag for flag in row.flags if flag not in on]
    expected, found = " ".join(row.flags), " ".join(flags)
    hint = f"state {expected!r}"
    says = f"builds named {isa} are made with {expected}"
    if beyond:
        text = f"{who}: {whose} has {' '.join(beyond)} beyond {isa}: CPUs that {isa} promises stop there."
        return failed_by(text, (row, says), expected=expected, found=found, hint=hint)
    if row.mark in lacking:
        other = [flag for flag in flags if flag.startswith(("-march=", "-mcpu="))]
        if other and not tables.isas.instructions(other):
            return skipped(f"{who}: no data on what {' '.join(other)} switches on")
        text = f"{who}: {whose} has no {row.mark}, which {isa} promises."
        return failed_by(text, (row, says), expected=expected, found=found, hint=hint)
    if lacking:
        text = f"{who}: {whose} has {row.mark} without {' '.join(lacking)}: less than builds named {isa} use."
        return warned(text, cite(row, says), expected=expected, found=found, hint=hint)
    return passed(f"{who}: {whose} has the flags of {isa}.", cite(row, says), expected=expected, found=found)
