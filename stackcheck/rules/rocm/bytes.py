"""Rules about an AMD machine as the target sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.model.evidence import Evidence, Level
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, told, warned
from stackcheck_probes.judging.rocmfit import (
    OVERRIDE,
    effective_gfx,
    nodes_open,
    refused_override,
    usable,
    visible,
)

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck_probes.facts.machine import RocmHost


def _concerns_rocm(facts: Facts) -> bool:
    """The stack wants ROCm, or (when it does not say) there is something of ROCm here."""
    seen, wanted = facts.get("rocm_host"), wanted_accelerator(facts["stack"])
    if wanted is not None:
        return bool(wanted == "rocm")
    return isinstance(seen, Mapping) and bool(seen["kfd"]["exists"] or seen["rocm"] or seen["override"])


@rule("ROCM301", when=_concerns_rocm, about="file")
def device_nodes_are_accessible(rocm_host: RocmHost) -> list[Finding]:
    """/dev/kfd and the render nodes can be opened by the user that runs the stack.

    They belong to a group (render or video) whose number differs between host and image, so that a name in
    the image helps nothing: `Unable to open /dev/kfd read-write: Permission denied`.

    Source: github.com/ROCm/ROCm-docker/issues/116 (checked 2026-11-20).
    Example: a container with --group-add=render, whose render group is 109 and the host's 992.
    Fix: --device=/dev/kfd --device=/dev/dri --group-add=NUMBER, the number of the group of /dev/kfd.
    """
    return [told(judged, about=judged.found) for judged in nodes_open(rocm_host)]


def _overrides(facts: Facts) -> bool:
    seen = facts.get("rocm_host")
    return isinstance(seen, Mapping) and bool(seen["override"])


@rule("ROCM302", when=_overrides, about="variable")
def gfx_override_is_sound(rocm_host: RocmHost) -> list[Finding]:
    """HSA_OVERRIDE_GFX_VERSION has the form that the runtime takes, and what it changes is known.

    Three decimals, MAJOR.MINOR.STEPPING; anything else makes the runtime find no GPU at all. It must be set
    before the process starts. Where it claims another gfx than the hardware's, code for that gfx is loaded:
    sound only where the hardware's instructions include the claimed ones, and not supported by AMD.

    Source: ROCm/ROCR-Runtime, libhsakmt/src/topology.c (checked 2026-11-20).
    Example: HSA_OVERRIDE_GFX_VERSION=gfx1030 instead of 10.3.0.
    Fix: write it as three decimals, or unset it where torch has code for the GPU.
    """
    findings = []
    for node, row in rocm_host["override"].items():
        name = OVERRIDE + ("" if node == "all" else f"_{node}")
        real = [gpu["gfx"] for gpu in rocm_host["gpus"] if node in ("all", gpu["node"])]
        refused = refused_override(node, row)
        if refused is not None:
            findings.append(told(refused, about=name))
        elif not real:
            text = f"{name} claims {row['gfx']}; no AMD GPU is here to compare it with"
            findings.append(skipped(text)._replace(level=Level.GPU))
        elif set(real) == {row["gfx"]}:
            findings.append(passed(f"{name} states what the GPU is, {row['gfx']}"))
        else:
            findings.append(
                warned(
                    f"{name} makes {', '.join(sorted(set(real)))} run code for {row['gfx']}, "
                    "which AMD does not support",
                    expected=", ".join(sorted(set(real))),
                    found=str(row["gfx"]),
                    hint="unset it where torch has code for the GPU itself",
                    about=name,
                )
            )
    return findings


def _wanted_gfx(stack: Stack, rocm_host: RocmHost) -> set[str]:
    """Return the gfx that code must be there for: this machine's GPUs, else the stack's."""
    here = set(effective_gfx(rocm_host).values())
    return here or {gpu.gfx for gpu in stack.gpus if gpu.gfx}


@rule("ROCM303", when=_concerns_rocm, about="GPU")
def rocblas_has_the_gfx(stack: Stack, rocm_host: RocmHost) -> list[Finding]:
    """RocBLAS has kernels for the GPU.

    Its library folder holds one set of files for each gfx. Without them the first matrix product ends in
    `rocBLAS error: Cannot read .../TensileLibrary.dat ... for GPU arch`; torch's own code for the gfx does
    not help.

    Source: github.com/ROCm/rocBLAS/issues/1339 (checked 2026-11-20).
    Example: gfx803 on ROCm 6, whose rocBLAS must be built again for it.
    Fix: build rocBLAS for the gfx, or use a ROCm that still ships it.
    """
    folders = [row for row in rocm_host["kernel_files"] if row["library"] == "rocblas"]
    wanted = sorted(_wanted_gfx(stack, rocm_host))
    if not folders or not wanted:
        what = "no rocBLAS was found" if not folders else "neither this machine nor the stack names a gfx"
        return [skipped(f"the kernels of rocBLAS were not checked: {what}")]
    findings = []
    for gfx in wanted:
        holding = [row for row in folders if row["gfx"].get(gfx)]
        evidence = [
            Evidence(f"{row['path']}: {', '.join(row['gfx']) or 'none'}", "rocm_host") for row in folders
        ]
        if len(holding) == len(folders):
            count = sum(row["gfx"][gfx] for row in holding)
            findings.append(
                passed(f"rocBLAS has {count} files for {gfx}", *evidence, expected=gfx, found=gfx)
            )
        elif holding:
            missing = [row["path"] for row in folders if row not in holding]
            findings.append(
                warned(
                    f"{', '.join(missing)} has no files for {gfx}, while {holding[0]['path']} has",
                    *evidence,
                    expected=gfx,
                    found="in one of two",
                    hint="which one torch loads depends on its build and LD_LIBRARY_PATH",
                    about=gfx,
                )
            )
        else:
            findings.append(
                failed(
                    f"rocBLAS has no files for {gfx}: the first matrix product will fail",
                    *evidence,
                    expected=gfx,
                    found=", ".join(sorted({name for row in folders for name in row["gfx"]})) or "none",
                    hint=f"build rocBLAS for {gfx}, or use a ROCm that ships it",
                    about=gfx,
                )
            )
    return findings


@rule("ROCM304", when=_concerns_rocm, about="GPU")
def hipblaslt_is_not_forced(stack: Stack, rocm_host: RocmHost) -> Finding | None:
    """Torch does not prefer hipBLASLt where it has no kernels for the GPU.

    torch then warns ("Attempting to use hipBLASLt on an unsupported architecture") and falls back; some
    releases fail inside hipBLASLt instead.

    Source: github.com/pytorch/pytorch/issues/138067 (checked 2026-11-20).
    Example: gfx803 without TORCH_BLAS_PREFER_HIPBLASLT=0.
    Fix: TORCH_BLAS_PREFER_HIPBLASLT=0.
    """
    folders = [row for row in rocm_host["kernel_files"] if row["library"] == "hipblaslt"]
    wanted = _wanted_gfx(stack, rocm_host)
    if not folders or not wanted:
        return None
    without = sorted(gfx for gfx in wanted if not any(row["gfx"].get(gfx) for row in folders))
    value = rocm_host["variables"].get("TORCH_BLAS_PREFER_HIPBLASLT")
    if not without:
        return passed(f"hipBLASLt has kernels for {', '.join(sorted(wanted))}")
    if value == "0":
        return passed(
            f"hipBLASLt has no kernels for {', '.join(without)}, and torch is told not to prefer it"
        )
    return warned(
        f"hipBLASLt has no kernels for {', '.join(without)}, and torch may prefer it",
        expected="TORCH_BLAS_PREFER_HIPBLASLT=0",
        found=f"TORCH_BLAS_PREFER_HIPBLASLT={value}" if value is not None else "not set",
        hint="set TORCH_BLAS_PREFER_HIPBLASLT=0",
        about=without,
    )


@rule("ROCM305", when=_concerns_rocm, about="variable")
def rocm_devices_are_visible(rocm_host: RocmHost) -> list[Finding] | None:
    """ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES leave GPUs that exist.

    The first is read by the runtime below; of what it leaves, HIP_VISIBLE_DEVICES counts, else
    CUDA_VISIBLE_DEVICES, which HIP reads as well. Reading ends at the first word that names no GPU.

    Source: ROCm's guide to GPU isolation (read 2026-11-30).
    Example: HIP_VISIBLE_DEVICES=1 after ROCR_VISIBLE_DEVICES=1 has left one GPU, whose number then is 0.
    Fix: correct the value, or unset it.
    """
    names = ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
    gpus, variables = usable(rocm_host), rocm_host["variables"]
    if not gpus or not any(name in variables for name in names):
        return None
    left, judged = visible(gpus, variables)
    return [told(each, about=each.found) for each in judged] or [
        passed(f"{len(left)} of {len(gpus)} GPUs are visible.")
    ]
