"""uv as a child: it ends with us however we end, and takes neither the machine's memory nor its patience."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stackcheck.resolve import uvrun
from stackcheck.resolve.derivation import read_failure
from stackcheck.resolve.uvrun import project_folder, run_uv

GREEDY = "import time\nkept = bytearray(b'x' * (200 << 20))\ntime.sleep(60)\n"
RUN = """
import os, pathlib, sys
from stackcheck.resolve.uvrun import run_uv
run_uv(pathlib.Path(sys.executable), ["-c", sys.argv[1]], cwd=pathlib.Path.cwd(), env={}, timeout_s=60)
"""


def run(script: str, tmp_path: Path, timeout_s: float = 60) -> uvrun.UvAnswer:
    return run_uv(Path(sys.executable), ["-c", script], cwd=tmp_path, env={}, timeout_s=timeout_s)


def test_what_takes_too_much_memory_is_killed_and_said_to_be_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvrun, "MOST_MEMORY", 100 << 20)
    answer = run(GREEDY, tmp_path)
    assert (answer.code, answer.seconds < 30) == (124, True)
    failure = read_failure(answer.stderr)
    assert (failure.kind, failure.proven) == ("bad-index", False)
    assert failure.message == "the index: its answer is too large: uv needed more than 800 MB of memory"


def test_what_takes_too_long_is_killed(tmp_path: Path) -> None:
    answer = run("import time; time.sleep(60)", tmp_path, timeout_s=0.5)
    assert (answer.code, read_failure(answer.stderr).kind) == (124, "unreachable")
    assert answer.seconds < 10


def test_a_flood_on_both_pipes_is_taken(tmp_path: Path) -> None:
    answer = run("import sys; sys.stderr.write('e' * 3_000_000); print('o' * 3_000_000)", tmp_path)
    assert (answer.code, len(answer.stdout), len(answer.stderr)) == (0, 3_000_001, 3_000_000)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_uv_ends_with_us(tmp_path: Path, number: signal.Signals) -> None:
    pid = tmp_path / "pid"
    script = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", RUN, script], stderr=subprocess.DEVNULL)
    _wait(lambda: pid.exists() and pid.read_text() != "")
    process.send_signal(number)
    process.wait(20)
    child = int(pid.read_text())
    _wait(lambda: not _lives(child))
    assert not _lives(child)


def test_a_damaged_question_in_the_cache_is_written_anew(tmp_path: Path) -> None:
    folder = project_folder(tmp_path, "[project]\nname = 'x'\n")
    for damage in (b"", b"[project]\nname = 'y'\n", b"[proj"):
        (folder / "pyproject.toml").write_bytes(damage)
        assert project_folder(tmp_path, "[project]\nname = 'x'\n") == folder
        assert (folder / "pyproject.toml").read_bytes() == b"[project]\nname = 'x'\n"


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def _wait(true: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.05)
