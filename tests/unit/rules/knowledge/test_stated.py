"""KNOW101: what a stack is judged by, when it is old and when it is not."""

from __future__ import annotations

from datetime import date

from stackcheck.knowledge.dated import Dated
from tests.unit.rules.harness import said

TODAY = date(2027, 3, 1)


def judged(*old: tuple[str, date]) -> list[tuple[str, str]]:
    return said(
        "KNOW101", {"dated": Dated(date(2026, 11, 30), TODAY, 90, (), old)}, packages={"torch": "2.5.0"}
    )


def test_what_is_old_is_named_with_its_day() -> None:
    assert judged(("drivers", date(2026, 11, 20)), ("measured/torch", date(2026, 11, 30))) == [
        (
            "WARN",
            "What is known of drivers, measured/torch is up to 101 days old: it was last checked on 2026-11-20.",
        )
    ]


def test_of_many_the_first_are_named() -> None:
    ((outcome, message),) = judged(*((f"p{n}", date(2026, 11, 20)) for n in range(10)))
    assert outcome == "WARN"
    assert message.startswith(
        "What is known of p0, p1, p2, p3, p4, p5, p6, p7 and 2 more is up to 101 days old:"
    )


def test_what_is_not_old_is_not_spoken_of() -> None:
    assert judged() == []
