"""Which gfx target a stack for AMD GPUs asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.rules.registry import Finding, failed
from stackcheck_probes.judging.gfx import akin, kin

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.model.facts import Facts

OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"


EXACT = Evidence(
    "a code object for one gfx target runs on that target only",
    "ROCm/TheRock cmake/therock_amdgpu_targets.cmake @89553ce3746e; ROCm/rocBLAS issue 1339 (checked "
    "2026-11-20)",
)


def has_rocm(facts: Facts) -> bool:
    """Ask whether ROCm concerns a stack: the `when` of these rules."""
    env: Environment = facts["env"]
    return env.concerns("rocm")


def label(gpu: Gpu) -> str:
    """Return "RX 6700 XT (gfx1031)", or the target alone where no product is named."""
    return gpu.name if gpu.name == gpu.gfx else f"{gpu.name} ({gpu.gfx})"


def override(env: Environment) -> str | None:
    """Return the value of HSA_OVERRIDE_GFX_VERSION, None when it is not set or empty."""
    return env.stack.env.get(OVERRIDE) or None


def other_instructions(
    gpu: Gpu, seen: str, targets: frozenset[str], env: Environment, tables: Tables
) -> Finding | None:
    """Fail an override to a target of another instruction set, whichever torch it is for."""
    real, value = gpu.gfx or "", override(env)
    if not value or not real or seen == real or akin(real, seen) is not False:
        return None
    if tables.rocm.ran(real, seen, env.torch.rocm):
        return None
    return failed(
        f"{OVERRIDE}={value} makes {label(gpu)} pass for {seen}, another instruction set.",
        EXACT,
        expected=f"a target of {kin(real)}",
        found=f"{seen} on {real}",
        hint=_right_override(real, targets, tables),
        about=gpu.name,
    )


def _right_override(real: str, targets: frozenset[str], tables: Tables) -> str:
    if real in targets:
        return f"remove {OVERRIDE}: torch has code for {real}"
    row = tables.rocm.override(real)
    if row is not None and row.claims in targets:
        return (
            f"set {OVERRIDE}={row.value} ({row.claims}), as others do for {real}, or build torch for {real}"
        )
    return f"build torch for {real} (PYTORCH_ROCM_ARCH={real}), or take a release whose list has it"
