"""What a node of the fleet really has, measured on it, never taken from its labels."""

from __future__ import annotations

import os
import platform
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcheck import __version__
from stackcheck.model.errors import EngineError, ProbeError
from stackcheck.model.escape import one_line
from stackcheck.model.facts import Missing
from stackcheck.storage.folders import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.probing.observation import Observation

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "AMD64": "amd64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One machine that takes tasks.

    `gpu` is the product as the driver names it, "" where there is none, and `capability` its compute
    capability ("8.9"); `count` is how many of it there are, `slots` how many tasks with a GPU it takes at
    once. `platform` is "linux/amd64"; `disk_free_bytes` what is free where stackcheck keeps its own files.
    One with a `problem` takes no task, one with a `note` takes none that needs a GPU.
    """

    id: str
    name: str
    gpu: str = ""
    capability: str = ""
    count: int = 0
    slots: int = 0
    driver: str = ""
    platform: str = ""
    docker: bool = False
    disk_free_bytes: int = 0
    cpus: float = 0
    version: str = __version__
    swept: int = 0
    """How much of killed runs was removed when it was looked at."""
    problem: str = ""
    note: str = ""

    @property
    def gives_gpu(self) -> bool:
        """Tell whether tasks get a GPU on it."""
        return bool(self.gpu and self.slots and not self.problem and not self.note)


def look() -> dict[str, Any]:
    """Look at the machine that this runs on, swept of what killed runs left; return fields of a Node."""
    from stackcheck.targets.here import observe_host  # noqa: PLC0415 - nodes are values
    from stackcheck.targets.process.temp_dirs import sweep_temp_folders  # noqa: PLC0415

    cache = cache_folder(os.environ)
    swept = sweep_temp_folders(cache)
    docker, more = _docker(cache)
    found: dict[str, Any] = {
        "platform": f"{platform.system().lower()}/{_architecture()}",
        "docker": docker,
        "disk_free_bytes": free_bytes(cache),
        "version": __version__,
        "swept": swept + more,
    }
    try:
        return found | gpus_of(observe_host(cache))
    except (EngineError, ProbeError) as error:
        return found | {"problem": f"it could not be looked at: {one_line(error, 300)}"}


def gpus_of(seen: Observation) -> dict[str, Any]:
    """Return the fields of a Node that an observation of its driver states."""
    facts = seen.facts("nvidia_driver")
    nvml = None if isinstance(facts, Missing) else facts.get("nvml")
    devices = (nvml or {}).get("devices") or []
    if not nvml or not devices:
        return {}
    names = sorted({(str(each.get("name", "")), str(each.get("capability") or "")) for each in devices})
    found = {"count": len(devices), "driver": str(nvml.get("driver") or "")}
    if len(names) > 1:
        told = ", ".join(one_line(name, 60) for name, _ in names)
        return found | {"note": f"its GPUs are of several kinds ({told}); give Ray a node for each kind"}
    return found | {"gpu": one_line(names[0][0], 80), "capability": names[0][1]}


def free_bytes(folder: Path) -> int:
    """Return what is free where a folder is, or would be made."""
    place = next((each for each in (folder, *folder.parents) if each.is_dir()), folder)
    with suppress(OSError):
        return shutil.disk_usage(place).free
    return 0


def _architecture() -> str:
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def _docker(cache: Path) -> tuple[bool, int]:
    """Tell whether the docker engine answers; it sweeps what killed runs left in it when it starts."""
    from stackcheck.targets.registry import engine_class  # noqa: PLC0415 - imports the docker client

    try:
        engine = engine_class("docker").start(cache, os.environ)
    except EngineError:
        return False, 0
    engine.close()
    return True, engine.swept
