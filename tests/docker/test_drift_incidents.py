"""Incidents that need an image: each moves one thing of a small real image, its host or its index."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import docker
import pytest

from stackcheck import pipeline
from stackcheck.drift import baseline
from stackcheck.drift.run import DriftOptions, drift
from stackcheck.intake.stack import Stack
from stackcheck.report.jsonfile import to_json
from stackcheck.resolve.locking import Locked, lock_stack
from stackcheck.resolve.resolver import Options
from stackcheck.targets import BuildOptions
from tests.docker import starting
from tests.docker.starting import DRIVER, DRIVERS, SITE
from tests.integration.index.conftest import running
from tests.integration.index.server import make_wheel as wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from stackcheck.drift import Change
    from stackcheck.drift.report import DriftReport
    from stackcheck.model.report import Report
    from tests.integration.index.server import IndexServer

pytestmark = pytest.mark.docker

LINUX = "py3-none-manylinux2014_x86_64"
CUDART = f"{SITE}/nvidia/cuda_runtime/lib/libcudart.so.12"
EXTENSION = f"{SITE}/myext/ops.so"
NVML = "driver={};cuda={};gpus={}"


def quiet(_line: str) -> None:
    return


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with running() as index:
        index.add("main", wheel("torch", "2.5.0+cu124", tag=LINUX), wheel("myext", "1.0", tag=LINUX))
        index.add("main", wheel("other", "1.0"))
        yield index


@dataclass
class Project:
    """A stack with a lock, an image under a tag that moves, and a baseline report."""

    client: docker.DockerClient
    base: str
    folder: Path
    stack: Stack
    options: pipeline.Options
    tag: str

    def build(self, files: Mapping[str, bytes | str], config: str = "") -> None:
        """Build the tag's image; the one that had the tag before goes."""
        before = [
            image for image in self.client.images.list(name=starting.REPOSITORY) if self.name in image.tags
        ]
        starting.build(self.client, self.base, files, config, self.tag)
        for image in before:
            if image.id != self.client.images.get(self.name).id:
                self.client.images.remove(str(image.id))

    def lock(self) -> None:
        how = Options(cache=self.options.build.cache, environ=self.options.build.environ)
        assert isinstance(lock_stack(self.stack, how), Locked)

    def keep(self, report: Report) -> Report:
        """Make a report the baseline."""
        (self.folder / "reports").mkdir(exist_ok=True)
        (self.folder / "reports" / "incident.json").write_text(to_json([report]))
        return report

    def probe(self) -> Report:
        from stackcheck.inspect.environments import probe_existing  # noqa: PLC0415

        return self.keep(probe_existing("image", self.name, self.stack, self.options, quiet))

    @property
    def name(self) -> str:
        return f"{starting.REPOSITORY}:{self.tag}"

    def drift(self, **fields: Any) -> DriftReport:
        return drift(self.stack, DriftOptions(run=self.options, **fields), quiet)


@pytest.fixture
def project(
    client: docker.DockerClient, base: str, server: IndexServer, tmp_path: Path
) -> Iterator[Callable[..., Project]]:
    tag = starting.fresh_tag()
    (tmp_path / "matrices").mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
    }
    build = BuildOptions(cache=tmp_path / "cache", environ=environ, network="host")

    def make(**fields: Any) -> Project:
        row = {
            "id": "incident",
            "python": "3.11",
            "platform": "linux/amd64",
            "glibc": "2.36",
            "accelerator": "cuda",
            "packages": {"torch": "2.5.0+cu124", "myext": "1.0"},
            "index": {"url": server.simple("main")},
            "image": {"ready": f"{starting.REPOSITORY}:{tag}"},
            **fields,
            "file": str(tmp_path / "matrices" / "incident.toml"),
        }
        options = pipeline.Options(engine="docker", build=build)
        made = Project(client, base, tmp_path, Stack.model_validate(row), options, tag)
        made.lock()
        return made

    yield make
    for name in list(starting.images_of(client, tag)):
        client.images.remove(name, force=True)
    for image in client.images.list(name="stackcheck/incident"):
        client.images.remove(str(image.id), force=True)


