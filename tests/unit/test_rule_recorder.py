"""What the unit tests must have made each rule say."""

from __future__ import annotations

from tests.rule_recorder import untested


def test_a_rule_needs_a_case_that_fires_and_a_twin_that_does_not() -> None:
    said = {"A1": {"FAIL", "PASS"}, "A2": {"WARN", "nothing"}, "A3": {"FAIL", "SKIP"}, "A4": {"PASS"}}
    assert untested(["A1", "A2", "A3", "A4", "A5"], said) == [
        "no unit test has A3 keep still; they made it say FAIL, SKIP",
        "no unit test makes A4 fire; they made it say PASS",
        "no unit test makes A5 fire; they made it say nothing at all",
        "no unit test has A5 keep still; they made it say nothing at all",
    ]


def test_a_rule_that_tells_a_gap_fires_with_skip() -> None:
    assert untested(["TORCH404"], {"TORCH404": {"SKIP", "PASS"}}) == []
    assert untested(["TORCH403"], {"TORCH403": {"SKIP", "PASS"}}) == [
        "no unit test makes TORCH403 fire; they made it say PASS, SKIP"
    ]
