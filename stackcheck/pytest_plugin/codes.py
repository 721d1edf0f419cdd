"""Which items a stack has: one for each rule that may have something to say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck import knowledge, rules
from stackcheck.environment import definition_facts
from stackcheck.model.acceptance import code_of
from stackcheck.rules.registry import RULES, Rule

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts


def codes_of(stack: Stack, *, check_only: bool, bytes_too: bool = False) -> tuple[str, ...]:
    """Return the codes of the rules that may have something to say of a stack, the expected ones always.

    With `check_only` rules over what was built do not run, but for those over files with `bytes_too`.
    """
    facts = definition_facts(stack, knowledge.load())
    expected = map(code_of, stack.expect_codes) if stack.expect == "fail" else ()
    likely = {rule.code for rule in rules.load_all() if _may_apply(rule, facts)}
    left_out = {rule.code for rule in rules.of_target()} if check_only else set()
    if bytes_too:
        left_out -= {rule.code for rule in rules.of_files()}
    return tuple(sorted({*likely, *expected} - left_out))


def names_of(code: str, stack: Stack) -> list[tuple[str, str]]:
    """Return the items of a code, each with its subject: one of its own for each smoke test."""
    level = RULES[code].level.word if code in RULES else ""
    tests = [each.name for each in stack.smoke if code.startswith("SMOKE") and each.level == level]
    return [(f"{code}[{name}]", name) for name in tests] or [(code, "")]


def _may_apply(rule: Rule, facts: Facts) -> bool:
    """Ask the rule, by the definition alone; one that wants to see more first may apply."""
    try:
        return rule.when(facts)
    except (KeyError, AttributeError, TypeError):
        return True
