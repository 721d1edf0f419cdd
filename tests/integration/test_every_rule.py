"""Every rule has a case that fires and a twin that does not: seen in the tests themselves, not in a list."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackcheck.rules import load_all

ROOT = Path(__file__).parents[2]
FIRES = {"WARN", "FAIL", "ERROR"}
TELLS_A_GAP = {
    "GPUCODE302": "it says what could not be read: a gap is no fault of the stack",
    "TORCH404": "it says which GPUs were not tried",
}
"""Rules that fire with SKIP alone, and why."""
KEEPS_STILL = {"PASS", "SKIP", "nothing"}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Run the unit tests once more, every rule noting what it says; a test that fails is no matter here."""
    record = tmp_path_factory.mktemp("rules") / "said.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.rule_recorder"]
    run = subprocess.run(
        [*command, "tests/unit"],
        cwd=ROOT,
        env=os.environ | {"RULE_RECORD": str(record), "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert record.is_file(), run.stdout[-2000:] + run.stderr[-2000:]
    return {code: set(outcomes) for code, outcomes in json.loads(record.read_text(encoding="utf-8")).items()}


@pytest.mark.parametrize("code", [rule.code for rule in load_all()])
def test_a_case_fires_and_a_twin_does_not(code: str, said: dict[str, set[str]]) -> None:
    outcomes = said.get(code, set())
    fires = {"SKIP"} if code in TELLS_A_GAP else FIRES
    still = KEEPS_STILL - fires
    assert outcomes & fires, f"no unit test makes {code} fire; they made it say {sorted(outcomes)}"
    assert outcomes & still, f"no unit test has {code} keep still; they made it say {sorted(outcomes)}"
