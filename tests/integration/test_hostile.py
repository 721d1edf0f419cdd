"""A seeded sample of the hostile campaign: `python -m tests.hostile` runs all of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.hostile.__main__ import PARTS, attempts_of
from tests.hostile.campaign import Attempt, run

if TYPE_CHECKING:
    from pathlib import Path

SEED = int(os.environ.get("STACKCHECK_HOSTILE_SEED", "0"))
SAMPLE = int(os.environ.get("STACKCHECK_HOSTILE_SAMPLE", "7"))
SAMPLED = [
    pytest.param(part, each, id=f"{part}:{each.name}", marks=[pytest.mark.docker] if part == "images" else [])
    for part in PARTS
    for each in attempts_of(part, SEED, SAMPLE)
]


@pytest.mark.parametrize(("part", "attempt"), SAMPLED)
def test_keeps_its_promises_under_attack(part: str, attempt: Attempt, tmp_path: Path) -> None:
    result = run(attempt, tmp_path)
    assert not result.bad, f"{part} {result.name}: {result.bad}\n{result.output[-3000:]}"
