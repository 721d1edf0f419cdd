"""Hold the second set of real stacks against the rules, without a network or with the resolution from PyPI.

A bad case is found when a FAIL is about one of the words in `about`; one of severity "warn" by a WARN too. A
good case is right without any FAIL. `scoreboard.py` calls this for a file whose cases carry a `definition`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge, pipeline, rules
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import parse_stack
from stackcheck.knowledge.dated import dated
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.registry import judge_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.verdict import Verdict

_TODAY = date(2026, 11, 30)
"""The day that the sets are scored for: nightlies are judged by their age."""
_NO_FAULT = frozenset({"PIN101"})
"""Codes that warn of every stack with a range: they name the package and no fault of it."""


@dataclass(frozen=True)
class Scored:
    """One case after the rules: `found` are the findings about it, `fails` the codes of every FAIL."""

    id: str
    kind: str
    verdict: str
    right: bool
    fails: tuple[str, ...]
    messages: tuple[str, ...]


def stack_of(case: dict[str, Any]) -> Stack:
    """Return the stack of a case; raise ValueError with every fault of its definition."""
    stack, faults = parse_stack(dict(case["definition"]), file="second.toml")
    if stack is None:
        raise ValueError("\n".join(faults))
    return stack


def judge(case: dict[str, Any], online: pipeline.Options | None = None) -> Scored:
    """Judge one case by definition and tables alone, or, with the options of a run, as `check` does."""
    stack = stack_of(case)
    if online:
        verdicts: Sequence[Verdict] = pipeline.check(stack, online, lambda _text: None).verdicts
    else:
        facts = definition_facts(stack, knowledge.load())
        facts["dated"] = dated(stack.packages, _TODAY)
        verdicts = judge_all(rules.before_build(Level.STATED), facts)
    failed = [each for each in verdicts if each.outcome is Outcome.FAIL]
    if case["verdict"] == "good":
        heard, right = failed, not failed
    else:
        enough = {Outcome.FAIL, Outcome.WARN} if case["severity"] == "warn" else {Outcome.FAIL}
        loud = [each for each in verdicts if each.outcome in enough and each.code not in _NO_FAULT]
        heard = loud
        right = any(is_about(each, case["about"]) for each in loud)
    codes = tuple(dict.fromkeys(each.code for each in failed))
    messages = tuple(f"{each.outcome.name} {each.code}: {each.message}" for each in heard)
    return Scored(case["id"], case["kind"], case["verdict"], right, codes, messages)


def is_about(verdict: Verdict, words: Iterable[str]) -> bool:
    """Tell whether a verdict names one of the words, whole, in its code or in what it says."""
    said = (verdict.code, verdict.subject, verdict.message, verdict.expected, verdict.found)
    text = "\n".join(said).lower()
    return any(re.search(rf"(?<![a-z0-9-]){re.escape(word.lower())}(?![a-z-])", text) for word in words)


def score(judged: Sequence[Scored]) -> dict[str, Any]:
    """Count by kind."""
    kinds: dict[str, list[Scored]] = defaultdict(list)
    for each in judged:
        kinds[each.kind].append(each)
    bad = [each for each in judged if each.verdict == "bad"]
    good = [each for each in judged if each.verdict == "good"]
    return {
        "bad": len(bad),
        "found": sum(each.right for each in bad),
        "good": len(good),
        "alarms": sum(not each.right for each in good),
        "kinds": {
            kind: f"{sum(each.right for each in rows)} of {len(rows)}" for kind, rows in sorted(kinds.items())
        },
    }


def document(judged: Sequence[Scored]) -> dict[str, Any]:
    """Return what second.json holds: the counts, and what is not right yet."""
    return {
        "counts": score(judged),
        "missed": [each.id for each in judged if each.verdict == "bad" and not each.right],
        "alarmed": {each.id: list(each.fails) for each in judged if each.verdict == "good" and each.fails},
    }


def render(result: dict[str, Any]) -> str:
    """Return the counts as text."""
    lines = [
        f"bad: {result['found']} of {result['bad']} found",
        f"good: {result['alarms']} of {result['good']} with an alarm",
        *(f"  {kind:28} {counts}" for kind, counts in result["kinds"].items()),
    ]
    return "\n".join(lines) + "\n"
