"""How the facts of the package probes are judged: an import, a set of numeric checks, GPU code for a GPU.

The probes report errors and tolerances (`stackcheck_probes.watching.measure`); here they become findings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.rules.registry import Finding, failed, passed, skipped, warned
from stackcheck.verdict import Evidence
from stackcheck_probes.binaries.capability import NATIVE, NO, PTX, Code, covers, parse_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stackcheck.definition import Stack
    from stackcheck_probes.binaries.capability import Capability
    from stackcheck_probes.facts.measured import Check, ErrorFact, Loaded

COMPATIBILITY_GUIDE = "https://docs.nvidia.com/cuda/ada-compatibility-guide/"
MINOR_COMPATIBILITY = "https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html"
MAX_TEXT = 400


def error_text(error: ErrorFact) -> str:
    """Return an exception as one line: its type, its text, and the place when it has no text."""
    said = str(error.get("message") or error.get("at") or "no text")
    return f"{error.get('type')}: {' '.join(said.split())}"[:MAX_TEXT]


def not_importable(name: str, facts: Loaded, *, hint: str) -> Finding | None:
    """Fail when a package is not there or its import raises; None when it imports."""
    if not facts.get("installed"):
        return failed(
            f"{name} is not installed in the target",
            expected=f"{name} can be imported",
            found="no package of that name",
            hint=f"install {name}, or take it out of the stack",
        )
    error = facts.get("import_error")
    if not error:
        return None
    version = facts.get("version") or facts.get("distribution_version") or ""
    return failed(
        f"{' '.join(filter(None, (name, version)))} is installed and does not import: {error_text(error)}",
        *([Evidence(str(error["at"]))] if error.get("at") else []),
        expected=f"import {name} works",
        found=str(error.get("type")),
        hint=hint,
    )


def judged(subject: str, checks: Mapping[str, Check] | None, *, hint: str) -> Finding:
    """Judge numeric checks (name -> facts of `measure.error_facts`): all within tolerance, or which not."""
    if not checks:
        return skipped(f"{subject}: the probe reports no check")
    wrong = {name: why for name, facts in checks.items() if (why := _why_wrong(facts))}
    if not wrong:
        worst = max(facts["max_rel_error"] or 0.0 for facts in checks.values())
        names, verb = ", ".join(checks), "agrees" if len(checks) == 1 else "agree"
        return passed(f"{subject}: {names} {verb} with the reference, largest relative error {worst:.1e}")
    name, why = next(iter(wrong.items()))
    more = f" (and {len(wrong) - 1} more: {', '.join(list(wrong)[1:])})" if len(wrong) > 1 else ""
    return failed(
        f"{subject}: {name} {why}{more}",
        expected=_tolerance(checks[name]),
        found=why,
        hint=hint,
    )


def _why_wrong(facts: Check) -> str:
    """Return what is wrong with one check, "" for nothing."""
    if error := facts.get("error"):
        return f"raises {error_text(error)}"
    if not facts.get("finite"):
        return "gives values that are not finite"
    if facts["shape"] != facts["expected_shape"]:
        return f"gives shape {facts['shape']}, not {facts['expected_shape']}"
    if facts.get("sites_kept") is False:
        return "puts its output at other sites than the input's"
    relative = math.inf if facts["max_rel_error"] is None else facts["max_rel_error"]
    if relative > facts["tolerance"]:
        return f"is off by {relative:.1e} (relative to the largest value)"
    return ""


def _tolerance(facts: Check) -> str:
    if "tolerance" not in facts:
        return "a result"
    return (
        f"a relative error of at most {facts['tolerance']:.0e}" if facts["tolerance"] else "the exact result"
    )


def parsed_codes(entries: Iterable[str]) -> tuple[Code, ...]:
    """Parse "sm_80", "compute_90", "9.0"; what is no NVIDIA code is left out."""
    codes = []
    for entry in entries:
        try:
            codes.append(parse_code(entry))
        except ValueError:
            continue
    return tuple(codes)


@dataclass(frozen=True, slots=True)
class Build:
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
            f"{build.name} has no code that runs on {name}: it has {build.listed}",
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
    if found.torch_counts is False:
        return warned(f"{build.name} on {name}: {found.note}", *evidence, hint="try it on the device")
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


def as_numbers(version: str, length: int = 2) -> tuple[int, ...]:
    """Return the first numbers of a dotted version: "12.4" is (12, 4); what is no number ends it."""
    numbers: list[int] = []
    for part in version.split(".")[:length]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def from_packed(number: int) -> str:
    """Return CUDA's packed version as text: 12040 is "12.4"."""
    return f"{number // 1000}.{number % 1000 // 10}"
