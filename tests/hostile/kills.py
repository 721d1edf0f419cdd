"""Runs that are killed at a random moment: what they leave, and whether the next run is right.

Each attempt starts a command on a project of its own, sends it a signal, and looks for processes that
outlive it. Then the same project is verified: it has to pass, with nothing of the killed run left behind.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from tests.hostile.campaign import Attempt, Call
from tests.hostile.made import CHECK, copy, environ

NUMBER = 200
VERIFY = ("verify", "-q", "good.toml", "--engine", "venv")
COMMANDS: tuple[tuple[tuple[str, ...], float], ...] = (
    ((*CHECK, "good.toml"), 2.0),
    (("lock", "good.toml"), 2.0),
    ((*VERIFY, "--no-cache"), 6.0),
    ((*CHECK, "good.toml", "--bytes"), 3.0),
    (("drift", "-q", "good.toml", "--accept", "again, for a test"), 4.0),
)
"""Commands, and the seconds within which they are killed."""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_PATIENCE_S = 10.0


def attempts(seed: int) -> list[Attempt]:
    """Return as many attempts as `NUMBER`, the moments drawn by the seed."""
    chance = random.Random(seed)  # noqa: S311 - the same seed, the same moments
    found = []
    for number in range(NUMBER):
        words, seconds = COMMANDS[number % len(COMMANDS)]
        sign, after = SIGNALS[(number // len(COMMANDS)) % len(SIGNALS)], chance.uniform(0.05, seconds)
        name = f"{number} {sign.name} after {after:.2f} s: {' '.join(words)}"
        found.append(Attempt(name, partial(_make, words, sign, after)))
    return found


def _make(words: tuple[str, ...], sign: signal.Signals, after: float, folder: Path) -> Call:
    copy(folder)
    place = folder.parent
    process = subprocess.Popen(
        [sys.executable, "-m", "stackcheck", *words],
        cwd=folder,
        env=environ(place),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(sign)
        process.wait(60)
    left = _outliving(place)

    def remains() -> list[str]:
        return [*left, *(f"left behind: {each.name}" for each in (place / "cache" / "tmp").glob("*"))]

    return Call(VERIFY, may=frozenset({0}), seconds=120.0, leaks=remains)


def _outliving(place: Path) -> list[str]:
    """Return the processes that still use the place after a while, and end them."""
    end = time.monotonic() + _PATIENCE_S
    while (found := _using(place)) and time.monotonic() < end:
        time.sleep(0.1)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return [f"process {pid} lives on: {line}" for pid, line in found.items()]


def _using(place: Path) -> dict[int, str]:
    """Return the processes whose environment names the place, with their command lines."""
    found, mark = {}, os.fsencode(str(place))
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().decode("utf-8", "replace")[:200]
        except OSError:
            continue
    return {pid: line for pid, line in found.items() if line}
