"""Report how the torch that is imported was built, and which CUDA libraries it has loaded.

Needs no GPU: `torch.cuda.get_arch_list()` is empty without one, so the compiled flags are read instead
(`torch._C._cuda_getArchFlags`, torch/cuda/__init__.py of torch 2.5.0 and 2.11.0).
"""

from __future__ import annotations

import re
import time
from typing import Any

from stackcheck_probes.watching import importing, loaded

NAME = "torch_build"
GRADE = "import"

_LIBRARIES = (
    ("cudart", "libcudart", "cudaRuntimeGetVersion"),
    ("nccl", "libnccl", "ncclGetVersion"),
)
_FILES = (
    "libcudnn",
    "libcublas",
    "libcusparse",
    "libnvJitLink",
    "libtorch_python",
    "libtorch_cuda",
    "libamdhip64",
)
_SETTINGS = (
    "BLAS_INFO",
    "LAPACK_INFO",
    "BUILD_TYPE",
    "CUDA_VERSION",
    "CUDNN_VERSION",
    "CXX_FLAGS",
    "USE_CUDA",
    "USE_ROCM",
)


def run(params: dict[str, Any]) -> dict[str, Any]:
    """Import torch and return version, build, arch flags, ABI, BLAS, CPU capability and loaded libraries."""
    del params
    started = time.monotonic()
    torch, facts = importing.load("torch")
    facts["import_seconds"] = round(time.monotonic() - started, 3)
    if torch is not None:
        facts.update(_build(torch))
        facts["libraries"] = _libraries()
    return facts


def _build(torch: Any) -> dict[str, Any]:
    version = torch.version
    return {
        "cuda": getattr(version, "cuda", None),
        "hip": getattr(version, "hip", None),
        "debug": getattr(version, "debug", None),
        "git": getattr(version, "git_version", None),
        "arch_flags": _arch_flags(torch),
        "cxx11_abi": getattr(torch._C, "_GLIBCXX_USE_CXX11_ABI", None),
        "cudnn": _cudnn(torch),
        "nccl_built": _nccl_built(torch),
        "settings": _settings(torch),
        "cpu_capability": _cpu_capability(torch),
    }


def _arch_flags(torch: Any) -> list[str] | None:
    """Return the compiled arch list ("sm_80", "compute_90", or gfx names); None for a build without a GPU."""
    try:
        flags = torch._C._cuda_getArchFlags()
    except AttributeError:  # a CPU build has no such function
        return None
    return flags.split() if isinstance(flags, str) else None


def _cudnn(torch: Any) -> dict[str, Any]:
    """Return the cuDNN torch was built for and the one that answers ("9.1.0"), or the error."""
    try:
        cudnn = torch._C._cudnn
    except AttributeError:
        return {"built": None, "loaded": None, "error": None}
    facts: dict[str, Any] = {"built": None, "loaded": None, "error": None, "is_cuda": bool(cudnn.is_cuda)}
    try:
        facts["built"] = ".".join(map(str, cudnn.getCompileVersion()))
        facts["loaded"] = ".".join(map(str, cudnn.getRuntimeVersion()))
        torch.backends.cudnn.version()  # torch's own comparison of the two raises here
    except Exception as error:
        facts["error"] = importing.error_fact(error)
    return facts


def _nccl_built(torch: Any) -> str | None:
    """Return the NCCL whose headers torch was compiled with: a constant in torch."""
    try:
        return ".".join(map(str, torch.cuda.nccl.version()[:3]))
    except Exception:
        return None


def _settings(torch: Any) -> dict[str, str]:
    shown = torch.__config__.show()
    pairs = dict(re.findall(r"([A-Z_]+)=([^,\n]*)", shown))
    settings = {key: pairs[key].strip() for key in _SETTINGS if key in pairs}
    openmp = re.search(r"OpenMP [0-9]+", shown)
    if openmp:
        settings["OPENMP"] = openmp.group()
    return settings


def _cpu_capability(torch: Any) -> str | None:
    try:
        return str(torch.backends.cpu.get_cpu_capability())
    except Exception:  # torch < 2.1 has no such module
        found = re.search(r"CPU capability usage: (\S+)", torch.__config__.show())
        return found.group(1) if found else None


def _libraries() -> dict[str, Any]:
    """Return for each CUDA library the mapped files, and the version where one call tells it."""
    files = loaded.mapped_files()
    facts: dict[str, Any] = {stem[3:]: {"files": loaded.mapped(stem, files)} for stem in _FILES}
    for key, stem, function in _LIBRARIES:
        paths = loaded.mapped(stem, files)
        facts[key] = {"files": paths, "version": loaded.version_call(paths[0], function) if paths else None}
    facts["cudnn_parts"] = {"files": [path for path in files if "/libcudnn_" in path]}
    return facts
