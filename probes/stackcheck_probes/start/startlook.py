"""Look at what a container really is when it starts: versions, files, driver, GPUs. Facts, no judgement.

Quick by what it leaves out: a library that has the stamp of the expectation is not read again, and no code of
the stack is loaded. What differs is read anew by the same readers as always.
"""

from __future__ import annotations

import os

from stackcheck_probes.loader import ldcache
from stackcheck_probes.machine import (
    devicenodes,
    driverfiles,
    files,
    sharedmemory,
    surroundings,
    torchfile,
)
from stackcheck_probes.probes.stamps import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from stackcheck_probes.facts.binaries import Loading
    from stackcheck_probes.facts.machine import DriverAtStart, NamedGpu, Nvml, RocmHost


MAX_FOLDERS = 64
NVML = "libnvidia-ml.so.1"


class Host:
    """Where to look: `root` puts the system's files below another folder, `nvml` names the library.

    refuses: path of a node -> the error number that opening it gives, 0 for none. doing: told before a step
    that the driver can stop. command: what will be started.
    """

    def __init__(
        self,
        root: str = "/",
        nvml: str = NVML,
        refuses: Callable[[str], int] = devicenodes.refusal,
        doing: Callable[[str], None] = lambda _step: None,
        command: Sequence[str] = (),
    ) -> None:
        self.command = command
        self.root = root
        self.nvml = nvml
        self.refuses = refuses
        self.doing = doing


def look(expectation: Mapping[str, Any], environ: Mapping[str, str], host: Host) -> dict[str, Any]:
    """Return the facts of what a container is."""
    accelerator = expectation["accelerator"]
    seen = look_at_files(expectation, environ)
    seen["metadata"] = {site: _metadata(site) for site in expectation["site"]}
    seen["torch"] = _torch(expectation["torch"])
    seen["torches"] = _other_torches(expectation, environ)
    seen["environ"] = {name: environ[name] for name in _names(expectation) if name in environ}
    seen["by"] = surroundings.find(host.root, environ)
    seen["shm"] = sharedmemory.look(os.path.join(host.root, "dev/shm"))
    seen["headers"] = _headers(expectation, environ)
    seen["driver"] = _driver(host, environ) if accelerator == "cuda" else None
    seen["rocm"] = _rocm(host, environ) if accelerator == "rocm" else None
    seen["starts"] = _python_of(host.command, environ)
    seen["wsl"] = os.path.exists(os.path.join(host.root, "dev/dxg"))
    return seen


