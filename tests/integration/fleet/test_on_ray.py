"""`stackcheck fleet` on a real Ray cluster of three raylets: a T4, an H100 and none, all of them made up.

They are processes of this machine with another management library each, so what is measured differs. One
cluster serves the whole file, because it takes seconds to start; the tests run in their order.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.fleet import made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.ray, pytest.mark.slow]

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "data"
STACKS = 30
SECRET = "s3cr3t-of-the-team-4711"


class Raylets:
    """The cluster, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        nvml = folder / "nvml"
        nvml.mkdir()
        flags = ["gcc", "-shared", "-fPIC", "-O1", "-w"]
        subprocess.run([*flags, "-o", nvml / "libnvidia-ml.so.1", DATA / "nvml/fake.c"], check=True)
        self.cache = folder / "cache"
        command = [sys.executable, str(HERE / "raylets.py"), str(nvml), str(self.cache)]
        with (folder / "ray.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.address, _, session = self._said().partition(" ")
        assert self.address, (folder / "ray.log").read_text()
        self.session = Path(session)

    def tell(self, words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()
        assert self._said() == words

    def end(self) -> None:
        self._process.communicate(timeout=60)
        shutil.rmtree(self.session, ignore_errors=True)

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture(scope="module")
def raylets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raylets]:
    found = Raylets(tmp_path_factory.mktemp("raylets"))
    yield found
    found.end()


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def tasks_done(folder: Path) -> int:
    ledger = folder / "out" / "fleet.jsonl"
    return len(ledger.read_bytes().splitlines()) if ledger.exists() else 0


def results(folder: Path) -> dict[tuple[str, str], str]:
    """Return what the ledger says of each stack and GPU; one that is named twice was done twice."""
    found: dict[tuple[str, str], str] = {}
    for line in (folder / "out" / "fleet.jsonl").read_text().splitlines():
        for stack, gpu, result, *_ in json.loads(line)["tasks"].values():
            assert (stack, gpu) not in found, "done twice"
            found[stack, gpu] = result
    return found


def test_each_node_is_measured_by_a_task_on_it(raylets: Raylets, tmp_path: Path) -> None:
    made.write(tmp_path, 3, 0)
    text = (tmp_path / "matrices" / "made.toml").read_text().replace('gpus = ["T4"]', 'gpus = ["T4", "B200"]')
    (tmp_path / "matrices" / "made.toml").write_text(text)
    call = ("nodes", "*", "--address", raylets.address, "--engine", "here", "--format", "json")
    done = made.run(tmp_path, *call)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sorted(
        (node["gpu"], node["capability"], node["driver"], node["count"]) for node in told["nodes"]
    ) == [
        ("", "", "", 0),
        ("NVIDIA H100 80GB HBM3", "9.0", "570.86.15", 1),
        ("Tesla T4", "7.5", "550.54.15", 1),
    ]
    assert told["uncovered"] == {"B200": ["t4-00"]}
    assert told["unserved"] == {}


def test_a_node_and_the_driver_are_killed_and_nothing_is_lost(raylets: Raylets, tmp_path: Path) -> None:
    gpus = made.write(tmp_path, STACKS, 0.5)
    call = (
        "verify",
        "*",
        "--address",
        raylets.address,
        "--engine",
        "here",
        "-o",
        "out",
        "--env",
        "TEAM_TOKEN",
    )

    first = made.start(tmp_path, *call, TEAM_TOKEN=SECRET)
    until(lambda: tasks_done(tmp_path) >= 4)
    raylets.tell("kill H100")
    out, err = first.communicate(timeout=240)
    # What had to run on the H100 is an ERROR, and not the fault of the stack; all else went on.
    assert first.returncode == 3, err
    got = results(tmp_path)
    assert set(got.values()) == {"PASS"}
    lost = {name for name, kinds in gpus.items() if (name, kinds[0]) not in got}
    assert lost
    assert {gpus[name] for name in lost} == {("H100",)}
    assert f"{len(lost)} of the ERRORs because a node or a process went away" in out
    assert len(list((tmp_path / "out").glob("lost-*.json"))) == len(lost)

    raylets.tell("add H100")
    second = made.start(tmp_path, *call, TEAM_TOKEN=SECRET)
    before = tasks_done(tmp_path)
    until(lambda: tasks_done(tmp_path) >= before + 2)
    second.send_signal(signal.SIGKILL)
    second.communicate(timeout=60)
    until(lambda: made.at_work(raylets.cache) == [], 30)

    third = made.run(tmp_path, *call, TEAM_TOKEN=SECRET)
    assert third.returncode == 0, third.stderr
    assert {name for name, _ in results(tmp_path)} == set(gpus)
    assert set(results(tmp_path).values()) == {"PASS"}

    left = [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith((".", "lost-"))]
    assert left == []
    until(lambda: made.at_work(raylets.cache) == [], 30)
    assert list(raylets.cache.glob("*/tmp/*")) == []
    # Done is done: what ran again was at work on the node that died, or on one of three when the driver did.
    runs = [path.name.rpartition("-")[0] for path in (tmp_path / "marks").iterdir()]
    assert set(runs) == set(gpus)
    assert len(runs) <= STACKS + 1 + 3

    hidden = [path for path in (*tmp_path.rglob("*"), *raylets.cache.rglob("*")) if path.is_file()]
    assert [path for path in hidden if SECRET.encode() in path.read_bytes()] == []
    logs = [path for path in raylets.session.rglob("*") if path.is_file()]
    assert logs
    assert [path for path in logs if SECRET.encode() in path.read_bytes()] == []


def test_the_matrix_reads_what_the_fleet_wrote(raylets: Raylets, tmp_path: Path) -> None:
    made.write(tmp_path, 3, 0)
    call = ("verify", "*", "--address", raylets.address, "--engine", "here", "-o", "out", "-q")
    done = made.run(tmp_path, *call)
    assert done.returncode == 0, done.stderr
    words = [
        sys.executable,
        "-m",
        "stackcheck",
        "matrix",
        "--reports",
        "out",
        "--gpu",
        "T4,H100",
        "--format",
        "json",
    ]
    told = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    rows = {
        row["stack"]: [cell["level"] for cell in row["cells"]] for row in json.loads(told.stdout)["matrix"]
    }
    assert rows["t4-00"][0] == "run"
    assert rows["h100-01"][1] == "run"


def test_the_address_of_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    made.write(tmp_path, 1, 0)
    done = made.run(tmp_path, "nodes", "--address", "127.0.0.1:1")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("stackcheck: error: no Ray cluster answers at 127.0.0.1:1")
    assert "Traceback" not in done.stderr
