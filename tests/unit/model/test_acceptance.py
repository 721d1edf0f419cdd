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
from stackcheck.rules.registry import RULES, _verdict, failed

if TYPE_CHECKING:
    from collections.abc import Sequence


def fail(code: str, subject: str = "", message: str = "it is not there.") -> Verdict:
    return Verdict(code, "a title", Outcome.FAIL, f"{subject} {message}", subject=subject)


TORCH, FLASK, REQUESTS = (fail("DIST301", name) for name in ("torch", "flask", "requests"))
TWO_GPUS = replace(fail("ARCH101", "torch"), about=("L4", "H100"))
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
        (["ARCH101:L4", "ARCH101:H100"], [TWO_GPUS], True),
        (["ARCH101:L4"], [TWO_GPUS], False),
        (["ARCH101"], [TWO_GPUS], False),
        (["ARCH101*2"], [TWO_GPUS], True),
        (["ARCH101"], [replace(TWO_GPUS, about=("L4",))], True),
        (["ARCH101:L4"], [replace(TWO_GPUS, about=("L4",)), TWO_GPUS], False),
        (["DOCKER101:a:b*2"], [replace(fail("DOCKER101"), about=("a:b",))], True),
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
        "DIST301 covers what is about one thing, and this is about 2: state DIST301:flask and DIST301:torch"
    )
    again = replace(NAMELESS, message="another pair.")
    report = Report("s", (NAMELESS, again), expect="fail", expect_codes=("LOCK201",))
    assert expectation(report).endswith(": state LOCK201*2")


@pytest.mark.parametrize(
    ("stated", "waived"),
    [("DIST301", []), ("DIST301:flask", ["flask"]), ("DIST301*3", ["torch", "flask", "requests"])],
)
def test_an_ignore_hides_no_finding_about_something_else(stated: str, waived: list[str]) -> None:
    stack = Stack.model_validate({"id": "s", "ignore": {stated: "flask is not needed here"}})
    found = waive((TORCH, FLASK, REQUESTS), stack)
    assert [each.subject for each in found if each.waived] == waived


def test_a_finding_that_an_ignore_does_not_cover_says_how_it_is_stated() -> None:
    stack = Stack.model_validate({"id": "s", "ignore": {"DIST301": "flask is not needed here"}})
    found = waive((TORCH, FLASK, NAMELESS), stack)
    note = (
        "ignore: DIST301 covers what is about one thing, and this is about 2: "
        "state DIST301:flask and DIST301:torch."
    )
    assert [each.notes for each in found] == [(note,), (note,), ()]


def test_an_ignore_of_each_thing_has_the_reasons_of_all() -> None:
    ignore = {"ARCH101:L4": "the last one goes in May", "ARCH101:h100": "it is not used"}
    (found,) = waive((TWO_GPUS,), Stack.model_validate({"id": "s", "ignore": ignore}))
    assert found.waived == "the last one goes in May; it is not used"


def test_a_long_name_of_a_target_is_bounded_and_stays_its_own() -> None:
    long = [failed("gone.", expected="a", found="b", hint="c", about="x" * 300 + end) for end in "ab"]
    names = {_verdict(RULES["LOAD306"], each).about for each in long}
    assert len(names) == 2
    assert all(len(name) < 240 for (name,) in names)


def test_one_warning_that_lists_several_things_is_one_finding() -> None:
    warning = replace(TWO_GPUS, outcome=Outcome.WARN)
    stack = Stack.model_validate({"id": "s", "ignore": {"ARCH101": "both compile it at the first start"}})
    assert [bool(each.waived) for each in waive((warning,), stack)] == [True]
    assert [bool(each.waived) for each in waive((warning, TWO_GPUS), stack)] == [False, False]


def test_an_ignore_of_one_finding_hides_it_whatever_it_is_about() -> None:
    stack = Stack.model_validate({"id": "s", "ignore": {"DIST301": "flask is not needed here"}})
    (found,) = waive((FLASK,), stack)
    assert found.waived
