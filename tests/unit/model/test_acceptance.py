"""What a definition accepts or expects covers what it names, and nothing that breaks later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.report import Report
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.report.wording import expectation
from stackcheck.rules.accepting import waive

if TYPE_CHECKING:
    from collections.abc import Sequence


def fail(code: str, subject: str = "", message: str = "it is not there.") -> Verdict:
    return Verdict(code, "a title", Outcome.FAIL, f"{subject} {message}", subject=subject)


TORCH, FLASK, REQUESTS = (fail("DIST301", name) for name in ("torch", "flask", "requests"))
NAMELESS = fail("LOCK201", message="torch and numpy exclude each other.")


@pytest.mark.parametrize(
    ("stated", "failed", "as_expected"),
    [
        (["DIST301"], [TORCH], True),
        (["DIST301"], [TORCH, TORCH], True),
        (["DIST301"], [TORCH, FLASK], False),
        (["DIST301"], [TORCH, FLASK, REQUESTS], False),
        (["DIST301:flask"], [FLASK], True),
        (["DIST301:Flask"], [FLASK], True),
        (["DIST301:flask"], [TORCH], False),
        (["DIST301:flask"], [TORCH, FLASK], False),
        (["DIST301:flask", "DIST301:torch"], [TORCH, FLASK], True),
        (["DIST301:flask", "DIST301"], [TORCH, FLASK], True),
        (["DIST301*2"], [TORCH, FLASK], True),
        (["DIST301*2"], [TORCH, FLASK, REQUESTS], False),
        (["LOCK201"], [NAMELESS], True),
        (["LOCK201"], [NAMELESS, replace(NAMELESS, message="another pair.")], False),
        (["LOCK201*2"], [NAMELESS, replace(NAMELESS, message="another pair.")], True),
        (["DIST301"], [TORCH, NAMELESS], False),
    ],
)
def test_what_is_expected_is_exactly_what_fails(
    stated: list[str], failed: Sequence[Verdict], as_expected: bool
) -> None:
    report = Report("s", tuple(failed), expect="fail", expect_codes=tuple(stated))
    assert report.as_expected is as_expected
    assert report.exit_code() == (0 if as_expected else 1)


def test_a_text_that_is_too_narrow_says_how_to_state_it() -> None:
    report = Report("s", (TORCH, FLASK), expect="fail", expect_codes=("DIST301",))
    assert expectation(report) == (
        "expected to fail with DIST301, but failed beside them: DIST301; "
        "DIST301 covers one finding, and there are 2: state DIST301:flask and so on"
    )
    again = replace(NAMELESS, message="another pair.")
    report = Report("s", (NAMELESS, again), expect="fail", expect_codes=("LOCK201",))
    assert expectation(report).endswith("LOCK201 covers one finding, and there are 2: state LOCK201*2")


@pytest.mark.parametrize(
    ("stated", "waived"),
    [("DIST301", []), ("DIST301:flask", ["flask"]), ("DIST301*3", ["torch", "flask", "requests"])],
)
def test_an_ignore_hides_no_finding_about_something_else(stated: str, waived: list[str]) -> None:
    stack = Stack.model_validate({"id": "s", "ignore": {stated: "flask is not needed here"}})
    found = waive((TORCH, FLASK, REQUESTS), stack)
    assert [each.subject for each in found if each.waived] == waived


def test_an_ignore_of_one_finding_hides_it_whatever_it_is_about() -> None:
    stack = Stack.model_validate({"id": "s", "ignore": {"DIST301": "flask is not needed here"}})
    (found,) = waive((FLASK,), stack)
    assert found.waived
