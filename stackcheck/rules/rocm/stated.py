"""torch's ROCm build against the GPUs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.environment.torchbuild import has_build
from stackcheck.model.evidence import Outcome
from stackcheck.model.versions import nightly_day, parse_version
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.official_wheels import ROCM_PLATFORM, not_pinned, official_wheels, torch_release
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.rules.rocm.wanted_gfx import (
    EXACT,
    OVERRIDE,
    _right_override,
    has_rocm,
    label,
    other_instructions,
    override,
)
from stackcheck_probes.judging.gfx import gfx_of

if TYPE_CHECKING:
    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.knowledge.rocm import NoRocblas, TorchRocm


@rule("ROCM101", when=has_rocm, about="GPU")
@official_wheels()
def gfx_served(env: Environment, tables: Tables) -> list[Finding]:
    """The build of torch has code for the GPUs' gfx targets, by itself or through a sound override.

    A ROCm code object runs on its own gfx target only; there is no compatibility inside a generation as with
    CUDA. HSA_OVERRIDE_GFX_VERSION makes the runtime report another target, which is sound only where the real
    instruction set contains the claimed one. Without code the first kernel ends in "invalid device function",
    although torch.cuda.is_available() is True.

    Source: PyTorch's build scripts by release; ROCm/rocBLAS issue 1339; pytorch issue 164346
    (knowledge/told/rocm.toml).
    Example: an RX 6700 XT (gfx1031) with the wheel of torch 2.5 and no override.
    Fix: the override of the table (10.3.0), a torch that has the target, or a build from source.
    """
    gpus = [gpu for gpu in env.stack.gpus if gpu.gfx]
    if not gpus or _override_faults(env):
        return []
    claim = env.torch
    if claim.origin in ("source", "git", "path"):
        return [_judge_own_build(gpu, env) for gpu in gpus]
    if claim.origin == "image" and claim.kind == "rocm":  # AMD builds it, and says for which targets nowhere
        return [skipped(f"no data on the gfx targets of the torch that {claim.by} brings")]
    if claim.kind not in (None, "rocm"):
        return []  # a build for CUDA or the CPU, which another rule says
    if claim.kind == "rocm" and env.platform != ROCM_PLATFORM:
        return [skipped(f"PyTorch has no ROCm wheel for {env.platform} whose gfx targets could be compared")]
    if claim.version is None:
        return _by_no_release(gpus, env, tables) if claim.origin else []
    row = tables.rocm.row(claim.version)
    if row is None:
        return _by_unknown_release(gpus, claim.version, env, tables)
    targets = row.targets(claim.rocm, nightly_day(claim.version))
    judged = [_judge_gpu(gpu, row, targets, env, tables) for gpu in gpus]
    return _unless_missing(judged, env, tables)


def _by_no_release(gpus: list[Gpu], env: Environment, tables: Tables) -> list[Finding]:
    """Judge a torch whose version is not known: a target that no release was built for is served by none."""
    rows = tuple(tables.rocm.torch.values())
    ever = frozenset(target for row in rows for target in row.targets(None))
    value, found = override(env), []
    for gpu in gpus:
        real = gpu.gfx or ""
        seen = (gfx_of(value) if value else real) or real
        if foreign := other_instructions(gpu, seen, ever, env, tables):
            found.append(foreign)
            continue
        if seen in ever or not env.torch.official:
            found.append(not_pinned(f"{label(gpu)} was not held against the gfx targets of torch"))
            continue
        text = f"No release of torch for ROCm has code for {label(gpu)}: the first kernel ends in"
        found.append(
            failed_by(
                f"{text} 'invalid device function'.",
                (rows[-1], f"all releases together have {', '.join(sorted(ever))}"),
                expected="a target that is built for",
                found=seen,
                hint=_right_override(real, ever, tables),
                about=gpu.name,
            )
        )
    return found


def _by_unknown_release(gpus: list[Gpu], version: Version, env: Environment, tables: Tables) -> list[Finding]:
    """Warn where a release newer than the tables meets a target that none of the releases before it had."""
    newest, title = tables.rocm.newest, env.torch.title
    rows = tuple(tables.rocm.torch.values())
    ever, value = frozenset(target for row in rows for target in row.targets(None)), override(env)
    oldest = min(tables.rocm.torch, key=parse_version)
    if version < parse_version(oldest):
        return [skipped(f"no data on the gfx targets of {title}: the tables begin with torch {oldest}")]
    unknown = no_data(f"the gfx targets of {title}", f"torch {newest}", tables.rocm.checked)
    seen = [(gpu, (gfx_of(value) if value else gpu.gfx) or gpu.gfx or "") for gpu in gpus]
    never = [(gpu, target) for gpu, target in seen if target not in ever]
    if version < parse_version(newest) or not never:
        return [unknown]
    return [
        warned(
            f"{title} is not known, and no release up to {newest} for ROCm has code for {label(gpu)}.",
            cite(rows[-1], f"all releases together have {', '.join(sorted(ever))}"),
            expected="a target that is built for",
            found=target,
            hint=_right_override(gpu.gfx or "", ever, tables),
            about=gpu.name,
        )
        for gpu, target in never
    ]


def _unless_missing(judged: list[Finding], env: Environment, tables: Tables) -> list[Finding]:
    """Return what was judged; no code of a wheel that does not exist may count as there."""
    backend, release = env.torch.backend, torch_release(env, tables)
    if backend is None or release is None or backend.kind != "rocm":
        return judged
    if has_build(backend, release, sure=env.torch.sure) is not False:
        return judged
    fails = [each for each in judged if each.outcome is Outcome.FAIL]
    text = f"there is no torch {release.torch}+{backend.tag} whose gfx targets could be compared"
    return fails or [skipped(text)]


def _judge_gpu(
    gpu: Gpu, row: TorchRocm, targets: frozenset[str], env: Environment, tables: Tables
) -> Finding:
    real = gpu.gfx or ""
    value = override(env)
    seen = (gfx_of(value) if value else real) or real
    title = env.torch.title
    listed = f"{title} has {', '.join(sorted(targets))}"
    rocm = env.torch.rocm
    if foreign := other_instructions(gpu, seen, targets, env, tables):
        return foreign
    if seen in targets:
        return _served(gpu, seen, targets, value, tables)
    how = f", which {label(gpu)} passes for by {OVERRIDE}={value}" if seen != real else ""
    how = how or (f" ({gpu.name})" if gpu.name != real else "")
    without = tables.rocm.without_rocblas(seen, [rocm] if rocm else row.rocm)
    if without is not None:
        return _without_rocblas(f"{seen}{how}", gpu, without, tables)
    return failed_by(
        f"{title} has no code for {seen}{how}: the first kernel ends in 'invalid device function'.",
        (row, listed),
        expected=f"one of {', '.join(sorted(targets))}",
        found=seen,
        hint=_right_override(real, targets, tables),
        about=gpu.name,
    )


def _without_rocblas(said: str, gpu: Gpu, row: NoRocblas, tables: Tables) -> Finding:
    last = tables.rocm.last_with(gpu.gfx or "")
    take = f"take torch {last[0].torch} for ROCm {last[1]}, the last wheel that has them, or " if last else ""
    return failed_by(
        f"rocBLAS of ROCm {row.since} and later has no files for {said}: the first matrix product ends in "
        "'rocBLAS error: Cannot read .../TensileLibrary.dat', although torch has code for that target.",
        (row, f"rocBLAS has no files for {', '.join(row.gfx)} since ROCm {row.since}"),
        expected=f"a wheel of a ROCm before {row.since}",
        found=gpu.gfx or "",
        hint=f"{take}build rocBLAS for {gpu.gfx}",
        about=gpu.name,
    )


def _served(gpu: Gpu, seen: str, targets: frozenset[str], value: str | None, tables: Tables) -> Finding:
    real = gpu.gfx or ""
    if not value or seen == real:
        restates = f"; {OVERRIDE}={value} restates it" if value else ""
        return passed(f"torch has code for {label(gpu)}{restates}.", EXACT)
    if real in targets:
        return warned(
            f"{OVERRIDE}={value} is not needed: torch has code for {real}, and the override hides it.",
            EXACT,
            expected=f"no override for {real}",
            found=f"{OVERRIDE}={value}",
            hint=f"remove {OVERRIDE}: the kernels made for {real} are then used",
            about=gpu.name,
        )
    known = tables.rocm.override(real)
    sound = f" ({known.source})" if known and known.claims == seen else ""
    return warned(
        f"{label(gpu)} runs as {seen} by {OVERRIDE}={value}: a configuration that AMD does not "
        f"support{sound}.",
        EXACT,
        expected=f"code for {real}",
        found=f"{seen} by override",
        hint="check the results against the CPU; a build for the real target needs no override",
        about=gpu.name,
    )


def _judge_own_build(gpu: Gpu, env: Environment) -> Finding:
    real = gpu.gfx or ""
    value = override(env)
    seen = (gfx_of(value) if value else real) or real
    arches = re.split(r"[;, ]+", env.stack.env.get("PYTORCH_ROCM_ARCH", "").strip()) if env.stack.env else []
    arches = [arch for arch in (*arches, *env.stack.arch_list) if arch.startswith("gfx")]
    if not arches:
        return skipped(
            "the gfx list of the own build is not stated, so the GPUs were not held against it",
            hint="state PYTORCH_ROCM_ARCH in env",
        )
    if seen in arches:
        return passed(f"torch is built for {', '.join(arches)}, which serves {label(gpu)}.", EXACT)
    return failed(
        f"torch is built for {', '.join(arches)}, and {label(gpu)} is {seen}.",
        EXACT,
        expected=f"PYTORCH_ROCM_ARCH with {seen}",
        found=", ".join(arches),
        hint=f"add {seen} to PYTORCH_ROCM_ARCH and build again",
        about=gpu.name,
    )


def _override_faults(env: Environment) -> bool:
    value = override(env)
    return bool(value and gfx_of(value) is None)
