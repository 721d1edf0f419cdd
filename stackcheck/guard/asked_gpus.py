"""Whether an image asks for GPUs, and what is said of its torch then: two statements of one image. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.model.verdict import Outcome
from stackcheck.rules.registry import RULES, judge_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck_probes.facts.python import ReachableTorch

NVIDIA = ("NVIDIA_VISIBLE_DEVICES", "NVIDIA_REQUIRE_CUDA", "CUDA_VERSION")
AMD = ("ROCM_VERSION", "PYTORCH_ROCM_ARCH", "ROCM_PATH")
NOT_ASKING = ("", "none", "void")
"""Values of NVIDIA_VISIBLE_DEVICES that ask for no GPU (NVIDIA Container Toolkit, read 2026-11-30)."""


def asked(env: Mapping[str, str]) -> tuple[str, str]:
    """Return "cuda" or "rocm" and the variable that says so; two empty texts where an image asks for none.

    The variables are those of NVIDIA's and AMD's base images.
    """
    if env.get("NVIDIA_VISIBLE_DEVICES", "all") in NOT_ASKING:
        return "", ""
    for accelerator, names in (("cuda", NVIDIA), ("rocm", AMD)):
        for name in names:
            if env.get(name):
                return accelerator, f"{name}={env[name][:60]}"
    return "", ""


def torch_notes(
    stack: Stack, torch: ReachableTorch | None, seen: Mapping[str, Any], env: Mapping[str, str]
) -> Iterator[list[str]]:
    """Yield kind, outcome, message, expected, found and hint of what a start will say of torch every time."""
    python = seen["interpreter"]["executable"]
    accelerator, why = asked(env)
    wanted = wanted_accelerator(stack) or accelerator
    if torch is None:
        yield from _no_torch(stack, python, wanted, why or f"accelerator = {wanted!r} in the stack")
        return
    if accelerator and not stack.accelerator and not (torch.get("cuda") or torch.get("hip")):
        text = f"torch {torch['version']} is a build for the CPU, and the image asks for GPUs ({why})."
        hint = "install torch from an index with GPU builds, or take the variable out of the image"
        yield ["versions", "WARN", text, "a torch with CUDA or ROCm", "a build for the CPU", hint]
    for verdict in judge_one(RULES["PYTHON304"], {"stack": stack, **seen}):
        if verdict.outcome in {Outcome.FAIL, Outcome.WARN}:
            row = [verdict.outcome.name, verdict.message, verdict.expected, verdict.found, verdict.hint]
            yield ["two-torches", *row]


def _no_torch(stack: Stack, python: str, wanted: str, why: str) -> Iterator[list[str]]:
    if stack.packages and "torch" not in stack.packages:
        return  # the stack says what it is made of
    text = f"no torch was found by {python}"
    if wanted in {"cuda", "rocm"}:
        text += f", and GPUs are asked for ({why}): what computes there was not checked."
        hint = "name the interpreter that runs (--python PATH), or say with --stack what the image is made of"
        yield ["versions", "ERROR", text, "a torch", "none", hint]
    else:
        yield ["versions", "SKIP", f"{text}: nothing about GPUs is checked.", "", "", ""]


def cuda_of_image(env: Mapping[str, str]) -> str:
    """Return the CUDA version that an image states, such as "12.4"; "" where it does not."""
    parts = env.get("CUDA_VERSION", "").split(".")
    return ".".join(parts[:2]) if len(parts) > 1 and all(part.isdecimal() for part in parts[:2]) else ""
