"""A team's own smoke tests: each judged under its own name."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck.model.facts import Missing
from tests.unit.rules.harness import said, verdicts

STATED = {"name": "forward", "command": ["python", "-c", "pass"], "prints": "OK"}
RAN = {
    "name": "forward",
    "exit": 0,
    "signal": "",
    "error": "",
    "timed_out": False,
    "seconds": 1.26,
    "printed": True,
    "stdout": "OK\n",
    "stderr": "",
    "cut": False,
}


def judged(level: str = "run", stated: Any = None, **ran: Any) -> list[tuple[str, str]]:
    code, probe = {"run": ("SMOKE301", "smoke"), "gpu": ("SMOKE401", "smoke_gpu")}[level]
    tests = [{**STATED, "level": level, **(stated or {})}]
    return said(code, {probe: {"tests": [{**RAN, **ran}]}}, smoke=tests)


@pytest.mark.parametrize("level", ["run", "gpu"])
def test_one_that_ends_as_stated_passes(level: str) -> None:
    assert judged(level) == [("PASS", "the smoke test 'forward': exit 0 and 'OK' printed, after 1.3 s.")]


@pytest.mark.parametrize("level", ["run", "gpu"])
@pytest.mark.parametrize(
    ("ran", "found"),
    [
        ({"exit": 1}, "exit 1"),
        ({"exit": None, "signal": "SIGSEGV"}, "it was ended by SIGSEGV"),
        ({"exit": None, "timed_out": True}, "it did not end within 60 s"),
        ({"exit": None, "error": "gone: No such file"}, "it could not be started (gone: No such file)"),
        ({"printed": False}, "'OK' was not printed"),
        (
            {"printed": False, "cut": True},
            "'OK' was not printed; it printed more than 1 MiB, and what came later was not searched",
        ),
    ],
)
def test_anything_else_fails(level: str, ran: dict[str, Any], found: str) -> None:
    text = f"the smoke test 'forward': {found}; expected was exit 0 and 'OK' printed."
    assert judged(level, **ran) == [("FAIL", text)]


def test_an_exit_code_that_is_asked_for_is_right() -> None:
    assert judged(stated={"exit": 3, "prints": None}, exit=3)[0][0] == "PASS"
    assert judged(stated={"exit": 3, "prints": None})[0][0] == "FAIL"


def test_a_test_that_was_not_reported_is_not_a_pass() -> None:
    assert said("SMOKE301", {"smoke": {"tests": []}}, smoke=[STATED])[0][0] == "SKIP"


def test_each_that_could_not_be_run_is_said_under_its_own_name() -> None:
    cards = [{**STATED, "name": name, "level": "gpu"} for name in ("small", "large")]
    found = verdicts("SMOKE401", {"smoke_gpu": Missing("no GPU here")}, smoke=[STATED, *cards])
    assert [(each.subject, each.outcome.name) for each in found] == [("small", "SKIP"), ("large", "SKIP")]


def test_each_stands_under_its_own_name_with_what_it_printed() -> None:
    both = [STATED, {"name": "second", "command": ["true"]}]
    tests = [{**RAN, "stderr": "Traceback: \x1b[31mboom"}, {**RAN, "name": "second"}]
    found = verdicts("SMOKE301", {"smoke": {"tests": tests}}, smoke=both)
    assert [each.subject for each in found] == ["forward", "second"]
    assert "\x1b" not in found[0].evidence[0].what
    assert [each.what for each in found[1].evidence] == ["OK"]


def test_a_stack_without_any_has_nothing_to_judge() -> None:
    assert said("SMOKE301", {"smoke": {"tests": []}}) == []
