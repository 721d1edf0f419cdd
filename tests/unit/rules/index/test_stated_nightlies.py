"""INDEX104: a pinned nightly build, and how long PyTorch's index shows one."""

from __future__ import annotations

from datetime import date

import pytest

from stackcheck.knowledge.dated import Dated
from tests.unit.rules.harness import said

TODAY = date(2026, 11, 30)
NIGHTLY = "https://download.pytorch.org/whl/nightly/cu128"


def judged(version: str, index: str = NIGHTLY) -> list[tuple[str, str]]:
    facts = {"dated": Dated(TODAY, TODAY, 90, (), ())}
    return said("INDEX104", facts, packages={"torch": {"version": version, "index": index}})


def test_a_build_of_last_year_is_gone() -> None:
    assert judged("2.10.0.dev20250929+cu128") == [
        (
            "FAIL",
            "torch 2.10.0.dev20250929+cu128 was built 427 days ago and is no longer on PyTorch's nightly index.",
        )
    ]


def test_a_build_of_some_weeks_may_be_gone() -> None:
    ((outcome, message),) = judged("2.16.0.dev20260910+cu128")
    assert outcome == "WARN"
    assert "may no longer be" in message


def test_a_mirror_may_keep_more() -> None:
    mirror = "https://mirrors.aliyun.com/pytorch-wheels/nightly/cu128"
    assert [each[0] for each in judged("2.10.0.dev20250929+cu128", mirror)] == ["WARN"]


def test_a_build_of_these_days_is_there() -> None:
    assert [each[0] for each in judged("2.16.0.dev20261101+cu128")] == ["PASS"]


@pytest.mark.parametrize(
    ("version", "index"), [("2.9.1+cu128", NIGHTLY), ("2.10.0.dev20250929", "https://wheels.example.org/simple")]
)  # fmt: skip
def test_a_release_and_what_lies_elsewhere_are_not_judged(version: str, index: str) -> None:
    assert judged(version, index) == []
