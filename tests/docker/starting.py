"""A small image that looks like a GPU stack, and containers of it with a driver and GPUs that are made up."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import docker

DATA = Path(__file__).parents[1] / "data"
REPOSITORY = "stackcheck-test-start"
SITE = "usr/local/lib/python3.11/dist-packages"
DRIVERS = "usr/lib/x86_64-linux-gnu"
DRIVER = "550.54.15"
NODES = ("nvidia0", "nvidiactl", "nvidia-uvm")
ELF = b"\x7fELF\x02\x01\x01 stands for the driver's"
GPUS = f"driver={DRIVER};cuda=12040;gpus="
CONFIG = (
    "ENV FLAG=on\nWORKDIR /srv\nSTOPSIGNAL SIGINT\nUSER 1234:1234\n"
    'ENTRYPOINT ["/usr/bin/env", "INNER=yes"]\nCMD ["sh", "-c", "echo command $INNER"]\n'
)


def fake_nvml(folder: Path) -> bytes:
    """Return a management library that says what $FAKE_NVML tells it."""
    path = folder / "libnvidia-ml.so.1"
    source = DATA / "nvml/fake.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", path, source], check=True)
    return path.read_bytes()


def stack_files(nvml: bytes) -> dict[str, bytes | str]:
    """Return the files of the image: a torch for CUDA 12.4 with code for 8.6 and 9.0, cumm, and a driver."""
    kernels = (DATA / "gpucode/rdc.so").read_bytes()
    meta = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"
    return {
        f"{SITE}/torch/__init__.py": b"",
        f"{SITE}/torch/version.py": b"__version__ = '2.5.0+cu124'\ncuda: str = '12.4'\nhip = None\n",
        f"{SITE}/torch/lib/libtorch_cuda.so": kernels,
        f"{SITE}/torch-2.5.0+cu124.dist-info/METADATA": meta.format("torch", "2.5.0+cu124").encode(),
        f"{SITE}/cumm/__init__.py": b"",
        f"{SITE}/cumm/include/tensorview/core/all.h": b"",
        f"{SITE}/cumm_cu124-0.7.11.dist-info/METADATA": meta.format("cumm-cu124", "0.7.11").encode(),
        f"{DRIVERS}/libnvidia-ml.so.1": nvml,
        f"{DRIVERS}/libcuda.so.{DRIVER}": ELF,
        f"{DRIVERS}/libcuda.so.1": f"libcuda.so.{DRIVER}",
    }


def _below_root(files: Mapping[str, bytes | str]) -> dict[str, bytes | str]:
    return {f"root/{name}": content for name, content in files.items()}


def build(
    client: docker.DockerClient, base: str, files: Mapping[str, bytes | str], config: str, tag: str
) -> str:
    """Build an image of `base` with files (a text is a link) and a configuration; return its name."""
    made = io.BytesIO()
    text = f"FROM {base}\n{'COPY root/ /' if files else ''}\n{config}"
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in {"Dockerfile": text.encode(), **_below_root(files)}.items():
            entry = tarfile.TarInfo(name)
            entry.mode = 0o644
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    made.seek(0)
    name = f"{REPOSITORY}:{tag}"
    for event in client.api.build(
        fileobj=made, custom_context=True, tag=name, rm=True, forcerm=True, decode=True
    ):
        assert "error" not in event, event
    return name


@dataclass
class Ended:
    """How a container ended: exit code, standard output and error, what changed in its file system."""

    code: int
    out: str
    err: str
    changes: list[str]

    @property
    def causes(self) -> list[tuple[str, str, str]]:
        """The causes of a JSON line on standard error: outcome, kind, message."""
        document = json.loads(self.err.splitlines()[0])
        return [(each["outcome"], each["kind"], each["message"]) for each in document["causes"]]

    @property
    def answer(self) -> str:
        """The answer of a JSON line."""
        return str(json.loads(self.err.splitlines()[0])["answer"])


@dataclass
class Starter:
    """Starts containers of one image; device nodes stand for NVIDIA's."""

    client: docker.DockerClient
    image: str
    made: list[Any] = field(default_factory=list)

    def create(
        self, *command: str, gpus: str | None = "NVIDIA L4:8.9", fake: str = "", **options: Any
    ) -> Any:
        """Create a container on a machine with these GPUs; None is a machine without one."""
        environment = {"STACKCHECK_FORMAT": "json", "FAKE_NVML": fake or f"{GPUS}{gpus}"}
        volumes = dict(options.pop("volumes", {}))
        if gpus is not None:
            options.setdefault("devices", [f"/dev/null:/dev/{name}:rwm" for name in NODES])
        options["environment"] = environment | options.pop("environment", {})
        options.setdefault("shm_size", "128m")
        options.setdefault("network_mode", "none")
        container = self.client.containers.create(self.image, list(command), volumes=volumes, **options)
        self.made.append(container)
        return container

    def run(self, *command: str, **options: Any) -> Ended:
        """Run a container until it ends."""
        container = self.create(*command, **options)
        container.start()
        return self.end(container)

    def end(self, container: Any, seconds: int = 60) -> Ended:
        """Wait for a container, and say how it ended."""
        code = int(container.wait(timeout=seconds)["StatusCode"])
        out = container.logs(stdout=True, stderr=False).decode()
        err = container.logs(stdout=False, stderr=True).decode()
        changes = [each["Path"] for each in container.diff() or []]
        return Ended(code, out, err, changes)

    def remove(self) -> None:
        """Remove the containers."""
        for container in self.made:
            container.remove(force=True, v=True)


def say_until(container: Any, text: str, seconds: float = 20.0) -> None:
    """Wait until a container has said something."""
    end = time.monotonic() + seconds
    while text not in container.logs().decode():
        assert time.monotonic() < end, container.logs().decode()
        time.sleep(0.05)


def fresh_tag() -> str:
    """Return a tag that nobody else uses."""
    return uuid.uuid4().hex[:12]


def images_of(client: docker.DockerClient, tag: str) -> Iterator[str]:
    """Yield the names of the images of one test run."""
    for image in client.images.list(name=REPOSITORY):
        yield from (name for name in image.tags if tag in name)
