"""Run one rule over literal facts: what a stack states, what was recorded, and the tables that ship.

Every verdict that passes through here is held to what a FAIL owes: both sides, and the next step.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.facts import Missing
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.rules import load_all
from stackcheck.rules.registry import RULES, judge_one

OBSERVATIONS = Path(__file__).parents[2] / "data" / "observations"
load_all()

SOURCE = {"version": "latest", "from": "source"}
PACKAGES = {
    "torch": "2.5.0",
    "torchvision": "0.20.0",
    "torchaudio": "2.5.0",
    "spconv-cu124": "2.3.8",
    "cumm-cu124": "0.7.11",
    "torch-geometric": "2.6.1",
    "mmcv": "2.2.0",
    "numpy": "2.2.6",
}


def verdicts(code: str, facts: Any = None, **fields: Any) -> list[Verdict]:
    """Judge a stack that states exactly these fields; `facts` are added to what follows from them."""
    stated = Stack.model_validate({"id": "case", **fields})
    return _judged(code, {**definition_facts(stated, knowledge.load()), **(facts or {})})


def resolved(code: str, *locked: LockedPackage, **fields: Any) -> list[Verdict]:
    """Judge a stack for which the resolver took these files."""
    resolution = Resolution(locked, "3.11", "x86_64-manylinux_2_28", "0.13.8", "")
    stack = Stack.model_validate({"id": "case", **fields})
    return judge_one(RULES[code], definition_facts(stack, knowledge.load(), None, resolution))


def judged_stack(code: str, stack: Stack) -> list[Verdict]:
    """Judge a stack by its definition and the tables."""
    return _judged(code, definition_facts(stack, knowledge.load()))


def said(code: str, facts: Any = None, **fields: Any) -> list[tuple[str, str]]:
    """Return (outcome, message) of each verdict on a stack that states these fields."""
    return [(each.outcome.name, each.message) for each in verdicts(code, facts, **fields)]


def said_with_hints(code: str, facts: Any = None, **fields: Any) -> list[tuple[str, str, str]]:
    """Return (outcome, message, hint) of each verdict."""
    return [(each.outcome.name, each.message, each.hint) for each in verdicts(code, facts, **fields)]


def lines(code: str, facts: Any = None, **fields: Any) -> list[str]:
    """Return `OUTCOME: message` for each verdict."""
    return [f"{outcome}: {message}" for outcome, message in said(code, facts, **fields)]


def seen_verdicts(code: str, facts: dict[str, Any], of: Stack | None = None) -> list[Verdict]:
    """Judge what probes saw, for a stack like cuda124-torch25 unless another is given."""
    return _judged(code, {**definition_facts(of or stack(), knowledge.load()), **facts})


def seen_said(code: str, facts: dict[str, Any], of: Stack | None = None) -> list[tuple[str, str]]:
    """Return (outcome, message) of each verdict on what probes saw."""
    return [(each.outcome.name, each.message) for each in seen_verdicts(code, facts, of)]


def _judged(code: str, facts: dict[str, Any]) -> list[Verdict]:
    found = judge_one(RULES[code], facts)
    assert all(complete(each) for each in found), found
    return found


def complete(verdict: Verdict) -> bool:
    """A FAIL names both sides and the next step."""
    return verdict.outcome is not Outcome.FAIL or all((verdict.expected, verdict.found, verdict.hint))


def stack(**fields: Any) -> Stack:
    """A stack like cuda124-torch25; every field can be replaced."""
    stated = {"id": "case", "accelerator": "cuda", "cuda": "12.4", "packages": PACKAGES, **fields}
    return Stack.model_validate(stated)


def recorded(name: str) -> dict[str, Any]:
    """Return the facts of a recorded observation by probe name, as the pipeline gives them to the rules."""
    probes = json.loads((OBSERVATIONS / f"{name}.json").read_text())["probes"]
    return {
        probe: entry["facts"]
        if entry["status"] == "ok"
        else Missing(entry.get("reason") or entry["error"]["message"])
        for probe, entry in probes.items()
    }


def changed(facts: Any, path: str, value: Any) -> Any:
    """Return a copy of nested facts with one place replaced: `changed(facts, "cudnn.loaded", "8.9.7")`."""
    facts = copy.deepcopy(facts)
    *parents, last = path.split(".")
    place = facts
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[last] = value
    return facts
