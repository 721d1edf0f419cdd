"""spconv: imported, and computing on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.evidence import Evidence
from stackcheck.rules.probe_results import as_numbers, judged, not_importable
from stackcheck.rules.questions import WORKS
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.rules.spconv.cuda_names import has

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck_probes.binaries.capability import Capability
    from stackcheck_probes.facts.spconv import CummFiles, CummImported, SpconvBuild, SpconvCpu

CUMM_COMMON = "https://github.com/FindDefinition/cumm/blob/v0.7.11/cumm/common.py"


SPCONV_README = "https://github.com/traveller59/spconv/blob/263d6b4/README.md"


WITHOUT_OWN_CUDA_HEADERS = Version("0.7.11")
"""The newest cumm that needs nvcc and /usr/local/cuda for NVRTC; 0.7.13 finds the headers of the wheels."""


@rule("SPCONV301", when=has("spconv"))
def spconv_imports(spconv_build: SpconvBuild) -> Finding:
    """The installed spconv imports.

    Source: https://github.com/FindDefinition/cumm/issues/9 (a pair of different releases).
    Example: `ImportError: cannot import name 'NVRTCMode' from 'cumm.nvrtc'`.
    Fix: install spconv and the cumm that it requires in one step.
    """
    hint = "install spconv and the cumm that it requires in one step"
    wrong = not_importable("spconv", spconv_build, hint=hint)
    return wrong or passed(f"spconv {spconv_build['version']} imports", Evidence(str(spconv_build["file"])))


@rule("SPCONV303", when=has("spconv"))
def extensions_share_their_types(spconv_build: SpconvBuild) -> Finding:
    """The extensions of spconv and cumm were compiled with compatible pybind11 internals.

    spconv passes cumm's C++ objects to its own code. pybind11 shares types between extensions only when the
    internals strings (version, compiler, standard library, ABI) are equal; otherwise every call raises
    "incompatible function arguments".

    Source: pybind11 detail/internals.h; https://github.com/traveller59/spconv/issues/591
    Example: v4 in one, v5 in the other.
    Fix: install spconv and cumm wheels that were released together.
    """
    strings = spconv_build["pybind11"]
    if not strings["cumm"] or not strings["spconv"]:
        missing = " and ".join(name for name in ("cumm", "spconv") if not strings[name])
        return skipped(f"no pybind11 internals string was found in the extension of {missing}")
    if set(strings["cumm"]) & set(strings["spconv"]):
        return passed(f"cumm and spconv share pybind11 types: {strings['spconv'][0]}")
    return failed(
        "the extensions of cumm and spconv have different pybind11 internals and cannot share types",
        expected=strings["spconv"][0],
        found=strings["cumm"][0],
        hint="install spconv and cumm wheels that were released together",
    )


@rule("SPCONV304", when=has("spconv"), about="GPU")
def spconv_has_kernels_for_the_gpus(
    stack: Stack, spconv_build: SpconvBuild, cumm_files: CummFiles
) -> list[Finding] | None:
    """The installed spconv has kernels for every NVIDIA GPU of the stack, or can compile them.

    Its kernels serve exactly the capabilities they were built for; a later one by PTX where they carry it;
    anything else is compiled by NVRTC on first use. For that cumm <= 0.7.11 needs a runnable nvcc or
    CUMM_CUDA_VERSION, and the headers of a CUDA 12 toolkit in /usr/local/cuda.

    Source: spconv/algo.py of 2.3.8 (get_all_available), cumm/common.py of 0.7.11 (CompileInfo),
    cumm/constants.py:46-58; checked 2026-11-20.
    Example: a Jetson Orin (8.7) with spconv-cu124 2.3.8 on an image without nvcc.
    Fix: a GPU or a build from the list (CUMM_CUDA_ARCH_LIST), or give NVRTC what it needs.
    """
    devices = [(gpu.name, gpu.capability) for gpu in stack.gpus if gpu.capability is not None]
    if not devices:
        return None
    compiled = spconv_build.get("compiled") or {}
    if "gemm_archs" not in compiled:
        return [skipped("spconv does not import, so its list of kernels is not known")]
    if compiled["cpu_only"]:
        return [_cpu_build(spconv_build)]
    return [_kernels(name, device, spconv_build, cumm_files) for name, device in devices]


def _cpu_build(spconv_build: SpconvBuild) -> Finding:
    return failed(
        f"spconv {spconv_build['version']} is a CPU build, and the stack names GPUs",
        expected="spconv-cuNNN",
        found="a build without CUDA",
        hint="install the spconv-cuNNN of the stack's CUDA version",
        about="CPU build",
    )


def _kernels(name: str, device: Capability, spconv_build: SpconvBuild, cumm_files: CummFiles) -> Finding:
    compiled = spconv_build["compiled"]
    whose, listed = f"spconv {spconv_build['version']}", " ".join(compiled["gemm_archs"])
    evidence = Evidence(f"spconv/cppconstants: COMPILED_CUDA_GEMM_ARCHS {listed}", SPCONV_README)
    gpu = name if name == str(device) else f"{name} ({device})"
    if str(device) in compiled["gemm_archs"]:
        return passed(f"{whose} has prebuilt kernels for {gpu}", evidence)
    ptx = compiled.get("gemm_ptx")
    if ptx and as_numbers(ptx) < (device.major, device.minor):
        return warned(
            f"{whose} has no machine code for {gpu}: the driver compiles its PTX of {ptx} at first use",
            evidence,
            expected=str(device),
            found=f"PTX {ptx}",
            hint=f"the driver must be of CUDA {compiled['cuda']} or later; try it on the device",
            about=name,
        )
    text = f"{whose} has no kernel for {gpu} and compiles them with NVRTC at run time"
    obstacle = nvrtc_obstacle(spconv_build.get("cumm") or {}, cumm_files)
    if obstacle is None:
        hint = "the first call takes minutes; a build with CUMM_CUDA_ARCH_LIST avoids it"
        return warned(text, evidence, expected=str(device), found=listed, hint=hint, about=name)
    return failed(
        f"{text}, and that cannot work here: {obstacle}",
        evidence,
        Evidence("what cumm needs for NVRTC", CUMM_COMMON),
        expected=str(device),
        found=listed,
        hint="set CUMM_CUDA_VERSION and install CUDA 12 headers in /usr/local/cuda, or build for this GPU",
        about=name,
    )


def nvrtc_obstacle(cumm: CummImported, cumm_files: CummFiles) -> str | None:
    """Return what stops cumm from compiling at run time in this target, or None when nothing known does."""
    headers, cuda = cumm_files["headers"], cumm_files["cuda_headers"]
    if headers is None or not headers["all_h"]:
        return "tensorview/core/all.h is not where cumm looks"
    if not cumm.get("version") or Version(cumm["version"]) > WITHOUT_OWN_CUDA_HEADERS:
        return None
    if cumm["cpu_only"]:
        return (
            f"cumm {cumm['version']} takes itself for a CPU-only build (no nvcc, no CUMM_CUDA_VERSION)"
            " and gives NVRTC no include directory"
        )
    if not cuda["cassert"]:
        return f"there is no {cuda['root']}/include/cuda/std/cassert (CUDA 12 headers)"
    return None


@rule("SPCONV305", when=has("spconv"), answers=(WORKS, "spconv"))
def spconv_computes_on_the_cpu(spconv_cpu: SpconvCpu, spconv_build: SpconvBuild) -> Finding:
    """Calls that cross from spconv into cumm give the right results on the CPU.

    Points into voxels, and a submanifold convolution against a dense one. A half-upgraded pair imports and
    fails here.

    Source: https://github.com/traveller59/spconv/issues/591 ; the probe `spconv_cpu` states the numbers.
    Example: `TypeError: incompatible function arguments`.
    Fix: install spconv and the cumm that it requires in one step.
    """
    hint = "install spconv and the cumm that it requires in one step"
    torch = spconv_cpu.get("torch")
    if torch is not None and (not torch.get("installed") or torch.get("import_error")):
        return skipped("torch does not import, so spconv was not tried")
    if not spconv_build.get("installed") or spconv_build.get("import_error"):
        return skipped("spconv does not import, so nothing was computed with it")
    wrong = not_importable("spconv.pytorch", spconv_cpu, hint=hint)
    return wrong or judged("spconv on the CPU", spconv_cpu.get("checks"), hint=hint)
