"""`stackcheck fleet verify --jobs`: this machine alone, without Ray."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.fleet import made

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[2] / "data"
CALL = ("verify", "*", "--jobs", "2", "--engine", "here", "-o", "out")


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a machine with two T4 and without docker."""
    library = tmp_path / "nvml" / "libnvidia-ml.so.1"
    library.parent.mkdir()
    subprocess.run(["gcc", "-shared", "-fPIC", "-w", "-o", library, DATA / "nvml/fake.c"], check=True)
    return {
        "LD_LIBRARY_PATH": str(library.parent),
        "FAKE_NVML": "driver=550.54.15;cuda=12040;gpus=Tesla T4:7.5,Tesla T4:7.5",
        "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
    }


def ledger(folder: Path) -> dict[str, str]:
    rows = (folder / "out" / "fleet.jsonl").read_text().splitlines()
    return {task[0]: task[2] for row in rows for task in json.loads(row)["tasks"].values()}


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def test_each_job_has_a_gpu_of_its_own(machine: dict[str, str], tmp_path: Path) -> None:
    made.write(tmp_path, 7, 0.1)
    with (tmp_path / "matrices" / "wait.py").open("a") as file:
        file.write("(marks / f'{sys.argv[1]}-gpu').write_text(os.environ.get('CUDA_VISIBLE_DEVICES', ''))\n")
    done = made.run(tmp_path, *CALL, "--format", "json", **machine)
    assert done.returncode == 3, done.stderr  # no node has an H100
    told = json.loads(done.stdout)
    assert told["unserved"] == {
        "h100-01": "no node has H100",
        "h100-04": "no node has H100",
    }
    assert {row["stack"]: row["result"] for row in told["tasks"] if row["gpu"]} == {
        "t4-00": "PASS",
        "t4-03": "PASS",
        "t4-06": "PASS",
    }
    seen = {path.read_text() for path in (tmp_path / "marks").glob("t4-*-gpu")}
    assert seen <= {"0", "1"}
    assert seen


def test_the_same_call_goes_on_where_one_was_killed(machine: dict[str, str], tmp_path: Path) -> None:
    gpus = {name for name, kinds in made.write(tmp_path, 9, 0.2).items() if kinds != ("H100",)}
    text = (tmp_path / "matrices" / "made.toml").read_text().replace('gpus = ["H100"]', 'gpus = ["T4"]')
    (tmp_path / "matrices" / "made.toml").write_text(text)
    killed = made.start(tmp_path, *CALL, **machine)
    until((tmp_path / "out" / "fleet.jsonl").exists)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    until(lambda: made.at_work(tmp_path) == [], 30)
    before = ledger(tmp_path)

    done = made.run(tmp_path, *CALL, **machine)
    assert done.returncode == 0, done.stderr
    assert f"{len(before)} of 9 tasks are done already: see out" in done.stderr
    assert set(ledger(tmp_path)) > gpus
    assert set(ledger(tmp_path).values()) == {"PASS"}
    marks = [path.name.rpartition("-")[0] for path in (tmp_path / "marks").iterdir()]
    assert all(marks.count(name) == 1 for name in before)
    again = made.run(tmp_path, *CALL, "--again", **machine)
    assert "done already" not in again.stderr
    assert len(list((tmp_path / "marks").iterdir())) == len(marks) + 9


def test_a_stack_whose_process_dies_is_an_error_and_takes_no_other_along(
    machine: dict[str, str], tmp_path: Path
) -> None:
    made.write(tmp_path, 5, 1.0)
    process = made.start(tmp_path, *CALL, **machine)
    until(lambda: any((tmp_path / "marks").iterdir()))
    listed = subprocess.run(
        ["ps", "-wwo", "pid=,args=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    )
    jobs = [int(line.split()[0]) for line in listed.stdout.splitlines() if "spawn_main" in line]
    os.kill(jobs[0], signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert "its process ended with SIGKILL" in err
    assert "1 of the ERRORs because a node or a process went away" in out
    assert len(list((tmp_path / "out").glob("lost-*.json"))) == 1
    assert made.run(tmp_path, *CALL, **machine).returncode == 3  # the H100 alone
    assert list((tmp_path / "out").glob("lost-*.json")) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("verify", "*", "--jobs", "0"), "--jobs 0: give a number from 1 on"),
        (
            ("verify", "*", "--jobs", "2", "--address", "auto"),
            "--jobs is for this machine alone and --address",
        ),
        (
            ("verify", "*", "--jobs", "1", "--env", "NOT_SET_HERE"),
            "--env NOT_SET_HERE: this variable is not set",
        ),
        (("verify", "*", "--jobs", "1", "-o", "file"), "-o file: this is a file; name a folder."),
        (("verify", "none", "--jobs", "1"), "none"),
        (("verfy", "*"), "did you mean 'verify'?"),
    ],
)
def test_wrong_calls_say_what_to_do(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    made.write(tmp_path, 1, 0)
    (tmp_path / "file").touch()
    done = made.run(tmp_path, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_without_ray_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    made.write(tmp_path, 1, 0)
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "ray.py").write_text("raise ImportError('no ray')\n")
    done = made.run(tmp_path, "nodes", "--address", "auto", PYTHONPATH=str(tmp_path / "hidden"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "stackcheck: error: Ray is not installed here: pip install 'stackcheck[fleet]', or take --jobs N, "
        "which needs no Ray.\n"
    )


def test_ray_is_imported_where_it_is_used_alone(tmp_path: Path) -> None:
    made.write(tmp_path, 1, 0)
    code = "import sys; from stackcheck.cli import main; main(); print('ray' in sys.modules)"
    call = [sys.executable, "-c", code, "fleet", "nodes", "--jobs", "1"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
