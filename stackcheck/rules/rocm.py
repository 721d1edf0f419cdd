"""Rules about ROCm: the build, the gfx targets, the override, and variables without effect."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.claimed import torch_claim
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.tables.rocm import family, gfx_of
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from datetime import date

    from stackcheck.claimed import TorchClaim
    from stackcheck.definition import Stack
    from stackcheck.rules.registry import Facts
    from stackcheck.tables import Tables
    from stackcheck.tables.gpus import Gpu
    from stackcheck.tables.rocm import TorchRocm

OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"
_READ = Evidence(
    "three decimals up to 63.255.255; anything else makes the discovery of GPUs fail; Linux only",
    "ROCm/ROCR-Runtime libhsakmt/src/topology.c:1218-1233 @c7785a6da1c1; ROCm/TheRock issue 1719 "
    "(checked 2026-11-20)",
)
_EXACT = Evidence(
    "a code object for one gfx target runs on that target only",
    "ROCm/TheRock cmake/therock_amdgpu_targets.cmake @89553ce3746e; ROCm/rocBLAS issue 1339 (checked "
    "2026-11-20)",
)


def _is_rocm(facts: Facts) -> bool:
    stack = facts["stack"]
    torch = stack.packages.get("torch")
    return bool(
        stack.rocm
        or stack.accelerator == "rocm"
        or (torch and "+rocm" in torch.version)
        or any(gpu.gfx for gpu in stack.gpus)
    )


def _label(gpu: Gpu) -> str:
    return gpu.name if gpu.name == gpu.gfx else f"{gpu.name} ({gpu.gfx})"


def _rocm_of(claim: TorchClaim) -> Version | None:
    tag = claim.tag or ""
    return Version(tag.removeprefix("rocm")) if tag.startswith("rocm") else None


def _override(stack: Stack) -> str | None:
    return stack.env.get(OVERRIDE) or None


@rule("ROCM101", when=_is_rocm)
def gfx_served(stack: Stack, tables: Tables) -> list[Finding]:
    """The build of torch has code for the GPUs' gfx targets, by itself or through a sound override.

    A ROCm code object runs on its own gfx target only; there is no compatibility inside a generation as with
    CUDA. HSA_OVERRIDE_GFX_VERSION makes the runtime report another target, which is sound only where the real
    instruction set contains the claimed one. Without code the first kernel ends in "invalid device function",
    although torch.cuda.is_available() is True.

    Source: PyTorch's build scripts by release; ROCm/rocBLAS issue 1339; pytorch issue 164346
    (tables/rocm.toml).
    Example: an RX 6700 XT (gfx1031) with the wheel of torch 2.5 and no override.
    Fix: the override of the table (10.3.0), a torch that has the target, or a build from source.
    """
    gpus = [gpu for gpu in stack.gpus if gpu.gfx]
    if not gpus or _override_faults(stack):
        return []
    torch = stack.packages.get("torch")
    if torch is not None and torch.origin == "source":
        return [_judge_own_build(gpu, stack) for gpu in gpus]
    claim = torch_claim(stack, tables)
    if claim.version is None:
        return []
    row = tables.rocm.row(claim.version)
    if row is None:
        return [
            no_data(f"the gfx targets of {claim.title}", f"torch {tables.rocm.newest}", tables.rocm.checked)
        ]
    targets = row.targets(_rocm_of(claim), _nightly(claim.version))
    return [_judge_gpu(gpu, row, targets, stack, tables) for gpu in gpus]


def _judge_gpu(gpu: Gpu, row: TorchRocm, targets: frozenset[str], stack: Stack, tables: Tables) -> Finding:
    real = gpu.gfx or ""
    value = _override(stack)
    seen = (gfx_of(value) if value else real) or real
    title = torch_claim(stack, tables).title
    listed = f"{title} has {', '.join(sorted(targets))}"
    if value and seen != real and family(seen) != family(real):
        return failed(
            f"{OVERRIDE}={value} makes {_label(gpu)} pass for {seen}, another instruction set.",
            _EXACT,
            expected=f"a target of generation {family(real)}",
            found=f"{seen} on {real}",
            hint=_right_override(real, targets, tables),
        )
    if seen in targets:
        return _served(gpu, seen, targets, value, tables)
    how = f", which {_label(gpu)} passes for by {OVERRIDE}={value}" if seen != real else ""
    how = how or (f" ({gpu.name})" if gpu.name != real else "")
    return failed_by(
        f"{title} has no code for {seen}{how}: the first kernel ends in 'invalid device function'.",
        (row, listed),
        expected=f"one of {', '.join(sorted(targets))}",
        found=seen,
        hint=_right_override(real, targets, tables),
    )


def _served(gpu: Gpu, seen: str, targets: frozenset[str], value: str | None, tables: Tables) -> Finding:
    real = gpu.gfx or ""
    if not value or seen == real:
        restates = f"; {OVERRIDE}={value} restates it" if value else ""
        return passed(f"torch has code for {_label(gpu)}{restates}.", _EXACT)
    if real in targets:
        return warned(
            f"{OVERRIDE}={value} is not needed: torch has code for {real}, and the override hides it.",
            _EXACT,
            expected=f"no override for {real}",
            found=f"{OVERRIDE}={value}",
            hint=f"remove {OVERRIDE}: the kernels made for {real} are then used",
        )
    known = tables.rocm.override(real)
    sound = f" ({known.source})" if known and known.claims == seen else ""
    return warned(
        f"{_label(gpu)} runs as {seen} by {OVERRIDE}={value}: a configuration that AMD does not "
        f"support{sound}.",
        _EXACT,
        expected=f"code for {real}",
        found=f"{seen} by override",
        hint="check the results against the CPU; a build for the real target needs no override",
    )


def _right_override(real: str, targets: frozenset[str], tables: Tables) -> str:
    row = tables.rocm.override(real)
    if row is not None and row.claims in targets:
        return (
            f"set {OVERRIDE}={row.value} ({row.claims}), as others do for {real}, or build torch for {real}"
        )
    return f"build torch for {real} (PYTORCH_ROCM_ARCH={real}), or take a release whose list has it"


def _judge_own_build(gpu: Gpu, stack: Stack) -> Finding:
    real = gpu.gfx or ""
    value = _override(stack)
    seen = (gfx_of(value) if value else real) or real
    arches = re.split(r"[;, ]+", stack.env.get("PYTORCH_ROCM_ARCH", "").strip()) if stack.env else []
    arches = [arch for arch in (*arches, *stack.arch_list) if arch.startswith("gfx")]
    if not arches:
        return skipped(
            "the gfx list of the own build is not stated, so the GPUs were not held against it",
            hint="state PYTORCH_ROCM_ARCH in env",
        )
    if seen in arches:
        return passed(f"torch is built for {', '.join(arches)}, which serves {_label(gpu)}.", _EXACT)
    return failed(
        f"torch is built for {', '.join(arches)}, and {_label(gpu)} is {seen}.",
        _EXACT,
        expected=f"PYTORCH_ROCM_ARCH with {seen}",
        found=", ".join(arches),
        hint=f"add {seen} to PYTORCH_ROCM_ARCH and build again",
    )


def _nightly(version: Version) -> date | None:
    """Return the day of a nightly build: 2.10.0.dev20250929."""
    digits = str(version.dev) if version.dev else ""
    try:
        return datetime.strptime(digits, "%Y%m%d").date()  # noqa: DTZ007 - a day, no time
    except ValueError:
        return None


@rule("ROCM102", when=_is_rocm)
def rocm_build_exists(stack: Stack, tables: Tables) -> Finding | None:
    """There is an official wheel of this torch for this ROCm version.

    ROCm wheels are on download.pytorch.org only, for two ROCm versions of each release.

    Source: pytorch/test-infra tools/scripts/generate_binary_build_matrix.py by release (tables/rocm.toml).
    Example: torch 2.5.0+rocm6.0: 2.5 has wheels for 6.1 and 6.2.
    Fix: a ROCm version that the release was built for.
    """
    claim = torch_claim(stack, tables)
    rocm = _rocm_of(claim)
    version = stack.version("torch")
    if rocm is None or version is None or version.is_devrelease or not claim.official:
        return None
    row = tables.rocm.row(version)
    if row is None:
        return no_data(f"the ROCm wheels of torch {version.public}", tables.rocm.newest, tables.rocm.checked)
    built = ", ".join(map(str, row.rocm))
    if any(rocm.release[:2] == each.release[:2] for each in row.rocm):
        return passed(f"torch {row.torch} has wheels for ROCm {built}.", cite(row, f"ROCm {built}"))
    return failed_by(
        f"There is no wheel of torch {version.public} for ROCm {rocm}.",
        (row, f"torch {row.torch}: ROCm {built}"),
        expected=f"ROCm {built}",
        found=f"ROCm {rocm}",
        hint=f"take the wheel for ROCm {row.rocm[-1]}",
    )


def _has_override(facts: Facts) -> bool:
    return bool(facts["stack"].env.get(OVERRIDE))


def _override_faults(stack: Stack) -> bool:
    value = _override(stack)
    return bool(value and gfx_of(value) is None)


@rule("ROCM103", when=_has_override)
def override_readable(stack: Stack) -> Finding:
    """HSA_OVERRIDE_GFX_VERSION is written as the runtime reads it.

    Three decimals, such as 10.3.0 for gfx1030 and 9.0.10 for gfx90a. Anything else makes the discovery of
    GPUs fail: there is then no GPU at all. Windows does not read it.

    Source: ROCm/ROCR-Runtime libhsakmt/src/topology.c:1218-1233.
    Example: HSA_OVERRIDE_GFX_VERSION=gfx1030, or 9.0.a.
    Fix: write the three numbers in decimal.
    """
    value = _override(stack) or ""
    gfx = gfx_of(value)
    if gfx is None:
        return failed(
            f"{OVERRIDE}={value} is not three decimals: ROCr then finds no GPU.",
            _READ,
            expected="MAJOR.MINOR.STEPPING in decimal, such as 10.3.0",
            found=value,
            hint="10.3.0 is gfx1030, 9.0.10 is gfx90a, 11.0.0 is gfx1100",
        )
    if (stack.platform or "").startswith("windows") or (stack.os or "").lower().startswith("windows"):
        return warned(
            f"{OVERRIDE} has no effect on Windows.",
            _READ,
            expected="Linux",
            found=stack.platform or stack.os or "",
            hint="remove it; a build for the real target is needed there",
        )
    return passed(f"{OVERRIDE}={value} is read as {gfx}.", _READ)


@rule("ROCM104", when=_is_rocm)
def hipblaslt(stack: Stack, tables: Tables) -> Finding | None:
    """The library hipBLASLt is not preferred on a GPU that it has no kernels for.

    torch then warns "Attempting to use hipBLASLt on an unsupported architecture" and falls back, or fails.

    Source: pytorch issue 138067 and PR 128753; ROCm/TheRock cmake/therock_amdgpu_targets.cmake.
    Example: TORCH_BLAS_PREFER_HIPBLASLT=1 on gfx1030.
    Fix: TORCH_BLAS_PREFER_HIPBLASLT=0.
    """
    row = tables.rocm.no_hipblaslt
    without = [gpu for gpu in stack.gpus if gpu.gfx in row.gfx]
    if not without:
        return None
    value = stack.env.get("TORCH_BLAS_PREFER_HIPBLASLT")
    said = ", ".join(map(_label, without))
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
    )


@rule("ROCM105", when=_is_rocm)
def no_cuda_wheels(stack: Stack, tables: Tables) -> Finding | None:
    """A ROCm stack holds no nvidia-* wheels.

    They are what the CUDA build of torch from PyPI requires: their presence means that it replaced, or will
    replace, the ROCm build.

    Source: https://github.com/ROCm/pytorch/issues/411
    Example: nvidia-cudnn-cu12 beside torch 2.6.0+rocm6.2.4.
    Fix: leave them out, and constrain torch to the ROCm build.
    """
    named = [
        name for name in stack.packages if name.startswith("nvidia-") and not name.startswith("nvidia-ml-py")
    ]
    if not named or _rocm_of(torch_claim(stack, tables)) is None:
        return None
    return warned(
        f"{', '.join(named)} are libraries of the CUDA build of torch, in a stack for ROCm.",
        Evidence(
            "torch.version.hip is None after such an install", "https://github.com/ROCm/pytorch/issues/411"
        ),
        expected="no nvidia-* wheels",
        found=", ".join(named),
        hint="leave them out, and constrain torch to the ROCm build",
    )
