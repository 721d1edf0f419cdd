"""What the unit tests must have made each rule say."""

from __future__ import annotations

import pytest

from stackcheck.rules.registry import RULES, Finding, failed, passed
from tests.rule_recorder import nameless, untested

ONE = failed("flask is not there.", expected="flask", found="none", hint="install it")


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


@pytest.mark.parametrize(
    ("code", "findings", "fault"),
    [
        ("DIST301", [ONE._replace(subject="flask"), ONE._replace(about=("torch",))], ""),
        ("DIST301", [ONE], "a finding of DIST301 does not say which package it is about"),
        ("DIST301", [passed("all are there.")], ""),
        ("TORCH301", [ONE], ""),
        ("TORCH301", [ONE, ONE], "TORCH301 finds several things, and states no `about`"),
    ],
)
def test_findings_that_cannot_be_told_apart_are_a_fault(
    code: str, findings: list[Finding], fault: str
) -> None:
    assert nameless(RULES[code], findings) == fault


def test_a_nameless_finding_is_said_at_the_end() -> None:
    said = {"A1": {"FAIL", "PASS", "nameless: a finding of A1 does not say which"}}
    assert untested(["A1"], said) == ["a finding of A1 does not say which"]
