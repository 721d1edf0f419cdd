"""What a stack is for: NVIDIA GPUs, AMD GPUs or the CPU. The one place that reads it out of a definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.build import Kind


def wanted_accelerator(stack: Stack, *, by_gpus: bool = True) -> Kind | None:
    """Return what the stack says that it is for; None where it does not say.

    What it states comes first, then a ROCm version, then the GPUs where all are of one maker (not asked
    without `by_gpus`: a GPU says nothing of which build of torch is meant), then a CUDA version.
    """
    if stack.accelerator:
        return stack.accelerator
    if stack.rocm:
        return "rocm"
    kinds = kinds_of_gpus(stack) if by_gpus else set()
    if len(kinds) == 1:
        return next(iter(kinds))
    return "cuda" if stack.cuda and not kinds else None


def kinds_of_gpus(stack: Stack) -> set[Kind]:
    """Return what the stated GPUs compute with: "cuda", "rocm", both, or nothing where none is stated."""
    return {"rocm" if gpu.gfx else "cuda" for gpu in stack.gpus}
