"""The count of cases for each rule, in runs of pytest: a rule without its two cases fails a whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
from pathlib import Path

from stackcheck import rules
from stackcheck.rules.registry import RULES
from tests import rule_recorder

rules.load_all()
for code in set(RULES) - {"STACK101"}:
    del RULES[code]
rules.load_all.cache_clear()
rule_recorder.UNIT = Path(__file__).parent
pytest_plugins = ["tests.rule_recorder"]
"""
CASE = """
from stackcheck.intake.stack import Stack
from stackcheck.rules.registry import RULES, judge_one


def test_{name}():
    stack = Stack(id="x", expect_codes={codes})
    assert [v.outcome.name for v in judge_one(RULES["STACK101"], {{"stack": stack}})] == {outcomes}
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_rule_without_its_twin_fails_a_whole_run_and_no_other(
    workers: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_fires=CASE.format(name="fires", codes=("NONE101",), outcomes=["FAIL"]))
    alone = pytester.runpytest_subprocess("-n", workers)
    assert alone.ret == pytest.ExitCode.TESTS_FAILED
    alone.stdout.fnmatch_lines(["no unit test has STACK101 keep still; they made it say FAIL", "*1 passed*"])
    pytester.makepyfile(test_twin=CASE.format(name="twin", codes=("STACK101",), outcomes=["PASS"]))
    assert pytester.runpytest_subprocess("-n", workers).ret == pytest.ExitCode.OK
    partial = pytester.runpytest_subprocess("-n", workers, "-k", "fires")
    assert partial.ret == pytest.ExitCode.OK
