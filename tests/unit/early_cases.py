"""Judge one rule over a literal definition and the tables that ship."""

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


def verdicts(code: str, facts: dict[str, Any] | None = None, **fields: Any) -> list[Verdict]:
    """Return the verdicts of one rule; `fields` are those of the stack."""
    stack = Stack.model_validate({"id": "case", **fields})
    return judge_one(RULES[code], {**definition_facts(stack, tables.load()), **(facts or {})})


def said(code: str, facts: dict[str, Any] | None = None, **fields: Any) -> list[str]:
    """Return `OUTCOME: message` for each verdict."""
    return [f"{verdict.outcome.name}: {verdict.message}" for verdict in verdicts(code, facts, **fields)]
