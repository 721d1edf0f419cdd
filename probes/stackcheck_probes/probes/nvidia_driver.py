"""NVIDIA's driver: the kernel module, the management library, and which libcuda a process would load."""

from __future__ import annotations

import glob
import os
import re

from stackcheck_probes.machine import files
from stackcheck_probes.machine.driverfiles import find_libcuda, kernel_module
from stackcheck_probes.machine.running import first_output

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

    from stackcheck_probes.facts.machine import DeviceNode, NvidiaDriver, Nvml, StubFolder

NAME = "nvidia_driver"
GRADE = "static"

DEVICES = ("dev/nvidia[0-9]*", "dev/nvidiactl", "dev/nvidia-uvm", "dev/nvidia-caps/*", "dev/dxg")
DRIVER_PACKAGES = re.compile(r"^(libnvidia-compute-|libnvidia-ml|libcuda1|nvidia-driver-libs|cuda-compat-)")
_CACHED = re.compile(r"^\s*libcuda\.so\.1 \([^)]*\) => (\S+)", re.MULTILINE)


def run(params: dict[str, Any]) -> NvidiaDriver:
    """Return the facts; no driver is one of them.

    `root` puts all files below another folder, `library_path` stands for LD_LIBRARY_PATH, `cache` for the
    output of `ldconfig -p`, `nvml` for the name of the management library (None: not asked).
    """
    root = params.get("root", "/")
    library_path = params.get("library_path", os.environ.get("LD_LIBRARY_PATH", ""))
    cache = params["cache"] if "cache" in params else first_output(["/sbin/ldconfig", "-p"]) or ""
    found = find_libcuda(root, library_path, _CACHED.findall(cache))
    return {
        "kernel_module": kernel_module(files.text(os.path.join(root, "proc/driver/nvidia/version"))),
        "nvml": _nvml(params.get("nvml", "libnvidia-ml.so.1")),
        "device_nodes": [_node(path) for path in _device_nodes(root)],
        "libcuda": found,
        "stub_folders": _stub_folders(root, library_path),
        "driver_packages": _driver_packages(root),
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


def _device_nodes(root: str) -> list[str]:
    return sorted(path for each in DEVICES for path in glob.glob(os.path.join(glob.escape(root), each)))


def _node(path: str) -> DeviceNode:
    return {"path": path, "accessible": os.access(path, os.R_OK | os.W_OK)}


def _driver_packages(root: str) -> list[str]:
    """Return Debian packages of the target that bring driver libraries of their own (and should not)."""
    names = [
        name[:-5] for name in files.names(os.path.join(root, "var/lib/dpkg/info")) if name.endswith(".list")
    ]
    return [name for name in names if DRIVER_PACKAGES.match(name)]
