"""The agent in a container of a real engine: what it may, what it may not, and what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.targets.containers.docker import DockerEngine
from stackcheck.targets.process.process_identity import LABEL, parse_owner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.targets import BuildOptions

pytestmark = pytest.mark.docker
ENVIRON = dict(os.environ)


def quiet(_line: str) -> None:
    return


def containers(client: Any, pid: int | None = None) -> list[Any]:
    """Return the containers of a process, by default of this one; other runs may have theirs."""
    rows = client.api.containers(all=True, filters={"label": LABEL})
    owners = [(row, parse_owner(row["Labels"][LABEL])) for row in rows]
    return [row for row, owner in owners if owner and owner.pid == (pid or os.getpid())]


def wait_for(condition: Any, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


PROBING = """
import sys
from stackcheck.intake.stack import Stack
from stackcheck.targets import BuildOptions
from stackcheck.targets.containers.docker import DockerEngine
import os, pathlib
engine = DockerEngine.start(pathlib.Path(), dict(os.environ))
stack = Stack.model_validate({"id": "s", "image": {"ready": sys.argv[1]}})
target = engine.prepare(stack, None, BuildOptions(cache=pathlib.Path(sys.argv[2])), print)
engine.run_agent(target, b"import time; time.sleep(300)", {}, timeout_s=290)
"""


class TestKilled:
    @pytest.fixture
    def run(self, base: str, tmp_path: Path, client: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Start a run that probes for five minutes, in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-c", PROBING, base, str(tmp_path)], stdout=subprocess.DEVNULL
        )
        try:
            assert wait_for(lambda: any("agent.pyz" in row["Command"] and row["State"] == "running"
                                        for row in containers(client, process.pid)))  # fmt: skip
            yield process
        finally:
            process.kill()
            process.wait()
            DockerEngine.start(Path(), ENVIRON).close()

    def test_what_a_killed_run_left_goes_at_the_next_start_and_a_live_run_keeps_its_own(
        self, run: subprocess.Popen[bytes], client: Any
    ) -> None:
        DockerEngine.start(Path(), ENVIRON).close()
        (left,) = containers(client, run.pid)
        (volume,) = [mount["Name"] for mount in left["Mounts"] if mount["Type"] == "volume"]
        run.kill()
        run.wait()
        assert [row["Id"] for row in containers(client, run.pid)] == [left["Id"]]
        after = DockerEngine.start(Path(), ENVIRON)
        assert after.swept >= 1
        assert containers(client, run.pid) == []
        assert volume not in [each.name for each in client.volumes.list()]
        after.close()


BUILDING = """
import os, pathlib, pickle, sys
from stackcheck.targets.containers.docker import DockerEngine
engine = DockerEngine.start(pathlib.Path(), dict(os.environ), use_buildkit=sys.argv[1] == "buildkit")
stack, resolution, options = pickle.loads(pathlib.Path(sys.argv[2]).read_bytes())
engine.prepare(stack, resolution, options, lambda line: print(line, flush=True))
"""


class TestInterruptedBuild:
    """The build hangs in a download: the server takes the request and does not answer."""

    @pytest.fixture(params=["buildkit", "committed", "classic"])
    def run(
        self,
        request: pytest.FixtureRequest,
        options: BuildOptions,
        make_stack: Any,
        lock: Any,
        private_index: Any,
        tmp_path: Path,
    ) -> Iterator[subprocess.Popen[bytes]]:
        import pickle  # noqa: PLC0415 - our own values, for our own child

        private_index.hang = True
        ca_file = None if request.param == "classic" else private_index.certificate
        hanging = replace(options, network="host", ca_file=ca_file)
        package = private_index.package
        if request.param == "classic":  # without secrets there is no certificate that would be accepted
            package = replace(package, url=private_index.plain_url)
        job = tmp_path / "job"
        job.write_bytes(pickle.dumps((make_stack(), lock(package), hanging)))
        process = subprocess.Popen(
            [sys.executable, "-c", BUILDING, request.param, str(job)], stdout=subprocess.DEVNULL
        )
        try:
            assert private_index.asked.wait(120)
            yield process
        finally:
            process.kill()
            process.wait()

    def left(self, client: Any, options: BuildOptions, pid: int) -> list[Any]:
        untagged = client.images.list(filters={"dangling": True, "label": LABEL})
        ours = [each for each in untagged if f".{pid}." in each.labels[LABEL]]
        return [*containers(client, pid), *ours, *(options.cache / "tmp").glob("*")]

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_leaves_nothing(
        self,
        run: subprocess.Popen[bytes],
        number: signal.Signals,
        client: Any,
        options: BuildOptions,
        private_index: Any,
    ) -> None:
        run.send_signal(number)
        run.wait(60)
        assert run.returncode != 0
        assert self.left(client, options, run.pid) == []
        assert private_index.gone.wait(10)

    def test_after_a_kill_the_next_start_removes_what_is_left(
        self, run: subprocess.Popen[bytes], client: Any, options: BuildOptions, private_index: Any
    ) -> None:
        from stackcheck.targets import choose  # noqa: PLC0415

        run.kill()
        run.wait()
        choose("docker", quiet, cache=options.cache, environ=ENVIRON).close()
        assert self.left(client, options, run.pid) == []
        assert private_index.gone.wait(10)
