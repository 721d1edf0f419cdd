"""Rules about the definition itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.near import did_you_mean
from stackcheck.rules.registry import RULES, Finding, current_code, failed, passed, rule

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts


def _names_codes(facts: Facts) -> bool:
    stack: Stack = facts["stack"]
    return bool(stack.ignore or stack.expect_codes)


@rule("STACK101", when=_names_codes)
def named_codes_exist(stack: Stack) -> list[Finding]:
    """The rule codes that a stack names exist.

    An ignore for a code that no rule has silences nothing and reads as if it did; an expected code that no
    rule has can never be met.

    Source: the rules of this version of stackcheck (`stackcheck explain`).
    Example: `ignore = { TORCH999 = "..." }`.
    Fix: correct the code, or remove the entry.
    """
    named = [("ignore", code) for code in stack.ignore]
    named += [("expect_codes", code) for code in stack.expect_codes]
    unknown = [
        failed(
            f"{key} names {code}, and no rule has that code",
            expected="a code that `stackcheck explain` lists",
            found=code,
            hint=f"correct it in {stack.file or 'the definition'}{did_you_mean(code, sorted(RULES))}",
        )
        for key, code in named
        if current_code(code) not in RULES
    ]
    return unknown or [passed(f"all {len(named)} rule codes that the stack names exist")]
