"""What every engine keeps, whatever it runs in; where capabilities differ, the test asks them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck.guard.baking import Wish, bake
from stackcheck.model.errors import BaseImageError, BuildFailedError, EngineError, ProbeError, UsageError
from stackcheck.model.facts import Missing
from stackcheck.model.image import ImageFacts
from stackcheck.model.resolution import Resolution
from stackcheck.probing import agent as agents
from stackcheck.probing.observation import parse_observation
from stackcheck.resolve.resolver import resolve
from stackcheck.steps.options import Options
from stackcheck.targets import Capabilities, choose
from stackcheck.targets.containers.base_images import look_at_bases
from stackcheck.targets.engine import ContainerEngine, Planner
from stackcheck.targets.registry import engine_class, names
from stackcheck.targets.reuse import ReusingEngine
from tests.contract.conftest import BASE

if TYPE_CHECKING:
    from stackcheck.targets import Target
    from tests.contract.conftest import Case


def needs(case: Case, *capabilities: str) -> None:
    """Skip what an engine does not say that it can."""
    for each in capabilities:
        if not getattr(case.able, each):
            pytest.skip(f"the engine {case.engine.name} does not claim the capability {each}")


@pytest.fixture
def target(case: Case) -> Target:
    """Return what the engine has with the least work: an image that is there, an environment, itself."""
    if case.able.images:
        return case.prepare(case.stack(image={"base": None, "ready": BASE}))
    return case.prepare(case.stack(), case.lock() if case.able.builds else None)


class TestNames:
    def test_the_engine_has_its_name_in_the_registry_and_on_its_targets(
        self, case: Case, target: Target
    ) -> None:
        assert case.engine.name in names()
        assert target.engine == case.engine.name
        assert "" not in {target.kind, target.name, target.id}
        assert target.python
        assert isinstance(target.image, ImageFacts) == case.able.images

    def test_none_can_more_than_its_class_says(self, case: Case) -> None:
        most = engine_class(case.engine.name).capabilities
        more = [each.name for each in fields(Capabilities)
                if getattr(case.able, each.name) and not getattr(most, each.name)]  # fmt: skip
        assert more == []

    def test_what_it_says_that_it_can_it_has_the_methods_for(self, case: Case) -> None:
        assert isinstance(case.engine, Planner) == case.able.plans
        assert isinstance(case.engine, ContainerEngine) == case.able.bakes

    def test_choosing_it_tells_which_and_in_which_version(self, case: Case) -> None:
        said: list[str] = []
        choose(case.engine.name, said.append, cache=case.options.cache).close()
        shown = f"{case.engine.name} {case.engine.version}".strip()
        assert [line.partition(";")[0] for line in said] == [f"engine: {shown}"]

    @pytest.mark.parametrize("able", ["images", "bakes", "plans"])
    def test_what_it_cannot_is_a_wrong_call_that_names_those_that_can(self, case: Case, able: str) -> None:
        if getattr(case.able, able):
            choose(case.engine.name, print, cache=case.options.cache, able=able).close()
            return
        with pytest.raises(UsageError, match=rf"the engine {case.engine.name} does not .*: docker"):
            choose(case.engine.name, print, cache=case.options.cache, able=able)


class TestPreparing:
    def test_from_a_lock_once_and_found_again(self, case: Case) -> None:
        if not case.able.builds:
            assert not case.prepare(case.stack()).built
            return
        stack, lock = case.stack(env={"A_B": "1"}), case.lock()
        first, second = case.prepare(stack, lock), case.prepare(stack, lock)
        assert (first.built, second.built, second.id) == (True, False, first.id)
        assert first.size_bytes > 0
        request = agents.request_for(stack, ["distributions", "environment"])
        if case.able.files_only:
            request = agents.request_of_files(request, first.packages, first.name)
        document = case.engine.run_agent(first, agents.pack(), request, timeout_s=60)
        seen = parse_observation(document)
        found = seen.facts("distributions")
        assert not isinstance(found, Missing)
        assert "tinypkg" in [row["name"] for row in found["distributions"]]
        assert case.left() == []
        if case.able.files_only:
            assert list(seen.probes) == ["distributions"]
            return
        environment = seen.facts("environment")
        assert not isinstance(environment, Missing)
        assert '"A_B": "1"' in json.dumps(dict(environment))

    def test_without_a_lock_there_is_nothing_to_build(self, case: Case) -> None:
        needs(case, "builds")
        with pytest.raises(EngineError, match=f"{case.id}: there is no lock to"):
            case.prepare(case.stack())

    def test_a_file_that_is_not_the_locked_one_is_a_failed_build_that_leaves_nothing(
        self, case: Case
    ) -> None:
        needs(case, "builds")
        with pytest.raises(BuildFailedError) as caught:
            case.prepare(case.stack(), case.lock(sha256="0" * 64))
        assert "the index serves another file than the one that was locked" in str(caught.value)
        assert caught.value.log_tail
        assert case.left() == []

    def test_a_base_that_cannot_be_had_is_named_with_the_ways_out(self, case: Case) -> None:
        stack = case.stack(image={"base": "registry.invalid/nothing:1"})
        if not (case.able.images and case.able.builds):  # it takes no base, so none can be missing
            assert case.prepare(stack, case.lock()).engine == case.engine.name
            return
        with pytest.raises(BaseImageError) as caught:
            case.prepare(stack, case.lock())
        text = str(caught.value)
        assert text.startswith("the image registry.invalid/nothing:1 is not here and cannot be pulled: ")
        assert "--mirror" in text
        assert "--base IMAGE" in text

    @pytest.mark.online
    def test_a_source_archive_is_built_or_refused_with_who_builds_it(self, case: Case) -> None:
        needs(case, "builds")
        if case.able.source_archives:
            stack = case.stack(packages={"six": {"version": "1.17.0", "from": "source"}})
            found = resolve(stack)
            assert isinstance(found, Resolution)
            assert [package.is_wheel for package in found.packages] == [False]
            case.options = replace(
                case.options, network="host", environ={**os.environ, **case.options.environ}
            )
            made = case.prepare(stack, found)
            assert case.run(made, "import six; print(six.__version__)") == b"1.17.0\n"
            return
        if case.able.files_only:
            made = case.prepare(case.stack(), case.lock(filename="tinypkg-1.0.tar.gz"))
            assert not list(Path(made.packages[0]).glob("[!.]*"))
            return
        with pytest.raises(EngineError, match=r"wheels only.* builds them: docker, podman\."):
            case.prepare(case.stack(), case.lock(filename="tinypkg-1.0.tar.gz"))

    def test_of_another_python_and_platform_the_files_are_there_and_nothing_is_run(self, case: Case) -> None:
        needs(case, "files_only")
        lock = replace(case.lock(), python="3.99", platform="aarch64-manylinux_2_28")
        made = case.prepare(case.stack(python="3.99", platform="linux/arm64"), lock)
        (folder,) = map(Path, made.packages)
        assert (folder / "tinypkg.py").is_file()
        assert not (folder / "__pycache__").exists()
        assert made.gpus_note == "nothing is run of unpacked wheels"

    def test_a_ready_image_is_taken_as_it_is(self, case: Case, target: Target) -> None:
        needs(case, "images")
        assert (target.kind, target.built, target.python) == ("image", False, ("python3",))
        assert target.name.endswith(BASE)
        assert isinstance(target.image, ImageFacts)
        assert target.image.python.startswith("3.11.")
        assert target.id.startswith("sha256:") == case.able.content_ids

    def test_build_secrets_reach_the_users_dockerfile_and_stay_out_of_the_image(self, case: Case) -> None:
        needs(case, "images", "build_secrets")
        token = case.folder / "token"
        token.write_text("tok-91-not-in-the-image")
        mount = "RUN --mount=type=secret,id=token,required=true wc -c < /run/secrets/token > /seen"
        (case.folder / "Dockerfile").write_text(f"FROM {BASE}\n{mount}\n")
        case.options = replace(case.options, root=case.folder, secrets={"token": token})
        made = case.prepare(case.stack(image={"base": None, "dockerfile": "Dockerfile"}))
        script = (
            "import pathlib; p = pathlib.Path('/run/secrets/token');"
            "print([pathlib.Path('/seen').read_text(), p.exists() and p.read_text()])"
        )
        assert case.run(made, script) == b"['23\\n', False]\n"

    def test_a_chain_of_images_is_built_once_and_from_the_first_change(self, case: Case) -> None:
        needs(case, "images", "builds")
        own = {"base": None, "dockerfile": "lower/Dockerfile", "tag": f"{case.id}:1"}
        for name, base in (("lower", BASE), ("upper", own["tag"])):
            (case.folder / name).mkdir()
            (case.folder / name / "Dockerfile").write_text(f"FROM {base}\nCOPY file /{name}\n")
            (case.folder / name / "file").write_text("1")
        case.options = replace(case.options, root=case.folder)
        upper = {"base": None, "dockerfile": "upper/Dockerfile", "from_stack": case.id}
        stack = case.stack(id=f"{case.id}-upper", image=upper)
        stack = stack.model_copy(update={"below": (case.stack(image=own),)})
        try:
            assert [tier.built for tier in case.prepare(stack).tiers] == [True, True]
            assert [tier.built for tier in case.prepare(stack).tiers] == [False, False]
            (case.folder / "upper" / "file").write_text("2")
            assert [tier.built for tier in case.prepare(stack).tiers] == [False, True]
        finally:
            case.remove_images(stack.id)


CONFINED = """
import json, os, pathlib, sys
lines = open("/proc/self/status").read().splitlines()
status = dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)
def writable(place):
    try:
        pathlib.Path(place, "x").write_text("x")
    except OSError:
        return False
    return True
