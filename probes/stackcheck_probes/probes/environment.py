"""The environment variables that change what a GPU stack does, and no others: the rest may hold secrets."""

from __future__ import annotations

import os
import re

from stackcheck_probes.credentials import is_secret_name, shown_value

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

    from stackcheck_probes.facts.machine import Environment

NAME = "environment"
GRADE = "static"
MAX_VALUE = 4096

ALLOWED = {
    "BNB_CUDA_VERSION": "bitsandbytes loads the library of this CUDA version instead of torch's",
    "CC": "the host compiler of source builds and of Triton",
    "CMAKE_POLICY_VERSION_MINIMUM": "lets CMake 4 configure projects that ask for policies before 3.5",
    "CONDA_DEFAULT_ENV": "a conda environment is active",
    "CONDA_PREFIX": "a conda environment is active",
    "CUDA_DEVICE_ORDER": "how CUDA numbers devices: by speed, or by PCI bus",
    "CUDA_DISABLE_PTX_JIT": "the driver compiles no PTX",
    "CUDA_FORCE_PTX_JIT": "the driver ignores compiled code",
    "CUDA_HOME": "which toolkit source builds take",
    "CUDA_LAUNCH_BLOCKING": "kernels run one by one",
    "CUDA_MODULE_LOADING": "lazy or eager loading of kernels",
    "CUDA_PATH": "which toolkit source builds take",
    "CUDA_VERSION": "the toolkit of NVIDIA's base images",
    "CUDA_VISIBLE_DEVICES": "which devices a process sees",
    "CUMM_CUDA_ARCH_LIST": "architectures of cumm's kernels",
    "CUMM_CUDA_VERSION": "non-empty makes cumm <= 0.7.11 pass include paths to NVRTC",
    "CUMM_DISABLE_JIT": "stops cumm's rebuild of an editable install; not NVRTC",
    "CUMM_INCLUDE_PATH": "where cumm takes its headers from",
    "CXX": "the host compiler of source builds",
    "FORCE_CUDA": "extensions build their GPU part without a visible GPU",
    "GPU_DEVICE_ORDINAL": "which devices the HIP runtime shows",
    "HIP_PLATFORM": "amd or nvidia",
    "HIP_VISIBLE_DEVICES": "which devices HIP shows",
    "HSA_ENABLE_SDMA": "switches the copy engines of the ROCm runtime",
    "HSA_OVERRIDE_GFX_VERSION": "the ROCm runtime reports this gfx for every GPU",
    "LD_LIBRARY_PATH": "where the loader looks first, before RUNPATH",
    "LD_PRELOAD": "libraries loaded before all others",
    "MAX_JOBS": "parallel jobs of source builds",
    "MIOPEN_LOG_LEVEL": "messages of MIOpen",
    "MKL_THREADING_LAYER": "which OpenMP MKL takes",
    "NCCL_DEBUG": "messages of NCCL",
    "NVCC_FLAGS": "flags of source builds",
    "NVCC_PREPEND_FLAGS": "flags of source builds",
    "NVIDIA_DISABLE_REQUIRE": "the container runtime does not compare the driver with the image",
    "NVIDIA_DRIVER_CAPABILITIES": "which driver libraries the container runtime mounts; compute is needed",
    "NVIDIA_REQUIRE_CUDA": "the driver that the image asks the container runtime for",
    "NVIDIA_VISIBLE_DEVICES": "which devices the container runtime mounts",
    "OMP_NUM_THREADS": "threads of OpenMP",
    "PATH": "which nvcc, gcc and python are found",
    "PIP_CONSTRAINT": "a file that pip takes pins from",
    "PIP_EXTRA_INDEX_URL": "further indexes of pip (shown without credentials)",
    "PIP_FIND_LINKS": "find-links pages of pip (shown without credentials)",
    "PIP_INDEX_URL": "the index of pip (shown without credentials)",
    "PYTHONHOME": "where Python takes its standard library from",
    "PYTHONNOUSERSITE": "switches the user site off",
    "PYTHONPATH": "comes before every installed package",
    "PYTHONUSERBASE": "where the user site is",
    "PYTORCH_ALLOC_CONF": "torch's allocator",
    "PYTORCH_CUDA_ALLOC_CONF": "torch's allocator",
    "PYTORCH_HIP_ALLOC_CONF": "torch's allocator",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "how torch looks for devices",
    "PYTORCH_ROCM_ARCH": "gfx targets of source builds",
    "PYTORCH_TUNABLEOP_ENABLED": "tuned matrix products",
    "ROCM_ARCH": "gfx target of the gfx803 workflow's rocBLAS build",
    "ROCM_HOME": "which ROCm source builds take",
    "ROCM_PATH": "which ROCm is used",
    "ROCM_VERSION": "the ROCm of AMD's base images",
    "ROCR_VISIBLE_DEVICES": "which devices the ROCm runtime shows",
    "ROC_ENABLE_PRE_VEGA": "set by the gfx803 workflow",
    "SPCONV_DISABLE_JIT": "stops spconv's rebuild of an editable install; not NVRTC",
    "TORCH_BLAS_PREFER_HIPBLASLT": "0 keeps torch on rocBLAS",
    "TORCH_CUDA_ARCH_LIST": "architectures of source builds",
    "TORCH_DONT_CHECK_COMPILER_ABI": "torch does not look at the host compiler",
    "TORCH_EXTENSIONS_DIR": "where torch keeps what it compiles",
    "TORCH_ROCM_AOTRITON_ENABLE_EXPERIMENTAL": "attention kernels on GPUs that are not released for it",
    "TRITON_PTXAS_PATH": "which ptxas Triton runs",
    "USE_CUDA": "CUDA part of a torch build",
    "USE_NINJA": "build tool of a torch build",
    "USE_ROCM": "ROCm part of a torch build",
    "UV_EXTRA_INDEX_URL": "further indexes of uv (shown without credentials)",
    "UV_INDEX_URL": "the index of uv (shown without credentials)",
    "VIRTUAL_ENV": "a virtual environment is active",
}
"""Variable -> why it is looked at."""


def run(params: dict[str, Any]) -> Environment:
    """Return the allowed variables that are set, and of `names` (a stack's own) those that look harmless.

    Values are cut and shown without credentials. `withheld`: names that were asked for, are set, and look
    like a secret; their values are not read.
    """
    environ = params.get("environ", os.environ)
    asked = [name for name in params.get("names", []) if name not in ALLOWED]
    withheld = sorted(name for name in asked if is_secret_name(name) and name in environ)
    wanted = [*ALLOWED, *(name for name in asked if not is_secret_name(name))]
    per_gpu = [name for name in environ if re.fullmatch(r"HSA_OVERRIDE_GFX_VERSION_[0-9]+", name)]
    shown = {
        name: shown_value(name, environ[name])[:MAX_VALUE] for name in [*wanted, *per_gpu] if name in environ
    }
    return {"variables": dict(sorted(shown.items())), "withheld": withheld, "asked": sorted(wanted)}
