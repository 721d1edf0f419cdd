"""What docker and podman are asked through the Docker Engine API, seen by a server that answers as one."""

from __future__ import annotations

import http.server
import json
import os
import re
import socketserver
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.errors import EngineError, EngineUnreachableError, UsageError
from stackcheck.targets import BuildOptions, choose
from stackcheck.targets.containers.connection import docker_host
from stackcheck.targets.containers.docker import DockerEngine
from stackcheck.targets.containers.gpus import HostDevices
from stackcheck.targets.containers.podman import PodmanEngine, podman_host

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = "c" * 64
IMAGE = {
    "Id": "sha256:" + "1" * 64,
    "RepoTags": ["ready:1"],
    "Os": "linux",
    "Architecture": "amd64",
    "Config": {"Labels": {"stackcheck.base-python": "3.11.2"}},
}


@dataclass
class FakeEngine:
    """Answers for one image; every request is kept as (method, path, body)."""

    address: str
    info: dict[str, Any] = field(default_factory=dict)
    pull_error: str = ""
    start_error: str = ""
    component: str = "Engine"
    seen: list[tuple[str, str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.seen.append((method, path, body))
        image = re.fullmatch(r"/images/(.+)/json", path)
        fails = self.start_error and self.asking()[-1:] == self.created()[-1:]
        start = (500, {"message": self.start_error}) if fails else (204, None)
        known = [
            ("/version", (200, self.version)),
            ("/info", (200, {"MemTotal": 8 << 30, **self.info})),
            ("/images/create", (200, {"error": self.pull_error})),
            ("/images/", self.image(image[1]) if image else (200, [])),
            ("/containers/create", (201, {"Id": ID, "Warnings": []})),
            (f"/containers/{ID}/start", start),
            (f"/containers/{ID}/json", (200, {"Id": ID, "State": {}, "Config": {"Image": IMAGE["Id"]}})),
            (f"/containers/{ID}", (204, None)),
        ]
        return next((answer for prefix, answer in known if path.startswith(prefix)), (200, []))

    @property
    def version(self) -> dict[str, Any]:
        parts = [{"Name": self.component, "Version": "28.3.0"}]
        return {"ApiVersion": "1.50", "MinAPIVersion": "1.24", "Version": "28.3.0", "Components": parts}

    def image(self, name: str) -> tuple[int, Any]:
        found = name in {IMAGE["Id"], "ready:1"}
        return (200, IMAGE) if found else (404, {"message": f"No such image: {name}"})

    def created(self) -> list[Any]:
        return [body for _, path, body in self.seen if path.startswith("/containers/create")]

    def asking(self) -> list[Any]:
        """Return the containers that ask for devices: another one before them only looks for Python."""
        configs = ("DeviceRequests", "Devices")
        return [body for body in self.created() if any(body["HostConfig"].get(name) for name in configs)]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeEngine]:
    path = tmp_path / "engine.sock"
    fake = FakeEngine(f"unix://{path}")

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            body = json.loads(raw) if self.headers.get("Content-Type") == "application/json" else None
            plain = re.sub(r"^/v[0-9.]+", "", self.path)
            status, answer = fake.answer(self.command, plain, body)
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - as http.server calls them

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: object) -> None:
            return

    class Server(socketserver.ThreadingUnixStreamServer):
        def handle_error(self, *_: object) -> None:
            return  # a client that only looked whether somebody listens

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield fake
        server.shutdown()
        thread.join()


@pytest.fixture
def options(tmp_path: Path) -> BuildOptions:
    return BuildOptions(cache=tmp_path / "cache", environ={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})


def environ_of(fake: FakeEngine, options: BuildOptions) -> dict[str, str]:
    return {**options.environ, "DOCKER_HOST": fake.address}


def prepare(fake: FakeEngine, options: BuildOptions, said: list[str] | None = None, **fields: Any) -> Any:
    engine = DockerEngine.start(Path(), environ_of(fake, options))
    try:
        stack = Stack.model_validate({"id": "s", "image": {"ready": "ready:1"}, **fields})
        return engine.prepare(stack, None, options, (said if said is not None else []).append)
    finally:
        engine.close()


def on_host(monkeypatch: pytest.MonkeyPatch, host: HostDevices) -> None:
    monkeypatch.setattr("stackcheck.targets.containers.api_engine.look_at_host", lambda: host)


