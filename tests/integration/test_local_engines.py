"""The engines that need no container: an environment made by uv, one that is there, and this interpreter."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from stackcheck.intake.stack import Stack
from stackcheck.model.errors import BuildFailedError, EngineError, ProbeError, UsageError
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.probing import agent as agents
from stackcheck.storage.cache_entries import MARKER
from stackcheck.targets import BuildOptions, choose
from stackcheck.targets.here import HereEngine, no_image
from stackcheck.targets.process.process_identity import Owner, this_process
from stackcheck.targets.process.temp_dirs import sweep_temp_folders, temp_folder
from stackcheck.targets.venv import VenvEngine, find_python
from tests.answering import answering

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackcheck.targets import Target

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def options(tmp_path: Path) -> BuildOptions:
    """Return options of an empty cache; uv finds the interpreter of these tests first."""
    path = f"{Path(sys.executable).resolve().parent}{os.pathsep}{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": "/of/the/host"}
    return BuildOptions(cache=tmp_path / "cache", environ=environ)


@pytest.fixture
def wheel(tmp_path: Path) -> LockedPackage:
    path = tmp_path / "tinypkg-1.0-py3-none-any.whl"
    info = "tinypkg-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tinypkg.py", "VALUE = 1\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinypkg\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(
            f"{info}/RECORD", "".join(f"{name},,\n" for name in (*archive.namelist(), f"{info}/RECORD"))
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return LockedPackage("tinypkg", Version("1.0"), path.name, path.as_uri(), sha256=digest)


def lock(package: LockedPackage, python: str = PYTHON) -> Resolution:
    text = f"""\
lock-version = "1.0"
created-by = "stackcheck"

