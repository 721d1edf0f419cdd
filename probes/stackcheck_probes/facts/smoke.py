"""What became of a team's own smoke tests."""

from __future__ import annotations

from typing import TypedDict


class _Asked(TypedDict):
    name: str
    exit: int | None
    signal: str
    error: str
    timed_out: bool


class Ran(_Asked, total=False):
    """One test: `exit` is None where a signal, or the time limit, ended it, or nothing started (`error`).

    `printed` tells whether standard output held the wanted text, `stdout` and `stderr` are the ends of what
    was printed, `cut` says that more was printed than is kept.
    """

    seconds: float
    printed: bool
    stdout: str
    stderr: str
    cut: bool


class Smoke(TypedDict):
    """The tests in the order in which they ran."""

    tests: list[Ran]


class SmokeGpu(Smoke):
    """The same of those that need a GPU."""