def compiled(folder: Path, soname: str, needs: str = "") -> bytes:
    """Return a shared library of that name, linked against one of the other name."""
    folder.mkdir(exist_ok=True)
    made = folder / soname
    command = ["gcc", "-shared", "-nostdlib", "-fPIC", f"-Wl,-soname,{soname}", "-o", str(made)]
    source = folder / "source.c"
    source.write_text(f"int stackcheck_{len(soname)}(void) {{ return 0; }}\n")
    if needs:
        compiled(folder, needs)
        command += [
            "-Wl,--no-as-needed",
            str(folder / needs),
            "-Wl,-rpath,$ORIGIN/../nvidia/cuda_runtime/lib",
        ]
    subprocess.run([*command, str(source)], check=True)
    return made.read_bytes()


def torch_files(cuda: str = "'12.4'") -> dict[str, bytes | str]:
    version = f"__version__ = '2.5.0+cu124'\ncuda: str = {cuda}\nhip = None\n"
    meta = "Metadata-Version: 2.1\nName: torch\nVersion: 2.5.0+cu124\n"
    return {
        f"{SITE}/torch/__init__.py": b"",
        f"{SITE}/torch/version.py": version.encode(),
        f"{SITE}/torch-2.5.0+cu124.dist-info/METADATA": meta.encode(),
    }


def of(report: DriftReport, area: str) -> list[Change]:
    return [change for change in report.changes if change.area == area]


def test_a_tag_whose_content_is_a_cpu_torch(project: Callable[..., Project]) -> None:
    made = project()
    made.build(torch_files())
    made.probe()
    quiet_one = made.drift(probe=made.name)
    assert quiet_one.changes == ()
    assert quiet_one.exit_code() == 0
    first = made.drift(accept="the image of the release")
    assert first.changes == ()
    made.build(torch_files("None"))
    report = made.drift(probe=made.name)
    (change,) = of(report, "torch")
    assert (change.before, change.after, change.rank) == ("12.4", "none", "breaks-running")
    assert change.what == "torch is now a CPU build"
    (moved,) = of(report, "base")
    assert (moved.where, moved.aspect, moved.what) == (
        made.name, "id", "the base image on this machine is another one",
    )  # fmt: skip
    assert report.exit_code() == 1


def test_a_wrong_libcudart_inside_an_extension(project: Callable[..., Project], tmp_path: Path) -> None:
    """An image was published twice with an extension built for another CUDA runtime."""
    made = project()
    runtime = compiled(tmp_path / "right", "libcudart.so.12")
    right = compiled(tmp_path / "right", "ops.so", needs="libcudart.so.12")
    wrong = compiled(tmp_path / "wrong", "ops.so", needs="libcudart.so.11.0")
    made.build({**torch_files(), CUDART: runtime, EXTENSION: right})
    made.probe()
    assert made.drift(probe=made.name).changes == ()
    made.build({**torch_files(), CUDART: runtime, EXTENSION: wrong})
    report = made.drift(probe=made.name)
    (change,) = of(report, "missing")
    assert change.where == "myext/ops.so needs libcudart.so.11.0"
    assert change.what == "a library needs one that is not in the image"
    assert change.note == "there is: libcudart.so.12"
    assert change.rank == "breaks-running"
    assert ("LOAD301", "FAIL") in {(c.where, c.after) for c in of(report, "target")}
    assert report.exit_code() == 1


