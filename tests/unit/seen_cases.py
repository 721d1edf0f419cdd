"""Recorded observations and literal stacks for the tests of the rules over package probes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from stackcheck.definition import Stack
from stackcheck.model.facts import Missing
from stackcheck.rules import load_all
from stackcheck.rules.registry import RULES, judge_one
from stackcheck.verdict import Outcome, Verdict

OBSERVATIONS = Path(__file__).parents[1] / "data" / "observations"
load_all()

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


def verdicts(code: str, facts: dict[str, Any], of: Stack | None = None) -> list[Verdict]:
    """Run one rule over facts."""
    return judge_one(RULES[code], {"stack": of or stack(), **facts})


def said(code: str, facts: dict[str, Any], of: Stack | None = None) -> list[tuple[str, str]]:
    """Run one rule; return (outcome, message) of each verdict."""
    return [(verdict.outcome.name, verdict.message) for verdict in verdicts(code, facts, of)]


def complete(verdict: Verdict) -> bool:
    """A FAIL names both sides and the next step."""
    return verdict.outcome is not Outcome.FAIL or all((verdict.expected, verdict.found, verdict.hint))
