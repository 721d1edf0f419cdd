"""An expectation and a machine that fit each other, as literal facts; tests change one thing."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from stackcheck_probes.start.startjudge import judge

SITE = "/venv/lib/python3.11/site-packages"
EXPECTED: dict[str, Any] = {
    "schema_version": 1,
    "stack": "s",
    "made": "2026-11-20T00:00:00+00:00",
    "accelerator": "cuda",
    "cpu": "refuse",
    "site": [SITE],
    "user_site": "lib/python3.11/site-packages",
    "packages": [
        ["torch", "2.5.0+cu124", "torch-2.5.0+cu124.dist-info", SITE],
        ["spconv-cu124", "2.3.8", "spconv_cu124-2.3.8.dist-info", SITE],
    ],
    "torch": {"path": f"{SITE}/torch", "__version__": "2.5.0+cu124", "cuda": "12.4", "hip": None},
    "own": ["torch", "spconv"],
    "libraries": [
        ["torch/lib/libtorch_cuda.so", 10, 1, 0, 0],
        ["spconv/core_cc.so", 10, 2, 1, 0],
        ["extra/plugin.so", 10, 3, 2, 0],
        ["torch/lib/libtorch_cpu.so", 10, 4, -1, 0],
    ],
    "codes": [
        {"groups": [{"codes": ["sm_75", "sm_86", "sm_90", "compute_90:8.4"], "fatbins": 3}]},
        {"groups": [{"codes": ["sm_75", "sm_86", "sm_90"], "fatbins": 2}]},
        {"groups": [{"codes": ["sm_75", "sm_86", "sm_90"], "fatbins": 1}]},
    ],
    "faults": [],
    "sonames": ["libc.so.6"],
    "outside": {},
    "optional": [["*/optional/*", ["*"]]],
    "library_path": "",
    "cuda": {"version": "12.4", "by": "torch 2.5.0+cu124", "floor": "525.60.13", "own": "550.54.14"},
    "devices": {
        "least": {"12.0": "570.26"},
        "last_branch": {"7.0": 580},
        "products": {"l4": "8.9", "a100 sxm4 80gb": "8.0", "a100": "8.0"},
    },
    "gpus": [{"name": "L4", "capability": "8.9", "gfx": None}],
    "env": {"FLAG": "on"},
    "variables": [
        {
            "name": "BAD",
            "outcome": "fail",
            "when": "1",
            "unless": "",
            "effect": "it breaks",
            "fix": "unset it",
        },
        {
            "name": "ODD",
            "outcome": "warn",
            "when": "",
            "unless": "",
            "effect": "it does nothing",
            "fix": "drop",
        },
    ],
    "headers": True,
    "overrides": {"gfx1031": "10.3.0"},
}
L4 = {"index": 0, "name": "NVIDIA L4", "capability": "8.9", "mig": False, "uuid": "GPU-a", "mig_devices": []}
T4 = {"index": 1, "name": "Tesla T4", "capability": "7.5", "mig": None, "uuid": "GPU-b", "mig_devices": []}
V100 = {
    "index": 0,
    "name": "Tesla V100",
    "capability": "7.0",
    "mig": None,
    "uuid": "GPU-c",
    "mig_devices": [],
}
RTX5090 = {
    "index": 0,
    "name": "NVIDIA GeForce RTX 5090",
    "capability": "12.0",
    "mig": None,
    "uuid": "GPU-d",
    "mig_devices": [],
}
DRIVER: dict[str, Any] = {
    "kernel_module": {"version": "550.54.15", "open": False},
    "device_nodes": [
        {"path": f"/dev/{name}", "accessible": True} for name in ("nvidia0", "nvidiactl", "nvidia-uvm")
    ],
    "nvml": {"error": None, "code": 0, "driver": "550.54.15", "cuda": "12.4", "devices": [L4]},
    "named": [],
    "elsewhere": [],
    "uid": 1000,
    "groups": [1000],
    "libcuda": [
        {
            "path": "/usr/lib64/libcuda.so.1",
            "file": "/usr/lib64/libcuda.so.550.54.15",
            "version": "550.54.15",
            "via": "ld.so.cache",
            "stub": False,
            "compat": False,
        }
    ],
}
HEADERS = {
    "directory": f"{SITE}/cumm/include",
    "by": "cumm/include",
    "exists": True,
    "all_h": True,
    "own_all_h": True,
    "either_exists": True,
    "stray": [],
}
SEEN: dict[str, Any] = {
    "libraries": 4,
    "gone": [],
    "changed": {},
    "new": {},
    "reasons": [],
    "loading": None,
    "metadata": {SITE: ["torch-2.5.0+cu124.dist-info", "spconv_cu124-2.3.8.dist-info", "other-1.dist-info"]},
    "torch": {"__version__": "2.5.0+cu124", "cuda": "12.4", "hip": None},
    "torches": [],
    "environ": {"FLAG": "on"},
    "shm": {"path": "/dev/shm", "bytes": 8 << 30, "free": 8 << 30},
    "headers": HEADERS,
    "by": "docker",
    "wsl": False,
    "driver": DRIVER,
    "rocm": None,
}
ROCM_HOST: dict[str, Any] = {
    "kfd": {"path": "/dev/kfd", "exists": True, "accessible": True, "gid": 109, "mode": "660"},
    "render_nodes": [
        {"path": "/dev/dri/renderD128", "exists": True, "accessible": True, "gid": 109, "mode": "660"}
    ],
    "uid": 1000,
    "groups": [109, 1000],
    "gpus": [{"node": "1", "gfx": "gfx1030", "link_flags": []}],
    "override": {},
    "variables": {},
}


def changed(facts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a copy with changes: `driver__nvml__cuda="12.2"` goes three levels down."""
    made = deepcopy(facts)
    for path, value in changes.items():
        *parents, last = path.split("__") if not path.startswith("__") else [path]
        place = made
        for name in parents:
            place = place[name]
        place[last] = value
    return made


def causes(
    expected: dict[str, Any] | None = None, cpu: str = "", **seen: Any
) -> list[tuple[str, str, str, str]]:
    """Return outcome, kind, message and hint of every cause of a machine with these changes."""
    found = judge(expected or EXPECTED, changed(SEEN, **seen), cpu)
    return [(c.judgement.outcome, c.kind, c.judgement.message, c.judgement.hint) for c in found]


def rocm(*targets: str, **host: Any) -> list[tuple[str, str, str, str]]:
    """Return the causes of a ROCm stack with code for these targets on a changed AMD host."""
    rows = [{"target": name, "bundles": 1, "bytes": 1} for name in targets]
    expected = changed(EXPECTED, accelerator="rocm", codes=[{"targets": rows}, {}, {}], cuda=None)
    return causes(expected, driver=None, rocm=changed(ROCM_HOST, **host))
