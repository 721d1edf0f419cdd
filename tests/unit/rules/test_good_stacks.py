"""The shipped stacks, as they were observed: no rule over package probes finds fault with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck.intake.catalog import load_text
from stackcheck.model.verdict import Level
from stackcheck.rules.registry import RULES, judge_one
from tests.unit.rules.harness import recorded

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack

MATRICES = Path(__file__).parents[3] / "matrices"
YOUNGER = {"import_names", "numpy_modules", "nccl_pair", "compile_triton"}
"""Probes that came after the observations."""
SEEN = sorted(
    code
    for code, rule in RULES.items()
    if rule.of_target and rule.module.split(".")[2] in {"torch", "spconv", "mmcv", "pyg", "numpy"}
    if YOUNGER.isdisjoint(rule.needs)
)


def shipped(file: str, name: str) -> Stack:
    stacks, faults = load_text((MATRICES / file).read_text(), file=file)
    assert faults == []
    return next(stack for stack in stacks if stack.id == name)


@pytest.mark.parametrize(
    ("file", "name", "observation"),
    [
        ("pointcept.toml", "cuda124-torch25-py311", "cuda124-torch25-no-gpu"),
        ("cuda130.toml", "cuda130-torch211", "cuda130-torch211-spconv-no-gpu"),
    ],
)
def test_a_good_stack_has_no_finding(file: str, name: str, observation: str) -> None:
    facts = {"stack": shipped(file, name), **recorded(observation)}
    found = [verdict for code in SEEN for verdict in judge_one(RULES[code], facts)]
    assert [
        (verdict.code, verdict.message) for verdict in found if verdict.outcome.name not in ("PASS", "SKIP")
    ] == []
    skipped = [verdict for verdict in found if verdict.outcome.name == "SKIP"]
    assert {verdict.level for verdict in skipped} == {Level.GPU}  # what needs a GPU, and nothing else
    assert all("no GPU" in verdict.message for verdict in skipped)
