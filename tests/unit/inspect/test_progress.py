"""Progress is told when reading begins, and again while it takes long."""

from __future__ import annotations

import time

from stackcheck.inspect.progress import told


def test_a_moment_is_one_line() -> None:
    lines: list[str] = []
    with told(lines.append, "reading x"):
        pass
    assert lines == ["reading x"]


def test_what_takes_long_is_told_again() -> None:
    lines: list[str] = []
    with told(lines.append, "reading x", every_s=0.01):
        deadline = time.monotonic() + 10
        while len(lines) < 3 and time.monotonic() < deadline:
            time.sleep(0.005)
    assert lines[1:3] == ["still reading x: 0 s"] * 2