[[packages]]
name = "{package.name}"
version = "{package.version}"
wheels = [{{ url = "{package.url}", hashes = {{ sha256 = "{package.sha256}" }} }}]
"""
    return Resolution((package,), python, "x86_64-manylinux_2_28", "0.13.8", text)


STACK = Stack(id="tiny", python=PYTHON, env={"SPCONV_DISABLE_JIT": "1"})


class TestVenv:
    def test_it_is_made_from_the_lock_and_found_again(
        self, options: BuildOptions, wheel: LockedPackage
    ) -> None:
        said: list[str] = []
        engine = choose("venv", said.append, cache=options.cache)
        target = engine.prepare(STACK, lock(wheel), options, said.append)
        assert said[0] == "engine: venv; it runs the stack's code as this user, in a bare environment"
        assert (target.kind, target.built, target.image) == (
            "venv",
            True,
            no_image("venv"),
        )
        assert target.size_bytes > 0
        assert Path(target.log_file).read_text().count("tinypkg==1.0") == 1
        assert target.env["SPCONV_DISABLE_JIT"] == "1"
        assert target.env["VIRTUAL_ENV"] == target.name
        assert target.env["PATH"].startswith(f"{target.name}/bin:")
        assert "PYTHONPATH" not in target.env

        said.clear()
        again = engine.prepare(STACK, lock(wheel), options, said.append)
        assert (again.built, again.name) == (False, target.name)
        assert said == [f"nothing to build: {target.name} is made from this lock"]

        request = agents.request_for(STACK, ["distributions"])
        document = json.loads(engine.run_agent(target, agents.pack(), request, timeout_s=60))
        rows = document["probes"]["distributions"]["facts"]["distributions"]
        assert [row["name"] for row in rows] == ["tinypkg"]
        assert list((options.cache / "tmp").iterdir()) == []

    def test_a_file_that_is_not_the_locked_one_is_a_failed_build_and_leaves_nothing(
        self, options: BuildOptions, wheel: LockedPackage
    ) -> None:
        with pytest.raises(
            BuildFailedError, match="the index serves another file than the one that was locked"
        ):
            VenvEngine(options.cache).prepare(STACK, lock(replace(wheel, sha256="0" * 64)), options, print)
        assert list((options.cache / "venvs").iterdir()) == []

    def test_a_python_that_cannot_be_had_is_an_error_with_the_ways_out(
        self, options: BuildOptions, wheel: LockedPackage
    ) -> None:
        said: list[str] = []
        offline = replace(
            options, environ={**options.environ, "UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never"}
        )
        with pytest.raises(EngineError) as caught:
            VenvEngine(options.cache).prepare(STACK, lock(wheel, "3.99"), offline, said.append)
        assert str(caught.value).startswith(
            "there is no Python 3.99 on this machine, and uv cannot fetch one. Install it, or use an engine "
            "whose images bring theirs (docker, podman), or take a variant of the stack for another Python.\n"
        )
        assert "there is no Python 3.99 on this machine; uv fetches one" in said
        assert find_python("3.99", options.environ) is None

    def test_a_lock_for_another_machine_or_from_source_is_refused(
        self, options: BuildOptions, wheel: LockedPackage
    ) -> None:
        engine = VenvEngine(options.cache)
        other = Stack(id="w", platform="windows/amd64")
        with pytest.raises(
            EngineError,
            match=r"w: the stack is for windows/amd64, this machine is .*has images: docker, podman\.",
        ):
            engine.prepare(other, lock(wheel), options, print)
        with pytest.raises(
            EngineError, match=r"installs wheels only, and the lock has source archives: x-1\.tar\.gz"
        ):
            engine.prepare(STACK, lock(replace(wheel, filename="x-1.tar.gz")), options, print)
        with pytest.raises(EngineError, match="tiny: there is no lock to make an environment from"):
            engine.prepare(STACK, None, options, print)

    def test_what_was_never_finished_is_swept(self, options: BuildOptions) -> None:
        whole = options.cache / "venvs" / "whole"
        damaged = ["", "[]", "null", "{}", '{"size_bytes": ', '{"size_bytes": "1"}', "[" * 9999]
        for number, text in enumerate(damaged):
            folder = options.cache / "venvs" / f"damaged{number}"
            folder.mkdir(parents=True)
            (folder / MARKER).write_text(text)
        (options.cache / "venvs" / "half").mkdir()
        whole.mkdir()
        (whole / MARKER).write_text('{"size_bytes": 1}')
        assert VenvEngine(options.cache).swept == len(damaged) + 1
        assert list((options.cache / "venvs").iterdir()) == [whole]

    def test_an_existing_environment_is_taken_as_it_is(self, options: BuildOptions, tmp_path: Path) -> None:
        folder = tmp_path / "mine"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        target = VenvEngine(options.cache, existing=folder).prepare(STACK, None, options, print)
        assert (target.kind, target.built, target.python) == ("venv", False, (f"{folder}/bin/python",))
        assert target.env["PYTHONPATH"] == "/of/the/host"
        assert "SPCONV_DISABLE_JIT" not in target.env
        with pytest.raises(
            UsageError, match=r"nothing is not a virtual environment: there is no .*/python\."
        ):
            VenvEngine(options.cache, existing=tmp_path / "nothing").prepare(STACK, None, options, print)


class TestRunning:
    @pytest.fixture
    def run(self, options: BuildOptions) -> Callable[..., bytes]:
        engine = HereEngine(options.cache)
        target = engine.prepare(STACK, None, options, lambda _line: None)

        def start(script: str, timeout_s: float = 30, gpus_note: str = "", **request: Any) -> bytes:
            chosen: Target = replace(target, gpus_note=gpus_note)
            return engine.run_agent(chosen, answering(script), request, timeout_s=timeout_s)

        return start

    def test_this_interpreter_is_the_target(self, options: BuildOptions, run: Callable[..., bytes]) -> None:
        said: list[str] = []
        target = HereEngine(options.cache).prepare(STACK, None, options, said.append)
        assert said == [f"probing {sys.executable} as it is"]
        assert target.image == no_image("here")
        assert json.loads(run("print(request)", a=[1])) == {"a": [1]}

    def test_without_gpus_the_agent_looks_for_none(self, run: Callable[..., bytes]) -> None:
        assert json.loads(run("print(request)", gpus_note="none")) == {"device_nodes": []}

    def test_what_is_printed_beside_the_answer_does_not_spoil_it(self, run: Callable[..., bytes]) -> None:
        noise = "import sys; sys.__stdout__.write('hello\\n'); sys.__stdout__.flush(); print('{}')"
        assert run(noise) == b"{}\n"

    def test_an_answer_of_an_agent_that_ends_badly_is_none(self, run: Callable[..., bytes]) -> None:
        script = "import atexit, os; print('{}'); atexit.register(os._exit, 7)"
        with pytest.raises(ProbeError, match="the agent ended with status 7 and without an answer"):
            run(script)
        with pytest.raises(ProbeError, match="the agent ended with SIGKILL and without an answer"):
            run("import os; os.kill(os.getpid(), 9)")

    def test_a_child_that_keeps_the_pipes_open_delays_nothing(self, run: Callable[..., bytes]) -> None:
        start = time.monotonic()
        script = "import subprocess; subprocess.Popen(['sleep', '40'], start_new_session=True); print('{}')"
        assert run(script) == b"{}\n"
        assert time.monotonic() - start < 20

    def test_time_is_up_for_the_agent_and_all_that_it_started(
        self, run: Callable[..., bytes], tmp_path: Path
    ) -> None:
        script = f"""
