"""The files of NVIDIA's driver: the kernel module's version, and which libcuda a process would load.

Apart from the probe, and without `re` (8 ms), because this runs whenever a container starts.
"""

from __future__ import annotations

import os
import sys

from stackcheck_probes.machine import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck_probes.facts.machine import KernelModule, Libcuda

SONAME = "libcuda.so.1"
DEFAULT_FOLDERS = (
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "lib64",
    "usr/lib64",
    "usr/lib/wsl/lib",
    "lib",
    "usr/lib",
)
ELSEWHERE = (
    "usr/local/nvidia/lib64",
    "usr/local/nvidia/lib",
    ".singularity.d/libs",
    "run/opengl-driver/lib",
    "usr/lib64/nvidia",
    "usr/lib/nvidia",
    "usr/lib/x86_64-linux-gnu/nvidia/current",
    "usr/lib/aarch64-linux-gnu/nvidia",
    "usr/lib/aarch64-linux-gnu/tegra",
    "home/kubernetes/bin/nvidia/lib64",
    "opt/nvidia/lib64",
)
"""Where runtimes put the driver's libraries although no loader looks there by itself: GKE and its likes,
Apptainer, NixOS, distributions, Jetson."""
STUB_BYTES = 1 << 20
"""A driver's libcuda has tens of megabytes; the toolkit's stub has some 0.1, as has the one of WSL, which
stands before the driver in Windows (141,464 bytes: microsoft/WSL issue 8587)."""
_MODULE = "Kernel Module"


def kernel_module(text: str) -> KernelModule | None:
    """Return version and kind of the loaded module from /proc/driver/nvidia/version; None when not loaded."""
    if not text.strip():
        return None
    for line in text.splitlines():
        if line.startswith("NVRM version:") and _MODULE in line:
            words = line.partition(_MODULE)[2].split()
            version = next((word for word in words if _is_version(word)), None)
            if version:
                return {"version": version, "open": "Open Kernel Module" in line}
    return {"version": None, "open": None}


def _is_version(word: str) -> bool:
    parts = word.split(".")
    return 2 <= len(parts) <= 3 and all(part.isdecimal() for part in parts)


def find_libcuda(root: str, library_path: str, cached: Iterable[str]) -> list[Libcuda]:
    """Return every libcuda.so.1 in the order in which the loader would take them; the first one is loaded.

    Order: LD_LIBRARY_PATH, the cache of ldconfig (`cached`: the paths that it has), the default folders
    (ld.so(8)). A library of 32 bits is passed over, as the loader does.
    """
    places = [(folder, "LD_LIBRARY_PATH") for folder in library_path.replace(";", ":").split(":") if folder]
    places += [(os.path.dirname(path), "ld.so.cache") for path in cached]
    places += [(os.path.join("/", folder), "default") for folder in DEFAULT_FOLDERS]
    wsl = os.path.exists(os.path.join(root, "dev/dxg"))
    rows: dict[str, Libcuda] = {}
    for folder, via in places:
        path = os.path.join(root, folder.lstrip("/"), SONAME)
        real = os.path.realpath(path)
        if real not in rows and os.path.isfile(path):
            row = _libcuda(path, real, via, wsl)
            if row is not None:
                rows[real] = row
    return list(rows.values())


def _libcuda(path: str, real: str, via: str, wsl: bool) -> Libcuda | None:
    header, size = b"", 0
    try:
        with open(path, "rb") as file:
            header, size = file.read(5), os.fstat(file.fileno()).st_size
    except OSError:
        pass
    if header == b"\x7fELF\x01" and sys.maxsize > 1 << 32:
        return None
    version, elf = _version_of(real), header.startswith(b"\x7fELF")
    small = elf and version is None and size < STUB_BYTES and not wsl
    return {
        "path": path,
        "file": real,
        "version": version,
        "via": via,
        "stub": "stubs" in real.split(os.sep) or small,
        "compat": _is_compat(path) or _is_compat(real) or _has_files_of_compat(path, via),
        "elf": elf,
        "size": size,
    }


def _is_compat(path: str) -> bool:
    """Tell whether a folder is named as forward compatibility is: compat, cuda-compat, cuda-compat-12-4."""
    return any("compat" in part.replace("_", "-").split("-") for part in path.split(os.sep)[:-1])


def _has_files_of_compat(path: str, via: str) -> bool:
    """Tell whether a libcuda comes with the PTX compiler and without NVML, as cuda-compat packages have it.

    The runtime may leave NVML out of a default folder (capabilities=compute), so these say nothing.
    """
    if via == "default":
        return False
    beside = files.names(os.path.dirname(path))
    found = any(name.startswith("libnvidia-ptxjitcompiler.so") for name in beside)
    return found and not any(name.startswith("libnvidia-ml.so") for name in beside)


def elsewhere(root: str) -> list[str]:
    """Return known folders that hold a libcuda although the loader does not look there."""
    return [
        "/" + folder
        for folder in ELSEWHERE
        if any(name.startswith("libcuda.so.") for name in files.names(os.path.join(root, folder)))
    ]


def _version_of(path: str) -> str | None:
    """Return the driver version at the end of a file's name: libcuda.so.550.54.15; None for libcuda.so.1."""
    version = path.rpartition(".so.")[2] if ".so." in path else ""
    parts = version.split(".")
    known = len(parts) > 1 and len(parts[0]) >= 3 and all(part.isdecimal() for part in parts)
    return version if known else None