class TestGpus:
    """The container that tries the GPUs is made with the same arguments as the one that probes."""

    def test_nvidia_by_device_request(
        self, fake: FakeEngine, options: BuildOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_host(monkeypatch, HostDevices(nvidia=True))
        target = prepare(fake, options, accelerator="cuda")
        (created,) = fake.asking()
        assert created["HostConfig"]["DeviceRequests"] == [
            {"Driver": "nvidia", "Count": -1, "DeviceIDs": [], "Capabilities": [["gpu"]], "Options": {}}
        ]
        assert target.gpus == ("nvidia:all",)
        assert target.gpus_note == ""

    def test_nvidia_by_cdi(
        self, fake: FakeEngine, options: BuildOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_host(monkeypatch, HostDevices(nvidia=True))
        fake.info = {"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}]}
        prepare(fake, options, accelerator="cuda")
        (request,) = fake.asking()[0]["HostConfig"]["DeviceRequests"]
        assert (request["Driver"], request["DeviceIDs"]) == ("cdi", ["nvidia.com/gpu=all"])

    def test_amd_by_device_nodes_and_numeric_groups(
        self, fake: FakeEngine, options: BuildOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_host(monkeypatch, HostDevices(kfd=True, dri=True, groups=(44, 992)))
        prepare(fake, options, accelerator="rocm")
        config = fake.asking()[0]["HostConfig"]
        assert [each["PathOnHost"] for each in config["Devices"]] == ["/dev/kfd", "/dev/dri"]
        assert config["GroupAdd"] == ["44", "992"]
        assert "DeviceRequests" not in config

    def test_nothing_is_asked_for_a_cpu_stack(self, fake: FakeEngine, options: BuildOptions) -> None:
        assert prepare(fake, options, accelerator="cpu").gpus_note == "the stack is for the CPU"
        assert fake.asking() == []

    def test_an_engine_without_the_toolkit_is_said_aloud_and_probed_without_gpus(
        self, fake: FakeEngine, options: BuildOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_host(monkeypatch, HostDevices(nvidia=True))
        fake.start_error = 'could not select device driver "nvidia" with capabilities: [[gpu]]'
        said: list[str] = []
        target = prepare(fake, options, said, accelerator="cuda")
        assert target.gpus == ()
        assert target.gpus_note == (
            "this machine has a GPU, but the engine does not give it to containers: "
            'could not select device driver "nvidia" with capabilities: [[gpu]]'
        )
        assert said == [f"{target.gpus_note}. Install nvidia-container-toolkit, or use --engine venv."]

    def test_every_container_is_confined_and_labelled_and_removed(
        self, fake: FakeEngine, options: BuildOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_host(monkeypatch, HostDevices(nvidia=True))
        prepare(fake, options, accelerator="cuda")
        for created in fake.created():
            config = created["HostConfig"]
            assert (config["NetworkMode"], config["CapDrop"]) == ("none", ["ALL"])
            assert config["ReadonlyRootfs"] is True
            assert config["SecurityOpt"] == ["no-new-privileges"]
            assert list(created["Labels"]) == ["stackcheck.owner"]
        assert ("DELETE", f"/containers/{ID}?v=True&link=False&force=True", None) in fake.seen


class TestPulling:
    def test_from_the_mirror_and_what_it_says_when_it_has_nothing(
        self, fake: FakeEngine, options: BuildOptions
    ) -> None:
        fake.pull_error = "manifest unknown: https://me:word@m.example.com/v2"
        mirrored = BuildOptions(cache=options.cache, environ=options.environ, mirror="m.example.com/hub")
        with pytest.raises(EngineError) as caught:
            prepare(fake, mirrored, image={"ready": "python:3.11-slim"})
        assert str(caught.value) == (
            "the image m.example.com/hub/library/python:3.11-slim is not here and cannot be pulled: "
            "manifest unknown: https://***@m.example.com/v2. Two ways out: name a registry mirror that this "
            "machine reaches (--mirror registry.example.com/hub), or use another image with --base IMAGE "
            "(a local one serves as well)."
        )
        pulls = [path for _, path, _ in fake.seen if path.startswith("/images/create")]
        assert pulls == ["/images/create?tag=3.11-slim&fromImage=m.example.com%2Fhub%2Flibrary%2Fpython"]

    def test_a_local_image_of_that_name_is_taken_first(self, fake: FakeEngine, options: BuildOptions) -> None:
        mirrored = BuildOptions(cache=options.cache, environ=options.environ, mirror="m.example.com/hub")
        assert prepare(fake, mirrored, accelerator="cpu").name == "ready:1"
        assert not [path for _, path, _ in fake.seen if path.startswith("/images/create")]


class TestChoosing:
    def nowhere(self, options: BuildOptions, tmp_path: Path) -> dict[str, str]:
        return {**options.environ, "DOCKER_HOST": f"unix://{tmp_path}/nowhere.sock"}

    def test_docker_when_it_answers(self, fake: FakeEngine, options: BuildOptions) -> None:
        said: list[str] = []
        engine = choose(None, said.append, cache=options.cache, environ=environ_of(fake, options))
        assert engine.name == "docker"
        assert said == ["engine: docker 28.3.0, because it answers"]
        engine.close()

    @pytest.mark.parametrize("name", [None, "docker"])
    def test_no_other_engine_is_taken_when_it_does_not(
        self, options: BuildOptions, tmp_path: Path, name: str | None
    ) -> None:
        with pytest.raises(
            EngineUnreachableError,
            match=r"no container engine answers at .* use another engine: --engine podman, or --engine venv,",
        ):
            choose(name, print, cache=options.cache, environ=self.nowhere(options, tmp_path))

    def test_podman_at_dockers_address_is_not_taken_for_docker(
        self, fake: FakeEngine, options: BuildOptions
    ) -> None:
        fake.component = "Podman Engine"
        with pytest.raises(EngineUnreachableError) as caught:
            choose("docker", print, cache=options.cache, environ=environ_of(fake, options))
        assert str(caught.value) == (
            f"podman answers at {fake.address}, not docker. "
            f"Use --engine podman, with CONTAINER_HOST={fake.address}."
        )

    def test_an_engine_that_does_not_exist(self) -> None:
        with pytest.raises(
            UsageError, match="there is no engine 'dokcer'; known: docker, podman, venv, wheels, here"
        ):
            choose("dokcer", print)

    def test_the_address_is_that_of_the_environment_or_of_the_current_context(self) -> None:
        assert docker_host({"DOCKER_HOST": "tcp://h:1"}) == "tcp://h:1"
        assert docker_host({}).startswith(("unix://", "tcp://", "npipe://", "ssh://"))


class TestPodman:
    @pytest.fixture
    def environ(self, fake: FakeEngine, options: BuildOptions) -> dict[str, str]:
        fake.component = "Podman Engine"
        return {"PATH": str(options.cache), "CONTAINER_HOST": fake.address}

    def start(self, environ: dict[str, str], options: BuildOptions) -> PodmanEngine:
        return PodmanEngine.start(options.cache, environ)

    def test_where_nothing_answers_it_says_how_to_start_it(
        self, options: BuildOptions, tmp_path: Path
    ) -> None:
        host = f"unix://{tmp_path}/nowhere.sock"
        with pytest.raises(EngineUnreachableError) as caught:
            self.start({"CONTAINER_HOST": host}, options)
        text = str(caught.value)
        assert text.startswith(f"no container engine answers at {host}: ")
        assert f"start podman.socket, or podman system service --time=0 {host})" in text
        assert text.endswith("name another one in CONTAINER_HOST, or use another engine.")

    def test_docker_at_its_address_is_not_taken_for_podman(
        self, fake: FakeEngine, environ: dict[str, str], options: BuildOptions
    ) -> None:
        fake.component = "Engine"
        with pytest.raises(
            EngineUnreachableError, match=r"what answers at unix://.* is not podman\. Start it"
        ):
            self.start(environ, options)

    def test_an_address_that_the_sdk_does_not_reach_is_refused(self, options: BuildOptions) -> None:
        with pytest.raises(EngineUnreachableError, match=r"begins with unix:// or tcp:// in CONTAINER_HOST"):
            self.start({"CONTAINER_HOST": "ssh://core@h:22/run/podman.sock"}, options)

    def test_its_socket_is_that_of_the_user_who_runs_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "getuid", lambda: 1000)
        assert podman_host({}) == "unix:///run/user/1000/podman/podman.sock"
        assert podman_host({"XDG_RUNTIME_DIR": "/x"}) == "unix:///x/podman/podman.sock"
        monkeypatch.setattr(os, "getuid", lambda: 0)
        assert podman_host({"XDG_RUNTIME_DIR": "/x"}) == "unix:///run/podman/podman.sock"

    def test_without_its_command_it_probes_and_says_that_it_does_not_build(
        self, environ: dict[str, str], options: BuildOptions
    ) -> None:
        engine = self.start(environ, options)
        assert (engine.capabilities.images, engine.capabilities.builds) == (True, False)
        stack = Stack.model_validate({"id": "s", "python": "3.11", "image": {"base": "ready:1"}})
        with pytest.raises(EngineError, match=r"s: podman builds by its command, and there is no podman"):
            engine.prepare(stack, None, options, print)
        engine.close()

    def test_nvidias_gpus_are_not_asked_for_where_they_would_be_left_out(
        self,
        fake: FakeEngine,
        environ: dict[str, str],
        options: BuildOptions,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        on_host(monkeypatch, HostDevices(nvidia=True))
        engine, said = self.start(environ, options), list[str]()
        stack = Stack.model_validate({"id": "s", "image": {"ready": "ready:1"}, "accelerator": "cuda"})
        target = engine.prepare(stack, None, options, said.append)
        assert target.gpus == ()
        assert target.gpus_note == (
            "this machine has a GPU, but the engine does not give it to containers: "
            "the socket of podman takes no requests for NVIDIA's GPUs"
        )
        assert said == [f"{target.gpus_note}. Use --engine venv."]
        with pytest.raises(EngineError, match=r"does not give nvidia:0 to containers: the socket of podman"):
            engine.prepare(stack, None, replace(options, gpus=("0",)), said.append)
        assert fake.asking() == []
        engine.close()