limits = pathlib.Path("/sys/fs/cgroup/pids/pids.max"), pathlib.Path("/sys/fs/cgroup/pids.max")
print(json.dumps({
    "capabilities": int(status["CapEff"], 16), "no_new_privileges": status["NoNewPrivs"],
    "networks": os.listdir("/sys/class/net"), "writable": [p for p in ("/", "/opt", "/tmp") if writable(p)],
    "pids": [p.read_text().strip() for p in limits if p.exists()], "argument": json.loads(request),
}))
"""


class TestRunning:
    def test_the_request_reaches_the_agent_and_its_document_comes_back(
        self, case: Case, target: Target
    ) -> None:
        answer = json.loads(case.run(target, "print(request)", asked=[1]))
        assert answer["asked"] == [1]
        assert case.left() == []

    def test_a_flood_on_stderr_does_not_block_it(self, case: Case, target: Target) -> None:
        script = "import sys; sys.stderr.write('x' * 2_000_000); print('{}')"
        assert case.run(target, script) == b"{}\n"

    def test_a_flood_on_stdout_ends_it(self, case: Case, target: Target) -> None:
        with pytest.raises(ProbeError, match=r"the agent wrote more than 64 MB"):
            case.run(target, "import sys\nwhile True: sys.__stdout__.write('x' * 1_000_000)")
        assert case.left() == []

    def test_no_document_is_an_error_with_its_last_words_escaped(self, case: Case, target: Target) -> None:
        script = "import sys; sys.stderr.write('\\x1bsorry'); sys.exit(3)"
        with pytest.raises(ProbeError, match=r"status 3 and without an answer; it said: \\x1bsorry"):
            case.run(target, script)

    @pytest.mark.parametrize("python", ["/no/python", "python9"])
    def test_an_interpreter_that_is_not_there_is_named(self, case: Case, target: Target, python: str) -> None:
        fault = r"there is no Python to run: .*%s.* Name the interpreter of the image in image\.python"
        expected = fault if case.able.images else "cannot start %s: there is no such command"
        with pytest.raises((EngineError, ProbeError), match=expected % python):
            case.run(replace(target, python=(python,)), "")
        assert case.left() == []

    def test_time_is_up_for_the_agent_and_nothing_stays(self, case: Case, target: Target) -> None:
        start = time.monotonic()
        with pytest.raises(EngineError, match=r"no answer after 2 s; the \w+ was stopped"):
            case.run(target, "import time; time.sleep(300)", timeout_s=2)
        assert time.monotonic() - start < 30
        assert case.left() == []

    def test_in_a_container_it_can_do_nothing_but_look(self, case: Case, target: Target) -> None:
        needs(case, "images")
        assert json.loads(case.run(target, CONFINED, a="b\n")) == {
            "capabilities": 0,
            "no_new_privileges": "1",
            "networks": ["lo"],
            "writable": ["/tmp"],
            "pids": ["4096"],
            "argument": {"a": "b\n"},
        }


RUN = """
import os, pathlib, sys
from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import Resolution
from stackcheck.targets import BuildOptions
from stackcheck.targets.registry import engine_class
name, cache, image = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
engine = engine_class(name).start(cache, dict(os.environ))
ready = {"image": {"ready": image}} if engine.capabilities.images else {}
if name == "venv":
    engine = type(engine)(cache, existing=pathlib.Path(sys.prefix))
