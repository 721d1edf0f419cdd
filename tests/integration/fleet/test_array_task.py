"""A task as a scheduler starts it: a process with an index, whose answer comes back by its log or a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.fleet.frames import read
from stackcheck.probing import agent

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.fleet.frames import Answer

NOISE = "import os; os.write(1, b'a library says something'); print('{}')"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("agent") / "agent.pyz"
    path.write_bytes(agent.pack())
    return path


def written(folder: Path, *tasks: dict[str, Any]) -> Path:
    path = folder / "tasks.json"
    rows = [
        {"stack": f"s{number}", "image": "i", "definition": "d", **task} for number, task in enumerate(tasks)
    ]
    path.write_text(json.dumps({"schema_version": 1, "run": "r1", "gpu": "H100", "tasks": rows}))
    return path


def environment(**more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name != "JOB_COMPLETION_INDEX"}
    return {**kept, "STACKCHECK_NODE": "n1", **more}


def run(archive: Path, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", str(archive), "task", *map(str, words)]
    return subprocess.run(
        command, env=environment(**more), capture_output=True, text=True, check=False, timeout=120
    )


def one(text: str) -> Answer:
    (answer,) = read(text.splitlines(), "log")
    return answer


@pytest.mark.parametrize("variable", ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID"])
def test_the_index_of_the_scheduler_says_which_task(archive: Path, tmp_path: Path, variable: str) -> None:
    request = {"probes": ["system"], "params": {}, "timeout_s": 60}
    done = run(archive, written(tmp_path, {"command": ["false"]}, {"request": request}), **{variable: "1"})
    assert done.returncode == 0, done.stderr
    answer = one(done.stdout)
    assert (answer.fault, answer.header.stack, answer.header.index, answer.header.of) == ("", "s1", 1, 2)
    assert answer.content["kind"] == "observation"
    assert answer.content["document"]["probes"]["system"]["status"] == "ok"


def test_what_a_command_says_is_the_answer_and_a_failed_check_is_no_failed_task(
    archive: Path, tmp_path: Path
) -> None:
    said = "import sys; print('{}'); print('why', file=sys.stderr); sys.exit(1)"
    tasks = written(tmp_path, {"command": [sys.executable, "-c", said]})
    done = run(archive, tasks, "--index", "0")
    assert done.returncode == 0
    content = {**one(done.stdout).content, "seconds": 0}
    assert content == {"kind": "output", "status": 1, "text": "{}\n", "stderr": "why\n", "seconds": 0}


def test_a_gate_lets_nobody_through_when_its_command_fails(archive: Path, tmp_path: Path) -> None:
    for status in (0, 1, 3):
        code = f"import sys; print('{{}}'); sys.exit({status})"
        tasks = written(tmp_path, {"command": [sys.executable, "-c", code], "gate": True})
        assert run(archive, tasks, "--index", "0").returncode == (2 if status else 0)


def test_a_task_without_an_answer_is_worth_another_try_and_says_why(archive: Path, tmp_path: Path) -> None:
    tasks = written(tmp_path, {"command": [sys.executable, "-c", "import sys; sys.exit('no disk')"]})
    done = run(archive, tasks, "--index", "0")
    assert done.returncode == 1
    message = one(done.stdout).content["message"]
    assert message == "it ended with status 1 and wrote nothing: no disk\n"
    done = run(archive, written(tmp_path, {"command": ["/not/there"]}), "--index", "0")
    assert done.returncode == 1
    assert "/not/there" in one(done.stdout).content["message"]


def test_a_task_that_is_stopped_says_so_before_it_goes(archive: Path, tmp_path: Path) -> None:
    tasks = written(tmp_path, {"command": [sys.executable, "-c", "import time; time.sleep(60)"]})
    command = [sys.executable, "-B", str(archive), "task", str(tasks), "--index", "0"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        opened = process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        answer = one(opened + process.stdout.read())
    assert process.returncode == 143
    message = "it was stopped by a signal: a deadline, a preemption or a drained node"
    assert answer.content["message"] == message


def test_a_task_that_is_killed_leaves_a_frame_that_is_open(archive: Path, tmp_path: Path) -> None:
    tasks = written(tmp_path, {"command": [sys.executable, "-c", "import os; os.kill(os.getppid(), 9)"]})
    done = run(archive, tasks, "--index", "0", "--to", tmp_path)
    assert done.returncode == -9
    (left,) = tmp_path.glob("*.frame*")
    assert left.name.startswith("r1-000-")
    assert left.name.endswith(".frame.part")
    assert one(left.read_text()).fault == "it began and did not end: its frame is not closed"


def test_an_answer_in_a_file_has_its_name_once_it_is_whole(archive: Path, tmp_path: Path) -> None:
    done = run(
        archive,
        written(tmp_path, {"command": [sys.executable, "-c", NOISE]}),
        "--index",
        "0",
        "--to",
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "")
    (left,) = tmp_path.glob("*.frame*")
    answer = one(left.read_text())
    assert (answer.header.node, answer.content["text"]) == ("n1", "a library says something{}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name one file of tasks, not 0"),
        (["tasks.json", "--index"], "--index needs a value"),
        (["tasks.json"], "the index is '', and there are tasks 0 to 0"),
        (["tasks.json", "--index", "1"], "the index is '1', and there are tasks 0 to 0"),
        (["tasks.json", "--index", "x"], "the index is 'x', and there are tasks 0 to 0"),
        (["other.json", "--index", "0"], "other.json: these are not tasks of version 1"),
        (["both.json", "--index", "0"], "task 0 holds neither a request nor a command, or both"),
        (["broken.json", "--index", "0"], "broken.json: this is not JSON:"),
        (["gone.json", "--index", "0"], "[Errno 2] No such file or directory: 'gone.json'"),
        (["tasks.json", "--index", "0", "--to", "/not/there"], "[Errno 2] No such file"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_not_worth_another_try(
    archive: Path, tmp_path: Path, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, {"command": ["true"], "request": {}}).rename("both.json")
    written(tmp_path, {"command": ["true"]})
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "broken.json").write_text("{")
    done = run(archive, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"stackcheck task: {said}")