import pathlib, subprocess, time
child = subprocess.Popen(["sleep", "300"])
pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
time.sleep(300)
"""
        start = time.monotonic()
        with pytest.raises(EngineError, match="no answer after 2 s; the process was stopped"):
            run(script, timeout_s=2)
        assert time.monotonic() - start < 15
        child = int((tmp_path / "pid").read_text())
        for _ in range(50):
            if not _alive(child):
                break
            time.sleep(0.1)
        assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


AGENT = """
import os, pathlib, sys
from stackcheck.targets import BuildOptions
from stackcheck.targets.here import HereEngine
from stackcheck.intake.stack import Stack
engine = HereEngine(pathlib.Path(sys.argv[1]))
target = engine.prepare(Stack(id="s"), None, BuildOptions(cache=pathlib.Path(sys.argv[1])), print)
script = "import os, time\\nopen(%r, 'w').write(str(os.getpid()))\\ntime.sleep(300)" % sys.argv[2]
engine.run_agent(target, script.encode(), {}, timeout_s=290)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_no_process_and_no_folder(
    tmp_path: Path, number: signal.Signals
) -> None:
    pid_file, cache = tmp_path / "pid", tmp_path / "cache"
    process = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(cache), str(pid_file)], stdout=subprocess.DEVNULL
    )
    for _ in range(200):
        if pid_file.exists() and pid_file.read_text():
            break
        time.sleep(0.1)
    agent = int(pid_file.read_text())
    process.send_signal(number)
    process.wait(20)
    for _ in range(100):
        if not _alive(agent):
            break
        time.sleep(0.1)
    assert not _alive(agent)
    if number == signal.SIGKILL:
        assert sweep_temp_folders(cache) == 1
    assert list((cache / "tmp").iterdir()) == []


def test_a_folder_of_a_live_run_is_not_swept(tmp_path: Path) -> None:
    dead = Owner(this_process().boot, this_process().namespace, 2**22 + 1, "1")
    (tmp_path / "tmp" / f"{dead}-abc").mkdir(parents=True)
    (tmp_path / "tmp" / "something-else").mkdir()
    with temp_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert sweep_temp_folders(tmp_path) == 1
        assert folder.is_dir()
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["something-else"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(EngineError, match=r"cannot be written .*Name a folder that is yours"),
        temp_folder(tmp_path / "file"),
    ):
        pass
