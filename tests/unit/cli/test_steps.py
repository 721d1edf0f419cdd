"""What a live line says of a stack, made of the lines that uv and builders print."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest

from stackcheck.cli.steps import Doing, is_detail, is_lasting
from stackcheck.cli.telling import Plain, Silent
from stackcheck.model.report import Report
from stackcheck.targets.engine import about

if TYPE_CHECKING:
    from collections.abc import Iterator


def said(*lines: tuple[float, str], at: float) -> str:
    doing = Doing("s", "2 of 7", 100.0)
    for now, line in lines:
        doing.take(line, now)
    return doing.line(at)


@pytest.mark.parametrize(
    ("lines", "at", "told"),
    [
        ((), 103.0, "2 of 7  waiting  3.0 s"),
        (((101.0, "s: resolving"),), 112.0, "2 of 7  resolving  12 s"),
        (
            ((110.0, "Downloading torch (800.0MiB)"), (110.0, "Downloading numpy (16.0MiB)")),
            120.0,
            "2 of 7  downloading  0 B of 856 MB",
        ),
        (
            (
                (110.0, "Downloading torch (800.0MiB)"),
                (110.0, "Downloading numpy (200.0MiB)"),
                (120.0, " Downloaded numpy"),
            ),
            120.0,
            "2 of 7  downloading  210 MB of 1.0 GB  21.0 MB/s  40 s left",
        ),
        (
            ((110.0, "Downloading torch (8.0MiB)"), (112.0, " Downloaded torch"), (112.0, "+ torch==2.5.0")),
            113.0,
            "2 of 7  installing  13 s",
        ),
        (
            ((110.0, "#7 [base 3/9] RUN pip install x"),),
            113.0,
            "2 of 7  step 3 of 9: RUN pip install x  13 s",
        ),
        (((110.0, "Step 2/4 : RUN make"),), 113.0, "2 of 7  step 2 of 4: RUN make  13 s"),
    ],
)
def test_a_line_says_step_bytes_rate_and_time_left(
    lines: tuple[tuple[float, str], ...], at: float, told: str
) -> None:
    assert said(*lines, at=at) == told


@pytest.mark.parametrize(
    "line",
    [
        "+ torch==2.5.0",
        "Using CPython 3.11.7 interpreter at: /x",
        "Downloading small (12.0KiB)",
        "#7 DONE 0.3s",
    ],
)
def test_one_of_many_lines_is_a_detail(line: str) -> None:
    assert is_detail(line)


@pytest.mark.parametrize(
    "line", ["s: resolving", "Downloading torch (846.3MiB)", "error: no space", "engine: venv, as asked"]
)
def test_what_people_wait_for_is_none(line: str) -> None:
    assert not is_detail(line)


def test_what_was_written_stays_on_the_screen() -> None:
    assert is_lasting("s: wrote locks/pylock.s.toml")
    assert not is_lasting("s: resolving")


def test_elsewhere_lines_are_plain_and_few(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    for tell in (Plain(), Plain(verbose=True), Silent()):
        about(tell, "s")("s: resolving\x1b[2J")
        about(tell, "s")("+ torch==2.5.0")
    assert stderr.getvalue() == "s: resolving\n" * 2 + "+ torch==2.5.0\n"


def test_the_terminal_is_given_back_whatever_ends_the_run() -> None:
    seen: list[str] = []

    class Noted(Silent):
        def done(self, stack: str) -> None:
            seen.append(stack)

        def stop(self) -> None:
            seen.append("stop")

    def broken() -> Iterator[Report]:
        yield Report("a", ())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Noted().until_done(broken()))
    assert seen == ["a", "stop"]
