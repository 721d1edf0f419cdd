"""SIGKILL at random moments of drift and of verify in a virtual environment: what is left, is whole.

$STACKCHECK_TEST_KILLS says how many of each kind, by default a few; what 100 gave is in docs/drift.md.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from stackcheck.drift.baseline import read_baseline
from stackcheck.drift.history import read
from stackcheck.intake.catalog import load
from stackcheck.targets.process.temp_dirs import sweep_temp_folders
from stackcheck.targets.venv import VenvEngine
from tests.integration.index.conftest import running
from tests.integration.index.server import IndexServer, make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("STACKCHECK_TEST_KILLS", "6"))
DEFINITION = """\
[[stack]]
id = "kill"
python = "3.11"
platform = "linux/amd64"
glibc = "2.36"
index = {{ url = "{url}" }}
packages = {{ alpha = ">=1" }}
"""


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with running() as index:
        index.add("main", make_wheel("alpha", "1.0", "beta"), make_wheel("beta", "1.0"))
        yield index


@pytest.fixture
def project(tmp_path: Path, server: IndexServer) -> Path:
    (tmp_path / "matrices").mkdir()
    text = DEFINITION.format(url=server.simple("main"))
    (tmp_path / "matrices" / "kill.toml").write_text(text)
    return tmp_path


def environ(folder: Path) -> dict[str, str]:
    own = {"HOME": str(folder), "STACKCHECK_CACHE": f"{folder}/cache", "STACKCHECK_STATE": f"{folder}/state"}
    no_engine = {"DOCKER_HOST": f"unix://{folder}/none.sock", "UV_CACHE_DIR": f"{folder}/uv"}
    return {**os.environ, **own, **no_engine, "TMPDIR": str(folder / "tmp")}


def start(folder: Path, *words: str, **more: str) -> subprocess.Popen[bytes]:
    (folder / "tmp").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "stackcheck", *words],
        cwd=folder,
        env=environ(folder) | more,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def whole(folder: Path, *words: str, **more: str) -> float:
    """Run a command to its end; return the seconds it took."""
    begun = time.monotonic()
    assert start(folder, *words, **more).wait(timeout=120) in (0, 1), words
    return time.monotonic() - begun


def kill_at(seconds: float, folder: Path, *words: str, **more: str) -> bool:
    """Kill a command after some seconds; tell whether it was still at work."""
    process = start(folder, *words, **more)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)  # the one process alone: what it started must end by itself
        process.wait()
    return process.returncode == -signal.SIGKILL


def alive(folder: Path) -> list[str]:
    """Return the processes that a killed run has left, after a moment to notice that they are alone."""
    end = time.monotonic() + 10
    while True:
        listed = subprocess.run(["ps", "-eo", "pid=,stat=,args="], capture_output=True, text=True, check=True)
        rows = [line for line in listed.stdout.splitlines() if str(folder) in line and " Z" not in line]
        if not rows or time.monotonic() > end:
            return rows
        time.sleep(0.05)


def left_behind(folder: Path) -> list[str]:
    """Return the temporary files and folders that a next start does not remove, and damaged files."""
    cache = folder / "cache"
    sweep_temp_folders(cache)
    VenvEngine(cache)  # whose start sweeps
    found = [str(path) for path in (cache / "tmp").glob("*")] + [
        str(path) for path in (folder / "tmp").glob("*")
    ]
    for path in [*folder.glob("locks/*"), *folder.glob("reports/*"), *cache.rglob("*.json")]:
        if path.suffix == ".json" and "venvs" not in path.parts and not path.name.startswith("."):
            json.loads(path.read_bytes())
    (stack,) = load([folder / "matrices"])
    if (folder / "locks").is_dir() and list(folder.glob("locks/pylock*")):
        read_baseline(stack.model_copy(update={"file": str(folder / "matrices" / "kill.toml")}))
    history = folder / "state" / "history.sqlite3"
    if history.exists():
        with sqlite3.connect(history) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert db.execute(
                "SELECT count(*) FROM change WHERE run NOT IN (SELECT id FROM run)"
            ).fetchone() == (0,)
        db.close()
        read(history, "kill")
    return found


def torment(folder: Path, kills: int, words: Sequence[Sequence[str]], longest: float) -> None:
    dice = random.Random(kills)  # noqa: S311 - moments, not secrets
    struck = tries = 0
    while struck < kills:  # a run that ended before its kill does not count
        command = words[tries % len(words)]
        struck += kill_at(dice.uniform(0.02, longest), folder, *command)
        assert alive(folder) == [], command
        assert left_behind(folder) == [], command
        tries += 1
        assert tries <= 5 * kills, f"only {struck} of {tries} runs were still at work when they were killed"


def test_drift_killed_at_any_moment(project: Path, server: IndexServer) -> None:
    kills = KILLS
    whole(project, "lock", "kill")
    whole(project, "drift", "kill", "--accept", "the first baseline")  # fills the caches
    longest = whole(project, "drift", "kill")
    server.add("main", make_wheel("alpha", "1.1"))
    commands = [("drift", "kill"), ("drift", "kill", "--accept", "another baseline")]
    torment(project, kills, commands, longest)
    for part in project.rglob(".*.part"):
        os.utime(part, (0, 0))
    whole(project, "drift", "kill")
    assert list(project.rglob(".*.part")) == []


def test_verify_in_an_environment_killed_at_any_moment(project: Path) -> None:
    kills = KILLS
    verify = ("verify", "kill", "--engine", "venv", "--no-cache")
    whole(project, *verify)  # fills the caches
    longest = whole(project, *verify)
    (project / "locks" / "pylock.kill.toml").unlink()
    torment(project, kills, [verify], longest)
    whole(project, *verify)
    unfinished = [f for f in (project / "cache" / "venvs").iterdir() if not (f / "stackcheck.json").is_file()]
    assert unfinished == []


def test_runs_at_the_same_time_keep_one_history(project: Path) -> None:
    whole(project, "lock", "kill")
    several = [start(project, "drift", "kill") for _ in range(6)]
    assert {process.wait(timeout=120) for process in several} == {0}
    runs = read(project / "state" / "history.sqlite3", "kill")
    assert len(runs) == 6
