"""Run one rule over a literal stack and the shipped tables; what comes back is compared as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck import tables
from stackcheck.definition import Stack
from stackcheck.environment import definition_facts
from stackcheck.rules import load_all
from stackcheck.rules.registry import RULES, judge_one

if TYPE_CHECKING:
    from stackcheck.verdict import Verdict

load_all()
SOURCE = {"version": "latest", "from": "source"}


def verdicts(code: str, **fields: Any) -> list[Verdict]:
    """Judge a stack that states exactly these fields."""
    stack = Stack.model_validate({"id": "case", **fields})
    return judge_one(RULES[code], definition_facts(stack, tables.load()))


def said(code: str, **fields: Any) -> list[tuple[str, str, str]]:
    """Return (outcome, message, hint) of each verdict."""
    return [(each.outcome.name, each.message, each.hint) for each in verdicts(code, **fields)]
