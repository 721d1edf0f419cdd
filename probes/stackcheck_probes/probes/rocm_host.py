"""AMD's side of a machine: device nodes and their groups, GPUs, ROCm's kernel files, variables.

Independent of torch. The gfx803 workflow: github.com/robertrosenbusch/gfx803_rocm (checked 2026-11-20).
"""

from __future__ import annotations

import glob
import os
import re
import sys

from stackcheck_probes.judging.gfx import gfx_name, gfx_of
from stackcheck_probes.machine import devicenodes, files

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from collections.abc import Mapping
    from typing import Any

    from stackcheck_probes.facts.machine import KernelFiles, KfdGpu, Override, RocmAt, RocmHost

NAME = "rocm_host"
GRADE = "static"

VARIABLES = (
    "HSA_OVERRIDE_GFX_VERSION",
    "PYTORCH_ROCM_ARCH",
    "ROCM_ARCH",
    "TORCH_BLAS_PREFER_HIPBLASLT",
    "ROC_ENABLE_PRE_VEGA",
    "USE_CUDA",
    "USE_ROCM",
    "USE_NINJA",
    "FORCE_CUDA",
    "MIOPEN_LOG_LEVEL",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "CUDA_VISIBLE_DEVICES",
    "CMAKE_POLICY_VERSION_MINIMUM",
)
"""What the gfx803 workflow sets (its ENV block), and what hides devices."""
KERNEL_FOLDERS = ("rocblas/library", "hipblaslt/library")


def run(params: dict[str, Any]) -> RocmHost:
    """Return the facts; `root` puts all files below another folder; `environ`, `sys_path` stand for ours.

    `refuses` says which nodes do not open; without `kernels` the files of kernels, some thousands, are left.
    """
    root = params.get("root", "/")
    environ = params.get("environ", os.environ)
    refuses = params.get("refuses", devicenodes.refusal)
    return {
        "variables": {name: environ[name][:500] for name in VARIABLES if name in environ},
        "override": override(environ),
        "kfd": devicenodes.rocm(os.path.join(root, "dev/kfd"), refuses),
        "render_nodes": [devicenodes.rocm(path, refuses) for path in sorted(_glob(root, "dev/dri/renderD*"))],
        "uid": os.geteuid(),
        "groups": sorted({os.getegid(), *os.getgroups()}),
        "gpus": _gpus(root),
        "rocm": _rocm(root),
        "kernel_files": (
            _kernel_files(root, params.get("sys_path", sys.path)) if params.get("kernels", True) else []
        ),
    }


def override(environ: Mapping[str, str]) -> dict[str, Override]:
    """Return what HSA_OVERRIDE_GFX_VERSION claims, for all GPUs ("all") and by number of the KFD node.

    `gfx` is None for a value that the runtime refuses: then it finds no GPU at all. Format and limits: ROCm's
    libhsakmt topology.c (three decimals, at most 63, 255 and 255).
    """
    rows: dict[str, Override] = {}
    for name, value in environ.items():
        match = re.fullmatch(r"HSA_OVERRIDE_GFX_VERSION(?:_([0-9]+))?", name)
        if match:
            rows[match.group(1) or "all"] = {"value": value[:100], "gfx": gfx_of(value)}
    return rows


def _gpus(root: str) -> list[KfdGpu]:
    """Return the GPUs of the kernel's topology; a node with gfx_target_version 0 is a CPU."""
    rows: list[KfdGpu] = []
    for path in sorted(_glob(root, "sys/class/kfd/kfd/topology/nodes/*/properties"), key=_number):
        values = _properties(path)
        number = values.get("gfx_target_version", 0)
        if number:
            node = os.path.dirname(path)
            links = [_properties(link).get("flags") for link in sorted(_glob(node, "io_links/*/properties"))]
            gfx = gfx_name(number // 10000, number // 100 % 100, number % 100)
            row: KfdGpu = {"node": os.path.basename(node), "gfx": gfx, "link_flags": links}
            if values.get("drm_render_minor"):
                row["render"] = values["drm_render_minor"]
            if values.get("unique_id"):
                row["uuid"] = "GPU-%016x" % values["unique_id"]
            rows.append(row)
    return rows


def _number(path: str) -> tuple[int, str]:
    """Return the number of a node's folder: the runtime counts GPUs in that order."""
    name = os.path.basename(os.path.dirname(path))
    return (int(name) if name.isdecimal() else 0), name


def _properties(path: str) -> dict[str, int]:
    pairs = (line.split() for line in files.text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _rocm(root: str) -> list[RocmAt]:
    """Return each ROCm under /opt with the version in its .info/version."""
    rows: dict[str, RocmAt] = {}
    for path in sorted(_glob(root, "opt/rocm*")):
        real = os.path.realpath(path)
        version = files.text(os.path.join(real, ".info/version")).strip()[:50]
        if os.path.isdir(real):
            rows.setdefault(real, {"path": path, "version": version or None})
    return list(rows.values())


def _kernel_files(root: str, sys_path: list[str]) -> list[KernelFiles]:
    """Return, for each rocBLAS and hipBLASLt folder, how many files it holds for which gfx."""
    libraries = [os.path.join(path, "lib") for path in _glob(root, "opt/rocm*")]
    for folder in sys_path:
        libraries += [os.path.join(folder, "torch/lib"), *_glob(folder, "_rocm_sdk_libraries*/lib")]
    rows: dict[str, KernelFiles] = {}
    for library in libraries:
        for kind in KERNEL_FOLDERS:
            real = os.path.realpath(os.path.join(library, kind))
            if real not in rows and os.path.isdir(real):
                rows[real] = {"path": real, "library": kind.split("/")[0], "gfx": _count_by_gfx(real)}
    return list(rows.values())


def _count_by_gfx(folder: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for path in glob.iglob(os.path.join(glob.escape(folder), "**", "*gfx*"), recursive=True):
        for gfx in set(re.findall(r"gfx[0-9]+[0-9a-f]*", os.path.basename(path))):
            counts[gfx] = counts.get(gfx, 0) + 1
    return dict(sorted(counts.items()))


def _glob(root: str, pattern: str) -> list[str]:
    return glob.glob(os.path.join(glob.escape(root), pattern))
