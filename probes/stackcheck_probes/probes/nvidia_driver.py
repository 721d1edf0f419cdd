"""NVIDIA's driver: the kernel module, the management library, and which libcuda a process would load."""

from __future__ import annotations

import glob
import os
import re

from stackcheck_probes.loader import ldcache
from stackcheck_probes.machine import devicenodes, files
from stackcheck_probes.machine.driverfiles import SONAME, find_libcuda, kernel_module

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

    from stackcheck_probes.facts.machine import NvidiaDriver, Nvml, StubFolder

NAME = "nvidia_driver"
GRADE = "static"

DRIVER_PACKAGES = re.compile(r"^(libnvidia-compute-|libnvidia-ml|libcuda1|nvidia-driver-libs|cuda-compat-)")


def run(params: dict[str, Any]) -> NvidiaDriver:
    """Return the facts; no driver is one of them.

    `root` puts all files below another folder, `library_path` stands for LD_LIBRARY_PATH, `nvml` for the name
    of the management library (None: not asked), `refuses` for what tells which nodes do not open.
    """
    root = params.get("root", "/")
    refuses = params.get("refuses", devicenodes.refusal)
    library_path = params.get("library_path", os.environ.get("LD_LIBRARY_PATH", ""))
    found = find_libcuda(root, library_path, ldcache.paths(root, SONAME))
    return {
        "kernel_module": kernel_module(files.text(os.path.join(root, "proc/driver/nvidia/version"))),
        "nvml": _nvml(params.get("nvml", "libnvidia-ml.so.1")),
        "device_nodes": devicenodes.nvidia(root, refuses),
        "libcuda": found,
        "stub_folders": _stub_folders(root, library_path),
        "driver_packages": _driver_packages(root),
        "uid": os.geteuid(),
        "groups": sorted({os.getegid(), *os.getgroups()}),
    }


def _nvml(soname: str | None) -> Nvml | None:
    if soname is None:
        return None
    try:
        from stackcheck_probes.machine import nvml
    except ImportError as error:  # an interpreter without ctypes
        return {"library": soname, "error": str(error)[:500], "code": 0, "devices": []}
    return nvml.read(soname)


def _stub_folders(root: str, library_path: str) -> list[StubFolder]:
    """Return the folders of toolkit stubs and of forward compatibility that the loader is told to search."""
    told = [(folder, "LD_LIBRARY_PATH") for folder in library_path.split(":")]
    for path in sorted(glob.glob(os.path.join(glob.escape(root), "etc/ld.so.conf.d/*.conf"))):
        told += [(line.strip(), path) for line in files.text(path).splitlines()]
    rows: list[StubFolder] = []
    for folder, via in told:
        kind = next((kind for kind in ("stubs", "compat") if kind in folder.split("/")), None)
        if kind:
            inside = os.path.join(root, folder.lstrip("/"))
            names = [name for name in files.names(inside) if name.startswith("libcuda.so")]
            rows.append({"path": folder, "kind": kind, "via": via, "libcuda": names})
    return rows


def _driver_packages(root: str) -> list[str]:
    """Return Debian packages of the target that bring driver libraries of their own (and should not)."""
    names = [
        name[:-5] for name in files.names(os.path.join(root, "var/lib/dpkg/info")) if name.endswith(".list")
    ]
    return [name for name in names if DRIVER_PACKAGES.match(name)]
