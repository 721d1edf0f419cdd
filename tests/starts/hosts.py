"""Hosts that are made up: what a container would see of a machine, as data, and laid out below a folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck_probes.probes.stamps import stamp
from tests.unit.probes.start_facts import EXPECTED

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = Path(__file__).parents[1] / "data"
DRIVERS = "usr/lib/x86_64-linux-gnu"
DRIVER = "550.54.15"
NODES = ("nvidia0", "nvidiactl", "nvidia-uvm")
REAL_BYTES = 2 << 20
"""What a library of the driver is padded to: real ones have tens of megabytes, the toolkit's stub has 0.1."""


@dataclass(frozen=True, slots=True)
class Libcuda:
    """A libcuda.so.1 in a folder: `version` at the end of the file's name, "" for a file of that very name.

    what: "driver", "stub" (small), "empty", "32-bit"; `beside`: names of further libraries there.
    """

    folder: str = DRIVERS
    version: str = DRIVER
    what: str = "driver"
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kfd:
    """A node of AMD's topology: number, gfx_target_version (0 is a CPU), render minor, unique id."""

    node: int
    version: int
    minor: int = 0
    unique: int = 0


@dataclass(frozen=True, slots=True)
class Host:
    """A machine as a container sees it; by default a good one with an L4.

    nvml: what the management library is told ("" : no such library; "broken": a file that is none); module:
    the kernel module's version, "" for none; refused: node -> name of the error that opening it gives.
    """

    nodes: tuple[str, ...] = NODES
    folders: tuple[str, ...] = ()
    modes: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    user: int = 0
    module: str = DRIVER
    nvml: str = f"driver={DRIVER};cuda=12040;gpus=NVIDIA L4:8.9"
    named: tuple[str, ...] = ("NVIDIA L4",)
    libcuda: tuple[Libcuda, ...] = (Libcuda(),)
    cached: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    kfd: tuple[Kfd, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One start: a host, the environment, and what must be answered.

    cause, says, fix: kind, a part of the message, a part of the hint of one cause. never: texts that no hint
    may have. note: a part of a note or warning that a healthy start must carry; any other warning is false.
    stack: changes of the expectation. cannot: why no check at the start can judge it, "" where it can.
    """

    id: str
    kind: str
    source: str
    answer: str
    cause: str = ""
    says: str = ""
    fix: str = ""
    never: tuple[str, ...] = ()
    note: str = ""
    host: Host = Host()
    environ: Mapping[str, str] = field(default_factory=dict)
    stack: Mapping[str, Any] = field(default_factory=dict)
    seconds: str = "5"
    cannot: str = ""


@dataclass(frozen=True, slots=True)
class Tools:
    """What gcc made once: the management library, and a library with the soname of libcuda."""

    nvml: Path
    libcuda: Path


def make_tools(folder: Path) -> Tools:
    """Compile the two libraries."""
    nvml, libcuda = folder / "libnvidia-ml.so.1", folder / "libcuda.so"
    flags = ["gcc", "-shared", "-fPIC", "-O1", "-w"]
    subprocess.run([*flags, "-o", nvml, DATA / "nvml/fake.c"], check=True)
    stub: list[str | Path] = [*flags, "-nostdlib", "-Wl,-soname,libcuda.so.1", "-x", "c", "-", "-o", libcuda]
    subprocess.run(stub, input=b"int cuInit(unsigned f) { return 34; }", check=True)
    return Tools(nvml, libcuda)


def lay_out(case: Case, folder: Path, tools: Tools, site: str = "") -> dict[str, Any]:
    """Make the host of a case below a folder, and return the expectation of its stack.

    site: where the folder of packages will lie when it is not where it is made.
    """
    host = case.host
    write(folder / "dev/shm/.keep")
    for name in host.nodes:
        write(folder / "dev" / name)
        (folder / "dev" / name).chmod(host.modes.get(name, 0o666))
    for name in host.folders:
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name).chmod(0o755)
    if host.module:
        line = f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {host.module}  x\n"
        write(folder / "proc/driver/nvidia/version", line)
    for number, name in enumerate(host.named if host.module else ()):
        text = f"Model: \t {name}\nGPU UUID: \t GPU-{number + 1}\n"
        write(folder / f"proc/driver/nvidia/gpus/0000:0{number}:00.0/information", text)
    for each in host.libcuda:
        _libcuda(folder, each, tools)
    if host.nvml:
        source = tools.nvml.read_bytes() if host.nvml != "broken" else b""
        write(folder / DRIVERS / "libnvidia-ml.so.1", source)
    for node in host.kfd:
        text = f"simd_count 8\ngfx_target_version {node.version}\ndrm_render_minor {node.minor}\n"
        place = f"sys/class/kfd/kfd/topology/nodes/{node.node}/properties"
        write(folder / place, f"{text}unique_id {node.unique}\n")
    for name, text in host.files.items():
        write(folder / name, text)
    if host.cached:
        write(folder / "etc/ld.so.conf", "\n".join(host.cached) + "\n")
        subprocess.run(["/sbin/ldconfig", "-r", folder], check=True, capture_output=True)
    return _stack(case, folder / "site-packages", site or str(folder / "site-packages"))


def can_write_caches() -> bool:
    """Tell whether ldconfig can write the cache of another root, which root alone may."""
    return os.geteuid() == 0 and Path("/sbin/ldconfig").exists()


def _libcuda(folder: Path, each: Libcuda, tools: Tools) -> None:
    place = folder / each.folder / (f"libcuda.so.{each.version}" if each.version else "libcuda.so.1")
    content = b"" if each.what == "empty" else tools.libcuda.read_bytes()
    if each.what == "32-bit":
        content = content[:4] + b"\x01" + content[5:]
    write(place, content)
    if each.what in {"driver", "32-bit"}:
        with place.open("r+b") as file:
            file.truncate(REAL_BYTES)
    if each.version:
        (place.parent / "libcuda.so.1").symlink_to(place.name)
    for name in each.beside:
        write(place.parent / name)


def _stack(case: Case, folder: Path, site: str) -> dict[str, Any]:
    """Lay out the folder of packages, and return what is expected of it."""
    document = {**EXPECTED, "site": [site], "env": {}, "headers": False, "gpus": [], **case.stack}
    torch = {"__version__": "2.5.0+cu124", "cuda": "12.4", "hip": None}
    name = "libtorch_cuda.so"
    if document["accelerator"] == "rocm":
        torch, name = {"__version__": "2.5.0+rocm6.2", "cuda": None, "hip": "6.2"}, "libtorch_hip.so"
        document["cuda"] = None
    stated = "".join(f"{key} = {value!r}\n" for key, value in torch.items())
    write(folder / "torch/version.py", stated)
    write(folder / f"torch/lib/{name}", "stands for a library")
    metadata = f"torch-{torch['__version__']}.dist-info"
    write(folder / metadata / "METADATA")
    found = stamp(str(folder / f"torch/lib/{name}"))
    assert found is not None
    document["torch"] = {"path": f"{site}/torch", **torch}
    document["own"] = ["torch"]
    document["packages"] = [["torch", torch["__version__"], metadata, site]]
    document["libraries"] = [[f"torch/lib/{name}", *found, 0]]
    document["codes"] = case.stack.get("codes", EXPECTED["codes"])[:1]
    write(folder.parent / "expectation.json", json.dumps(document))
    return document


def write(path: Path, content: str | bytes = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def differences(case: Case, document: Mapping[str, Any]) -> list[str]:
    """Return how an answer differs from what a case expects: "missed", "false alarm", "cause", "fix", ..."""
    causes = document["causes"]
    if document["answer"] != case.answer:
        word = (
            "missed"
            if document["answer"] == "healthy"
            else "false alarm"
            if case.answer == "healthy"
            else "answer"
        )
        return [f"{word}: {document['answer']}, not {case.answer}: {_texts(causes)}"]
    found = []
    hints = " ".join(each["hint"] for each in causes)
    found += [f"fix: {text!r} is advised: {hints}" for text in case.never if text in hints]
    if case.answer == "healthy":
        loud = [
            each
            for each in causes
            if each["outcome"] == "WARN" and not (case.note and case.note in each["message"])
        ]
        found += [f"false alarm: {_texts(loud)}"] if loud else []
        if case.note and not any(case.note in each["message"] for each in causes):
            found.append(f"note: {case.note!r} is not said: {_texts(causes)}")
        return found
    fitting = [each for each in causes if each["kind"] == case.cause and case.says in each["message"]]
    if not fitting:
        return [*found, f"cause: {case.cause}: {case.says!r} is not said: {_texts(causes)}"]
    if not any(case.fix in each["hint"] for each in fitting):
        found.append(f"fix: {case.fix!r} is not advised: {[each['hint'] for each in fitting]}")
    if [each["kind"] for each in causes if each["outcome"] in {"FAIL", "ERROR"}][:1] != [case.cause]:
        found.append(f"cause: {case.cause} does not come first: {_texts(causes)}")
    return found


def _texts(causes: list[Mapping[str, Any]]) -> list[str]:
    return [f"{each['outcome']} {each['kind']}: {each['message']}" for each in causes]


def fresh(path: Path) -> Path:
    """Return an empty folder that everybody may enter."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    path.chmod(0o755)
    return path
