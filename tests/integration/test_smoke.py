"""Smoke tests as real processes: what each does to its folder, its output and its time."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

from stackcheck_probes.watching import smoketests


def ran(*words: str, **more: Any) -> dict[str, Any]:
    test = {"name": "t", "command": list(words), "files": {}, "timeout_s": 20, **more}
    return dict(smoketests.run_all({"tests": [test]})["tests"][0])


def test_python_is_the_interpreter_and_the_files_are_there_read_only() -> None:
    code = "import os; print(open('d/x').read(), oct(os.stat('d/x').st_mode & 0o777), os.listdir('.'))"
    found = ran("python", "-c", code, files={"d/x": base64.b64encode(b"hello").decode()}, prints="hello")
    assert (found["exit"], found["printed"]) == (0, True)
    assert found["stdout"] == "hello 0o444 ['d']\n"


def test_a_script_of_the_shell_gets_its_arguments() -> None:
    script = base64.b64encode(b'echo "$1"; exit 4').decode()
    found = ran(script="s.sh", args=["a b"], files={"s.sh": script})
    assert (found["exit"], found["stdout"]) == (4, "a b\n")


def test_no_shell_reads_the_words_of_a_command() -> None:
    assert ran("echo", "$HOME; exit 3")["stdout"] == "$HOME; exit 3\n"


def test_what_takes_too_long_is_ended_with_its_children() -> None:
    started = time.monotonic()
    found = ran("sh", "-c", "sleep 60 & echo $! ; wait", timeout_s=1)
    assert found["timed_out"]
    assert found["exit"] is None
    assert time.monotonic() - started < 10
    assert not Path(f"/proc/{found['stdout'].strip()}/cmdline").exists() or not _command(found["stdout"])


def _command(pid: str) -> str:
    return Path(f"/proc/{pid.strip()}/cmdline").read_text()


def test_a_child_that_keeps_the_output_open_is_not_waited_for() -> None:
    started = time.monotonic()
    found = ran("sh", "-c", "sleep 5 & echo done")
    assert (found["exit"], found["stdout"]) == (0, "done\n")
    assert time.monotonic() - started < 4


def test_a_flood_is_bounded_and_said() -> None:
    found = ran("python", "-c", "print('x' * (3 << 20)); print('end')", prints="end")
    assert (found["exit"], found["cut"], found["printed"]) == (0, True, False)
    assert len(found["stdout"]) <= smoketests.TAIL_CHARACTERS


def test_a_signal_is_named() -> None:
    found = ran("python", "-c", "import os; os.abort()")
    assert (found["exit"], found["signal"]) == (None, "SIGABRT")


def test_what_cannot_be_started_is_said() -> None:
    assert ran("no-such-command")["error"] == "no-such-command: No such file or directory"


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ran("touch", "left")
    assert list(tmp_path.iterdir()) == []
