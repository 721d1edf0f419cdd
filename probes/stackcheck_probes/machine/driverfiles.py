"""The files of NVIDIA's driver: the kernel module's version, and which libcuda a process would load.

Apart from the probe, and without `re` (8 ms), because this runs whenever a container starts.
"""

from __future__ import annotations

import os

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
    (ld.so(8)).
    """
    places = [(folder, "LD_LIBRARY_PATH") for folder in library_path.split(":") if folder]
    places += [(os.path.dirname(path), "ld.so.cache") for path in cached]
    places += [(os.path.join("/", folder), "default") for folder in DEFAULT_FOLDERS]
    rows: dict[str, Libcuda] = {}
    for folder, via in places:
        path = os.path.join(root, folder.lstrip("/"), SONAME)
        if not os.path.exists(path):
            continue
        real = os.path.realpath(path)
        if real not in rows:
            rows[real] = {
                "path": path,
                "file": real,
                "version": _version_of(real),
                "via": via,
                "stub": "stubs" in real.split(os.sep),
                "compat": "compat" in real.split(os.sep) or "compat" in path.split(os.sep),
            }
    return list(rows.values())


def _version_of(path: str) -> str | None:
    """Return the driver version at the end of a file's name: libcuda.so.550.54.15; None for libcuda.so.1."""
    version = path.rpartition(".so.")[2] if ".so." in path else ""
    parts = version.split(".")
    known = len(parts) > 1 and len(parts[0]) >= 3 and all(part.isdecimal() for part in parts)
    return version if known else None