def look_at_files(expectation: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Hold every library against its stamp, and read what is not as it was.

    `changed`, `new`: the facts of GPU code by path; `gone`: paths. `loading`: the facts of the probe, when
    something makes them other than at baking, else None; `reasons` say what.
    """
    library_path = environ.get("LD_LIBRARY_PATH", "")
    again = bool(environ.get("STACKCHECK_READ") == "again")
    recorded = {place(row[0], expectation): row for row in expectation["libraries"]}
    changed: list[str] = []
    gone: list[str] = []
    for path, row in recorded.items():
        found = stamp(path)
        if found is None:
            (changed if os.path.lexists(path) else gone).append(path)
        elif again or found != (row[1], row[2]):
            changed.append(path)
    new = [path for path in _new_files(recorded) if stamp(path)]
    reasons = ["%s is gone" % path for path in gone[:1]]
    reasons += ["%s has changed" % path for path in changed[:1]] + ["%s is new" % path for path in new[:1]]
    reasons += ["%s is gone" % path for path in expectation["outside"].values() if not os.path.exists(path)]
    if library_path != expectation["library_path"]:
        reasons += _shadows(library_path, frozenset(expectation["sonames"]))
    return {
        "libraries": len(recorded),
        "gone": gone,
        "changed": _read(changed),
        "new": _read(new),
        "reasons": reasons,
        "loading": _loading(expectation, library_path) if reasons else None,
    }


def place(path: str, expectation: Mapping[str, Any]) -> str:
    """Return the path of a library: the expectation leaves out its first folder of packages."""
    return path if path.startswith("/") else "%s/%s" % (expectation["site"][0], path)


def _new_files(recorded: Mapping[str, Any]) -> list[str]:
    """Return binaries that lie beside recorded ones and are not recorded."""
    from stackcheck_probes.binaries.binaryfiles import is_binary_name

    found = []
    for folder in dict.fromkeys(os.path.dirname(path) for path in recorded):
        for name in files.names(folder):
            path = "%s/%s" % (folder, name)
            if is_binary_name(name) and path not in recorded and not os.path.islink(path):
                found.append(path)
    return found


def _shadows(library_path: str, sonames: frozenset[str]) -> list[str]:
    folders = [folder for folder in library_path.split(":")[:MAX_FOLDERS] if folder]
    names = [(folder, sonames.intersection(files.names(folder))) for folder in folders]
    return ["LD_LIBRARY_PATH has %s in %s" % (min(found), folder) for folder, found in names if found]


def _read(paths: list[str]) -> dict[str, Any]:
    if not paths:
        return {}
    from stackcheck_probes.binaries.libraryfile import read_library

    return {path: read_library(path) or {"path": path, "error": "no binary"} for path in paths}


def _loading(expectation: Mapping[str, Any], library_path: str) -> Loading:
    from stackcheck_probes.probes import loading

    return loading.run({"roots": expectation["site"], "library_path": library_path})


def _python_of(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the interpreter that a command starts by name or path, "" for anything else."""
    word = command[0] if command else ""
    if not os.path.basename(word).startswith("python"):
        return ""
    folders = [""] if "/" in word else environ.get("PATH", "").split(":")[:MAX_FOLDERS]
    places = (os.path.join(folder, word) for folder in folders)
    return next((place for place in places if os.access(place, os.X_OK)), "")


def _metadata(site: str) -> list[str] | None:
    """Return the names of the installed metadata; None when the folder cannot be listed."""
    try:
        return [name for name in os.listdir(site) if name.endswith((".dist-info", ".egg-info"))]
    except OSError:
        return None


def _torch(expected: Mapping[str, Any] | None) -> Mapping[str, str | None] | None:
    return (torchfile.read(expected["path"]) or None) if expected else None


def _other_torches(expectation: Mapping[str, Any], environ: Mapping[str, str]) -> list[dict[str, str]]:
    """Return packages called torch that come before the stack's, or lie in the working folder."""
    expected = expectation["torch"]
    if expected is None:
        return []
    own = os.path.realpath(expected["path"])
    places = [(path, "PYTHONPATH") for path in environ.get("PYTHONPATH", "").split(":")[:MAX_FOLDERS] if path]
    if expectation.get("user_site") and not environ.get("PYTHONNOUSERSITE"):
        home = environ.get("PYTHONUSERBASE") or os.path.join(_home(environ), ".local")
        places.append((os.path.join(home, expectation["user_site"]), "user site"))
    found = []
    for folder, origin in [*places, (os.curdir, "working folder")]:
        path = os.path.join(folder, "torch")
        if os.path.isfile(os.path.join(path, "__init__.py")) and os.path.realpath(path) != own:
            found.append({"path": os.path.abspath(path), "origin": origin})
    return found


def _home(environ: Mapping[str, str]) -> str:
    """Return the home folder as Python's `site` finds it: without HOME it is the one of the password file."""
    return environ.get("HOME") or os.path.expanduser("~")


def _names(expectation: Mapping[str, Any]) -> list[str]:
    names = [
        "CUDA_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER",
        "NVIDIA_DRIVER_CAPABILITIES",
        "NVIDIA_VISIBLE_DEVICES",
    ]
    return [*names, *expectation["env"], *(row["name"] for row in expectation["variables"])]


def _headers(expectation: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any] | None:
    if not expectation["headers"]:
        return None
    from stackcheck_probes.probes.cumm_files import headers_in_effect, strays

    site = expectation["site"][0]
    return {**headers_in_effect(site, environ.get("CUMM_INCLUDE_PATH")), "stray": strays(site)}


def _driver(host: Host, environ: Mapping[str, str]) -> DriverAtStart:
    """Return what the probe `nvidia_driver` does, as far as judging needs it; the names are its."""
    root = host.root
    nodes = devicenodes.nvidia(root, host.refuses)
    version = files.text(os.path.join(root, "proc/driver/nvidia/version"))
    library_path = environ.get("LD_LIBRARY_PATH", "")
    found = driverfiles.find_libcuda(root, library_path, ldcache.paths(root, driverfiles.SONAME))
    host.doing("NVML")
    library = _nvml(host.nvml) if nodes else None
    host.doing("")
    return {
        "kernel_module": driverfiles.kernel_module(version),
        "device_nodes": nodes,
        "nvml": library,
        "named": _named_gpus(root),
        "libcuda": found,
        "elsewhere": [] if found else driverfiles.elsewhere(root),
        "uid": os.geteuid(),
        "groups": sorted({os.getegid(), *os.getgroups()}),
    }


def _nvml(soname: str) -> Nvml:
    try:
        from stackcheck_probes.machine import nvml
    except ImportError as error:  # an interpreter without ctypes
        return {"library": soname, "error": str(error)[:500], "code": 0, "devices": []}
    return nvml.read(soname)


def _named_gpus(root: str) -> list[NamedGpu]:
    """Return model and UUID of the GPUs as the kernel module states them: there without NVML."""
    folder = os.path.join(root, "proc/driver/nvidia/gpus")
    rows: list[NamedGpu] = []
    model = _jetson(root)
    if model:
        rows.append({"name": model, "uuid": ""})
    for name in files.names(folder):
        pairs = [
            line.partition(":") for line in files.text(os.path.join(folder, name, "information")).splitlines()
        ]
        values = {key.strip(): value.strip() for key, _, value in pairs}
        rows.append({"name": values.get("Model", ""), "uuid": values.get("GPU UUID", "")})
    return rows


def _jetson(root: str) -> str:
    """Return the product of a Jetson as its device tree names it, "" for another machine."""
    text = files.text(os.path.join(root, "proc/device-tree/model"), 200).strip("\0\n ")
    return text.replace(" Developer Kit", "") if "Jetson" in text else ""


def _rocm(host: Host, environ: Mapping[str, str]) -> RocmHost:
    from stackcheck_probes.probes import rocm_host

    return rocm_host.run(
        {"root": host.root, "environ": environ, "sys_path": [], "refuses": host.refuses, "kernels": False}
    )
