"""A report is made once, whoever asks, and what ended it is not tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.errors import EngineError, StackcheckError
from stackcheck.model.report import Report
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.pytest_plugin.shared_reports import SharedReports

if TYPE_CHECKING:
    from pathlib import Path

STACK = Stack(id="demo")
REPORT = Report("demo", (Verdict("AB101", "t", Outcome.PASS, "well"),), observation={"x": 1})


def test_two_workers_share_one_report(tmp_path: Path) -> None:
    asked: list[str] = []

    def make(stack: Stack) -> Report:
        asked.append(stack.id)
        return REPORT

    first, second = SharedReports(tmp_path / "shared", make), SharedReports(tmp_path / "shared", make)
    assert first.of(STACK) == second.of(STACK) == first.of(STACK) == REPORT
    assert asked == ["demo"]
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o700


def test_what_ended_it_is_kept_for_all(tmp_path: Path) -> None:
    asked: list[str] = []

    def make(stack: Stack) -> Report:
        asked.append(stack.id)
        raise EngineError("docker does not answer")

    for worker in (SharedReports(tmp_path, make), SharedReports(tmp_path, make)):
        for _ in range(2):
            with pytest.raises(StackcheckError, match=r"^docker does not answer$"):
                worker.of(STACK)
    assert asked == ["demo"]


def test_a_fault_of_stackcheck_itself_is_not_hidden(tmp_path: Path) -> None:
    def make(_stack: Stack) -> Report:
        raise KeyError("torch")

    with pytest.raises(KeyError):
        SharedReports(tmp_path, make).of(STACK)