lock = None
if engine.capabilities.files_only:
    lock = Resolution((), "3.11", "x86_64-manylinux_2_28", "", 'lock-version = "1.0"\\ncreated-by = "x"\\n')
target = engine.prepare(Stack.model_validate({"id": "s", **ready}), lock, BuildOptions(cache=cache), print)
print("READY", flush=True)
engine.run_agent(target, b"import time; time.sleep(300)", {}, timeout_s=290)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_nothing_at_the_latest_for_the_next(
    case: Case, number: signal.Signals, elsewhere: str
) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, case.engine.name, str(case.options.cache), BASE],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": elsewhere},
        text=True,
    )
    assert run.stdout is not None
    assert any(line == "READY\n" for line in run.stdout)
    assert _soon(lambda: bool(case.left(run.pid)))
    run.send_signal(number)
    run.wait(30)
    run.stdout.close()
    if number == signal.SIGKILL:
        choose(case.engine.name, print, cache=case.options.cache).close()
    assert run.returncode != 0
    assert case.left(run.pid) == []


def _soon(true: object, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.1)
    return bool(found)


class TestCapabilities:
    def test_what_was_seen_is_reused_only_where_an_id_is_the_content(
        self, case: Case, target: Target
    ) -> None:
        said: list[str] = []
        reusing = ReusingEngine(case.engine, case.options.cache, said.append)
        request = agents.request_for(case.stack(), ["interpreter"])
        for _ in range(2):
            reusing.run_agent(target, agents.pack(), request, timeout_s=60)
        kept = case.able.is_local and (case.able.content_ids or case.able.stamped)
        assert said[-1].startswith("reusing what the probes saw" if kept else "nothing is reused: only")

    @pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has a GPU")
    def test_a_gpu_that_is_named_and_not_given_is_an_error(self, case: Case) -> None:
        needs(case, "images")
        stack = case.stack(image={"base": None, "ready": BASE}, accelerator="cuda")
        assert case.prepare(stack).gpus_note.startswith("there is no /dev/nvidiactl")
        case.options = replace(case.options, gpus=("0",))
        asked = "could not select" if case.able.gpu_requests else "takes no requests for NVIDIA's"
        with pytest.raises(EngineError, match=f"does not give nvidia:0 to containers: .*{asked}"):
            case.prepare(stack)
        assert case.left() == []

    def test_registries_are_asked_or_it_is_said_that_they_are_not(self, case: Case) -> None:
        needs(case, "images")
        assert isinstance(case.engine, ContainerEngine)
        found = look_at_bases(case.engine, [BASE], "", offline=True)
        (base,) = found.bases
        assert base.local.startswith("sha256:")
        assert found.version == case.engine.version
        unasked = "the registry was not asked (--offline)"
        lacks = f"the engine {case.engine.name} does not ask registries"
        assert base.digest_reason == (unasked if case.able.sees_registry else lacks)

    def test_an_entrypoint_is_put_into_an_image_and_answers(self, case: Case) -> None:
        needs(case, "bakes")
        options = Options(engine=case.engine.name, build=case.options)
        baked = bake(BASE, None, Wish(f"{case.id}-baked:1", "allow", healthcheck=True), options, print)
        assert isinstance(case.engine, ContainerEngine)
        try:
            assert baked.name == f"{case.id}-baked:1"
            assert (baked.said["answer"], baked.said["exit_code"]) == ("healthy", 0)
            assert "/opt/stackcheck/stackcheck.pyz" in baked.entrypoint
        finally:
            case.engine.client.images.remove(baked.name, force=True)
        assert case.left() == []


def test_an_engine_of_another_package_is_known_by_its_entry_point(tmp_path: Path) -> None:
    said: list[str] = []
    engine = choose("bare", said.append, cache=tmp_path)
    assert (engine.name, said) == ("bare", ["engine: bare 1"])
    assert names()[-1] == "bare"
