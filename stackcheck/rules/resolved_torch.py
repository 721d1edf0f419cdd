"""The torch that the pins really resolve to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.build import tag_cuda
from stackcheck.rules.registry import Finding, Findings, failed, passed, rule, skipped, uses, warned
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from stackcheck.definition import Stack
    from stackcheck.resolving.resolution import LockedPackage, Resolution

_RUNTIMES = ("nvidia-cuda-runtime-cu11", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime")


@rule("LOCK204", when=uses("torch"))
def resolved_torch_is_the_stated_build(stack: Stack, resolution: Resolution) -> Findings:
    """The torch that the pins resolve to is the CUDA build that the stack states.

    The same version of torch exists for several CUDA versions and for the CPU; which one is installed is
    decided by the index, not by the pin. The local version of the wheel, or the CUDA runtime that it draws
    in, says which one it is.

    Source: the file names and versions in the resolution.
    Example: torch 2.13.0 from PyPI draws in the CUDA 13.0 runtime, and the stack says cuda = "12.4".
    Fix: pin the local version (2.5.0+cu124) and name the index that has it.
    """
    torch = resolution.by_name.get("torch")  # conda's torch is not pip's choice, and is not among them
    if torch is None or (stack.cuda is None and stack.accelerator is None):
        return None
    evidence = Evidence(torch.filename, torch.index)
    found, why = _build(torch, resolution)
    if found == "":
        return skipped(f"which build torch {torch.version} is cannot be read from its file name", evidence)
    return _judge(stack, torch, found, Evidence(why, torch.index))


def _build(torch: LockedPackage, resolution: Resolution) -> tuple[str, str]:
    """Return "12.4", "12", "cpu", "rocm6.1" or "" for the build of torch, and what says so."""
    local = torch.version.local or ""
    cuda = tag_cuda(local.partition(".")[0]) if local.startswith("cu") else None
    if cuda is not None:
        return str(cuda), torch.filename
    if local.startswith(("cpu", "rocm")):
        return local, torch.filename
    for name in _RUNTIMES:
        if runtime := resolution.by_name.get(name):
            version = runtime.version
            return f"{version.major}.{version.minor}", f"{torch.filename} with {name} {version}"
    return "", torch.filename


def _judge(stack: Stack, torch: LockedPackage, found: str, evidence: Evidence) -> Finding:
    shown = f"CUDA {found}" if found[:1].isdigit() else found
    name = f"torch {torch.version}"
    hint = "pin the local version (such as 2.5.0+cu124) and name the index that has it"
    if stack.accelerator == "cpu":
        if found == "cpu":
            return passed(f"{name} is the CPU build", evidence)
        return warned(
            f"the stack is for the CPU, and {name} resolves to the build for {shown}", evidence, hint=hint
        )
    expected = f"CUDA {stack.cuda}" if stack.cuda else str(stack.accelerator)
    if _agree(stack, found):
        return passed(f"{name} is the build for {shown}", evidence, expected=expected, found=shown)
    return failed(
        f"the stack states {expected}, and the pins resolve to {name} for {shown}",
        evidence, expected=expected, found=shown, hint=hint,
    )  # fmt: skip


def _agree(stack: Stack, found: str) -> bool:
    if stack.cuda and found[:1].isdigit():
        wanted, got = Version(stack.cuda).release, Version(found).release
        length = min(len(wanted), len(got), 2)
        return wanted[:length] == got[:length]
    if stack.cuda:
        return False
    return found.startswith("rocm") if stack.accelerator == "rocm" else found[:1].isdigit()
