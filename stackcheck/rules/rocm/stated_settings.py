"""Rules about the ROCm build and the settings around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.environment.torchbuild import has_build
from stackcheck.model.evidence import Evidence
from stackcheck.rules.cuda.nearest_build import nearest_build
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.official_wheels import ROCM_PLATFORM, listed_release, official_wheels
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.rules.rocm.wanted_gfx import OVERRIDE, has_rocm, label, other_instructions, override
from stackcheck_probes.judging.gfx import gfx_of

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts

_READ = Evidence(
    "three decimals up to 63.255.255; anything else makes the discovery of GPUs fail; Linux only",
    "ROCm/ROCR-Runtime libhsakmt/src/topology.c:1218-1233 @c7785a6da1c1; ROCm/TheRock issue 1719 "
    "(checked 2026-11-20)",
)


@rule("ROCM102", when=has_rocm)
@official_wheels()
def rocm_build_exists(env: Environment, tables: Tables) -> Finding | None:
    """There is an official wheel of this torch for this ROCm version.

    PyTorch's ROCm wheels are on download.pytorch.org only, for two ROCm versions of each release. AMD's pages
    hold wheels of AMD's own, which no list of PyTorch judges.

    Source: pytorch/test-infra tools/scripts/generate_binary_build_matrix.py by release (knowledge/told/).
    Example: torch 2.5.0+rocm6.0: 2.5 has wheels for 6.1 and 6.2.
    Fix: a ROCm version that the release was built for.
    """
    backend, version = env.torch.backend, env.torch.version
    if backend is None or env.torch.rocm is None or version is None or env.platform != ROCM_PLATFORM:
        return None
    if not env.torch.is_wheel:
        return None
    release = listed_release(version, tables)
    if isinstance(release, Finding):
        return release
    there = has_build(backend, release, sure=env.torch.sure)
    if there is None:
        return skipped(f"no data on the ROCm builds of torch {release.torch}")
    row, built = tables.rocm.row(version) or release, ", ".join(map(str, release.rocm))
    says = f"torch {release.torch} has wheels for ROCm {built}"
    if there:
        return passed(f"{says}.", cite(row, f"ROCm {built}"))
    return failed_by(
        f"There is no wheel of torch {release.torch} for ROCm {backend.version}: {says}.",
        (row, says),
        expected=f"ROCm {built}",
        found=f"ROCm {backend.version}",
        hint=nearest_build(backend, release, tables),
    )


def _has_override(facts: Facts) -> bool:
    return bool(facts["env"].stack.env.get(OVERRIDE))


@rule("ROCM103", when=_has_override)
def override_readable(env: Environment, tables: Tables) -> Finding:
    """HSA_OVERRIDE_GFX_VERSION is written as the runtime reads it, and names a target that the GPU can be.

    Three decimals, such as 10.3.0 for gfx1030 and 9.0.10 for gfx90a. Anything else makes the discovery of
    GPUs fail: there is then no GPU at all. Windows does not read it.

    Source: ROCm/ROCR-Runtime libhsakmt/src/topology.c:1218-1233.
    Example: HSA_OVERRIDE_GFX_VERSION=gfx1030, or 9.0.a.
    Fix: write the three numbers in decimal.
    """
    value = override(env) or ""
    gfx = gfx_of(value)
    if gfx is None:
        return failed(
            f"{OVERRIDE}={value} is not three decimals: ROCr then finds no GPU.",
            _READ,
            expected="MAJOR.MINOR.STEPPING in decimal, such as 10.3.0",
            found=value,
            hint="10.3.0 is gfx1030, 9.0.10 is gfx90a, 11.0.0 is gfx1100",
        )
    if (env.stack.platform or "").startswith("windows") or (env.stack.os or "").lower().startswith("windows"):
        return warned(
            f"{OVERRIDE} has no effect on Windows.",
            _READ,
            expected="Linux",
            found=env.stack.platform or env.stack.os or "",
            hint="remove it; a build for the real target is needed there",
        )
    place = env.elsewhere("torch")
    if place is not None and place.kind == "vendor":  # elsewhere ROCM101 says it, with the targets of torch
        foreign = (other_instructions(gpu, gfx, frozenset(), env, tables) for gpu in env.stack.gpus)
        if found := next(filter(None, foreign), None):
            return found
    return passed(f"{OVERRIDE}={value} is read as {gfx}.", _READ)


@rule("ROCM104", when=has_rocm, about="GPU")
def hipblaslt(env: Environment, tables: Tables) -> Finding | None:
    """The library hipBLASLt is not preferred on a GPU that it has no kernels for.

    torch then warns "Attempting to use hipBLASLt on an unsupported architecture" and falls back, or fails.

    Source: pytorch issue 138067 and PR 128753; ROCm/TheRock cmake/therock_amdgpu_targets.cmake.
    Example: TORCH_BLAS_PREFER_HIPBLASLT=1 on gfx1030.
    Fix: TORCH_BLAS_PREFER_HIPBLASLT=0.
    """
    row = tables.rocm.no_hipblaslt
    without = [gpu for gpu in env.stack.gpus if gpu.gfx in row.gfx]
    if not without:
        return None
    value = env.stack.env.get("TORCH_BLAS_PREFER_HIPBLASLT")
    said = ", ".join(map(label, without))
    if value == "0":
        return passed(f"hipBLASLt is switched off for {said}.", cite(row, ""))
    if value is None:
        return None
    return warned(
        f"hipBLASLt has no kernels for {said}, and TORCH_BLAS_PREFER_HIPBLASLT={value} prefers it.",
        cite(row, f"not built for {', '.join(row.gfx)}"),
        expected="TORCH_BLAS_PREFER_HIPBLASLT=0",
        found=f"TORCH_BLAS_PREFER_HIPBLASLT={value}",
        hint="set it to 0",
        about=(gpu.name for gpu in without),
    )


@rule("ROCM105", when=has_rocm, about="package")
def no_cuda_wheels(env: Environment) -> Finding | None:
    """A ROCm stack holds no nvidia-* wheels.

    They are what the CUDA build of torch from PyPI requires: their presence means that it replaced, or will
    replace, the ROCm build.

    Source: https://github.com/ROCm/pytorch/issues/411
    Example: nvidia-cudnn-cu12 beside torch 2.6.0+rocm6.2.4.
    Fix: leave them out, and constrain torch to the ROCm build.
    """
    named = [
        name for name in env.packages if name.startswith("nvidia-") and not name.startswith("nvidia-ml-py")
    ]
    if not named or env.torch.kind != "rocm":
        return None
    return warned(
        f"{', '.join(named)} are libraries of the CUDA build of torch, in a stack for ROCm.",
        Evidence(
            "torch.version.hip is None after such an install", "https://github.com/ROCm/pytorch/issues/411"
        ),
        expected="no nvidia-* wheels",
        found=", ".join(named),
        hint="leave them out, and constrain torch to the ROCm build",
        about=named,
    )
