"""Which GPUs the code of an installed torch runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stackcheck.model.evidence import Evidence
from stackcheck.rules.probe_results import as_numbers
from stackcheck.rules.registry import Finding, failed, passed, warned
from stackcheck_probes.binaries.capability import NATIVE, NO, PTX, Code, covers, parse_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.intake.stack import Stack
    from stackcheck_probes.binaries.capability import Capability

COMPATIBILITY_GUIDE = "https://docs.nvidia.com/cuda/ada-compatibility-guide/"


MINOR_COMPATIBILITY = "https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html"


def parsed_codes(entries: Iterable[str]) -> tuple[Code, ...]:
    """Parse "sm_80", "compute_90", "9.0"; what is no NVIDIA code is left out."""
    codes = []
    for entry in entries:
        try:
            codes.append(parse_code(entry))
        except ValueError:
            continue
    return tuple(codes)


class Build(NamedTuple):
    """Something with GPU code: what it is called, its codes, and the toolkit that made them ("12.4")."""

    name: str
    codes: tuple[Code, ...]
    cuda: str | None

    @property
    def listed(self) -> str:
        """Return the codes as one text: "sm_80 sm_90"."""
        return " ".join(map(str, self.codes)) or "nothing"


def coverage(build: Build, gpu: str, device: Capability, stack: Stack) -> Finding:
    """Say how a build serves one GPU, by the stack's arch mode ("runs" where it states none)."""
    found = covers(build.codes, device)
    evidence = (Evidence(f"{build.name} has code for {build.listed}", COMPATIBILITY_GUIDE),)
    name = gpu if gpu.replace("sm_", "") in (str(device), str(device.sm)) else f"{gpu} ({device})"
    if found.how == NO:
        return failed(
            f"{build.name} has no code that runs on {name}: {found.note or f'it has {build.listed}'}",
            *evidence,
            expected=f"sm_{device.sm}, a lower minor of {device.major}.x, or PTX",
            found=build.listed,
            hint=f"take a build with code for {device}, or take {gpu} out of the stack's GPUs",
        )
    if found.how == NATIVE:
        return passed(f"{build.name} is native on {name}", *evidence, found=str(found.by))
    if stack.arch_mode == "native":
        return failed(
            f"{build.name} runs on {name} by {found.by} and is not native, as the stack asks",
            *evidence,
            expected=f"sm_{device.sm}",
            found=str(found.by),
            hint='build for it, or state arch_mode = "runs"',
        )
    if found.how == PTX and not _driver_knows(stack, build.cuda):
        return _only_by_ptx(build, name, str(found.by), evidence)
    return passed(f"{build.name} runs on {name} by {found.by} (not native)", *evidence, found=str(found.by))


def _only_by_ptx(build: Build, name: str, by: str, evidence: tuple[Evidence, ...]) -> Finding:
    return warned(
        f"{build.name} runs on {name} only by {by}, which the driver compiles at first use;"
        f" it needs a driver of CUDA {build.cuda or 'the toolkit that made it'} or later",
        *evidence,
        Evidence("PTX is outside minor version compatibility", MINOR_COMPATIBILITY),
        expected="machine code for it, or a stated driver_cuda that is new enough",
        found=by,
        hint="state driver_cuda, so that this can be checked",
    )


def _driver_knows(stack: Stack, built_with: str | None) -> bool:
    if stack.driver_cuda is None or built_with is None:
        return False
    return as_numbers(stack.driver_cuda) >= as_numbers(built_with)
