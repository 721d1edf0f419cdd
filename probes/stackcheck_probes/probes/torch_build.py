"""Report how the torch that is imported was built, and which CUDA libraries it has loaded.

Needs no GPU: `torch.cuda.get_arch_list()` is empty without one, so the compiled flags are read instead
(`torch._C._cuda_getArchFlags`, torch/cuda/__init__.py of torch 2.5.0 and 2.11.0).
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.watching import importing, loaded

if TYPE_CHECKING:
    from stackcheck_probes.facts.torch import Cudnn, Files, TorchBuild, TorchLibraries, VersionedFiles

NAME = "torch_build"
GRADE = "import"

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


def run(params: dict[str, Any]) -> TorchBuild:
    """Import torch and return version, build, arch flags, ABI, BLAS, CPU capability and loaded libraries."""
    del params
    started = time.monotonic()
    torch, imported = importing.load("torch")
    facts = cast("TorchBuild", imported)
    facts["import_seconds"] = round(time.monotonic() - started, 3)
    if torch is not None:
        _add_build(facts, torch)
    return facts


def _add_build(facts: TorchBuild, torch: Any) -> None:
    version = torch.version
    facts.update(
        {
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
            "libraries": _libraries(),
        }
    )


def _arch_flags(torch: Any) -> list[str] | None:
    """Return the compiled arch list ("sm_80", "compute_90", or gfx names); None for a build without a GPU."""
    try:
        flags = torch._C._cuda_getArchFlags()
    except AttributeError:  # a CPU build has no such function
        return None
    return flags.split() if isinstance(flags, str) else None


def _cudnn(torch: Any) -> Cudnn:
    """Return the cuDNN torch was built for and the one that answers ("9.1.0"), or the error."""
    try:
        cudnn = torch._C._cudnn
    except AttributeError:
        return {"built": None, "loaded": None, "error": None}
    facts: Cudnn = {"built": None, "loaded": None, "error": None, "is_cuda": bool(cudnn.is_cuda)}
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


def _libraries() -> TorchLibraries:
    """Return for each CUDA library the mapped files, and the version where one call tells it."""
    mapped = loaded.mapped_files()

    def files(stem: str) -> Files:
        return {"files": loaded.mapped(stem, mapped)}

    def versioned(stem: str, function: str) -> VersionedFiles:
        paths = loaded.mapped(stem, mapped)
        return {"files": paths, "version": loaded.version_call(paths[0], function) if paths else None}

    return {
        "cudart": versioned("libcudart", "cudaRuntimeGetVersion"),
        "nccl": versioned("libnccl", "ncclGetVersion"),
        "cudnn": files("libcudnn"),
        "cudnn_parts": {"files": [path for path in mapped if "/libcudnn_" in path]},
        "cublas": files("libcublas"),
        "cusparse": files("libcusparse"),
        "nvJitLink": files("libnvJitLink"),
        "torch_python": files("libtorch_python"),
        "torch_cuda": files("libtorch_cuda"),
        "amdhip64": files("libamdhip64"),
    }