@pytest.fixture
def this_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a driver and GPUs that are made up into this machine."""
    folder = tmp_path / "driver"
    folder.mkdir()
    starting.fake_nvml(folder)

    def put(says: str) -> None:
        monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
        monkeypatch.setenv("FAKE_NVML", says)

    return put


@pytest.fixture
def driver_files(tmp_path: Path) -> dict[str, bytes | str]:
    folder = tmp_path / "inside"
    folder.mkdir()
    files = starting.stack_files(starting.fake_nvml(folder))
    return {name: content for name, content in files.items() if DRIVERS in name} | torch_files()


def test_an_image_on_an_old_driver(
    project: Callable[..., Project], this_host: Callable[[str], None], driver_files: dict[str, bytes | str]
) -> None:
    made = project(driver=">=550.54.15")
    then = NVML.format(DRIVER, 12040, "NVIDIA L4:8.9")
    made.build(driver_files, f'ENV FAKE_NVML="{then}"')
    made.probe()
    this_host(then)
    assert made.drift().changes == ()
    this_host(NVML.format("535.54.03", 12020, "NVIDIA L4:8.9"))
    report = made.drift()
    (moved,) = of(report, "host")
    assert (moved.before, moved.after, moved.rank) == (DRIVER, "535.54.03", "changes-behaviour")
    judged = {change.where: change for change in of(report, "target")}
    assert (judged["DRIVER302"].after, judged["DRIVER302"].rank) == ("FAIL", "breaks-running")
    assert judged["DRIVER302"].note == "the driver is 535.54.03, the stack states >=550.54.15."
    assert report.exit_code() == 1


def test_compat_libcuda_on_a_consumer_gpu(
    project: Callable[..., Project], this_host: Callable[[str], None], driver_files: dict[str, bytes | str]
) -> None:
    made = project()
    then = NVML.format(DRIVER, 12040, "NVIDIA A100-SXM4-80GB:8.0")
    compat: dict[str, bytes | str] = {
        "usr/local/cuda/compat/libcuda.so.560.35.03": b"\x7fELF\x02 stands for forward compatibility",
        "usr/local/cuda/compat/libcuda.so.1": "libcuda.so.560.35.03",
    }
    made.build({**driver_files, **compat}, f'ENV FAKE_NVML="{then}" LD_LIBRARY_PATH=/usr/local/cuda/compat\n')
    made.probe()
    this_host(then)
    assert made.drift().changes == ()
    this_host(NVML.format(DRIVER, 12040, "NVIDIA GeForce RTX 4090:8.9"))
    report = made.drift()
    (gpu,) = of(report, "gpu")
    assert (gpu.before, gpu.after) == (
        "NVIDIA A100-SXM4-80GB (8.0)", "NVIDIA GeForce RTX 4090 (8.9)",
    )  # fmt: skip
    judged = {change.where: change for change in of(report, "target")}
    assert (judged["DRIVER301"].before, judged["DRIVER301"].after) == ("WARN", "FAIL")
    assert "error 804" in judged["DRIVER301"].note
    assert report.exit_code() == 1


def test_a_stale_layer_cache_that_hid_an_uninstallable_pin(
    project: Callable[..., Project], server: IndexServer, base: str
) -> None:
    made = project(accelerator="cpu", image={"base": base}, packages={"myext": "1.0", "other": "1.0"})
    report = made.keep(pipeline.verify(made.stack, made.options, quiet))
    assert report.subject.kind == "image"
    assert report.exit_code() == 0
    server.indexes["main"] = [u for u in server.indexes["main"] if u.project != "myext"]
    said: list[str] = []
    target = pipeline.build(made.stack, made.options, said.append)
    assert (target.id, target.built) == (report.subject.digest, False)
    assert any(line.startswith("nothing to build") for line in said)
    found = made.drift()
    (gone,) = of(found, "file")
    assert (gone.where, gone.after) == ("myext-1.0-py3-none-manylinux2014_x86_64.whl", "page gone")
    assert gone.rank == "breaks-next-build"
    (unresolved,) = of(found, "resolution")
    assert unresolved.after == "no"
    assert found.exit_code() == 1


def test_a_rebuild_from_the_lock_is_the_same_image_and_another_wheel_is_seen(
    project: Callable[..., Project], server: IndexServer, base: str
) -> None:
    made = project(accelerator="cpu", image={"base": base}, packages={"myext": "1.0"})
    first = made.keep(pipeline.verify(made.stack, made.options, quiet))
    beside = made.drift(probe=first.subject.name)
    assert beside.changes == ()
    assert beside.compared["claim"] == made.drift().compared["claim"] > 0
    same = made.drift(rebuild=True)
    assert made.client.images.list(filters={"label": "stackcheck.stack=incident", "dangling": True}) == []
    with pytest.raises(docker.errors.ImageNotFound):
        made.client.images.get(first.subject.digest)
    assert same.changes == ()
    assert same.compared["package"] > 0
    assert same.compared["image"] == 1
    server.faults["/main/files/myext"] = lambda handler: handler.answer(503)
    broken = made.drift(rebuild=True)
    (change,) = of(broken, "image")
    assert (change.after, change.what) == ("no", "the stack no longer builds")
    assert broken.exit_code() == 1


class Registry(http.server.BaseHTTPRequestHandler):
    """A registry with one image of one manifest, as the engine asks for it (HTTP on 127.0.0.1 is allowed)."""

    layer = b"one"

    def do_GET(self) -> None:
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": 2,
                "digest": f"sha256:{hashlib.sha256(b'{}').hexdigest()}",
            },
            "layers": [
                {
                    "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                    "size": len(self.layer),
                    "digest": f"sha256:{hashlib.sha256(self.layer).hexdigest()}",
                }
            ],
        }
        ours = "/manifests/" in self.path
        body = json.dumps(manifest if ours else {}).encode()
        if "/blobs/" in self.path:
            body = b'{"os": "linux", "architecture": "amd64"}'
        self.send_response(200)
        self.send_header("Content-Type", str(manifest["mediaType"]) if ours else "application/json")
        self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(body).hexdigest()}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that the base class looks for

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def registry() -> Iterator[tuple[str, type[Registry]]]:
    handler = type("OneRegistry", (Registry,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        made.daemon_threads = True
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{made.server_port}", handler
        made.shutdown()
        thread.join()


def test_a_base_whose_tag_moves_in_its_registry(
    project: Callable[..., Project], registry: tuple[str, type[Registry]]
) -> None:
    host, handler = registry
    base = f"{host}/stackcheck/base:latest"
    made = project(image={"base": base})
    first = made.drift(accept="the base of the release")
    assert baseline.NOWHERE in {gap.reason for gap in first.unchecked if gap.area == "base"}
    assert of(made.drift(), "base") == []
    handler.layer = b"two"
    (change,) = of(made.drift(), "base")
    assert (change.where, change.aspect, change.rank) == (base, "digest", "changes-behaviour")
    assert change.what == "the base image's tag moved in its registry"
    assert str(change.before).startswith("sha256:")
    assert change.before != change.after


def test_a_registry_that_is_not_reached_is_said(project: Callable[..., Project]) -> None:
    made = project(image={"base": "127.0.0.1:9/stackcheck/base:latest"})
    report = made.drift()
    assert of(report, "base") == []
    assert report.exit_code() == 0
    reasons = {gap.aspect: gap.reason for gap in report.unchecked if gap.area == "base" and gap.subject}
    assert reasons["id"] == "127.0.0.1:9/stackcheck/base:latest is not on this machine"
    assert reasons["digest"].startswith(
        "the registry of 127.0.0.1:9/stackcheck/base:latest was not reached: "
    )
    offline = replace(made, options=replace(made.options, offline=True)).drift()
    assert "the registry was not asked (--offline)" in {gap.reason for gap in offline.unchecked}


def test_a_cached_verify_runs_the_probes_once(project: Callable[..., Project], base: str) -> None:
    made = project(accelerator="cpu", image={"base": base}, packages={"myext": "1.0"})
    how = replace(made.options, cached=True)
    said: list[str] = []
    first = pipeline.verify(made.stack, how, said.append)
    again = pipeline.verify(made.stack, how, said.append)
    assert first.observation is not None
    assert again.observation is not None
    assert "reused" not in first.observation
    assert "reused" in again.observation
    assert again.subject.digest == first.subject.digest
    assert any(line.startswith("reusing what the probes saw of sha256:") for line in said)
    assert [(v.code, v.outcome) for v in again.verdicts] == [(v.code, v.outcome) for v in first.verdicts]
    other = Stack.model_validate({**made.stack.model_dump(exclude={"gpus"}), "arch_list": ("8.9",)})
    assert "reused" not in (pipeline.verify(other, how, quiet).observation or {})
