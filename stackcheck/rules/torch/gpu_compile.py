"""torch.compile on the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.probe_results import NO_TORCH, error_text, judged
from stackcheck.rules.registry import Finding, rule, skipped, uses, warned

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import ErrorFact
    from stackcheck_probes.facts.torch import CompiledDevice, CompileTriton

UNSUPPORTED = ("too old to be supported by the triton", "not supported on Python", "not supported on python")
"""What torch says where it does not compile by design: an old GPU, a Python that is newer than it."""


@rule("TORCH406", when=uses("torch"), about="GPU")
def torch_compiles_for_the_gpu(compile_triton: CompileTriton) -> list[Finding]:
    """What torch.compile makes for the GPU computes the same as the eager function.

    On a GPU it makes Triton kernels. That takes the Triton which torch was made with, and a C compiler with
    Python's headers for the launcher: without these it does not work, and nothing else suffers, so it is said
    and is no failure.

    Source: the probe `compile_triton` states function and tolerance; triton/runtime/build.py for the compiler
    (read 2026-11-30).
    Example: `Cannot find a working triton installation`, or a Triton of another release than torch's.
    Fix: the Triton that torch's metadata names; gcc and python3-dev in the image where torch.compile is used.
    """
    if compile_triton.get("import_error") or not compile_triton.get("installed"):
        return [skipped(f"{NO_TORCH.format('torch.compile')}.")]
    if not compile_triton["available"]:
        reason = compile_triton["reason"]
        return [skipped(f"torch sees no GPU here, so torch.compile was not tried: {reason}.")]
    triton = compile_triton["triton"]
    if not triton["installed"]:
        hint = "install the triton that torch's metadata names, if the stack uses torch.compile"
        return [skipped("torch.compile was not tried: Triton is not installed.", hint=hint)]
    if error := triton["import_error"]:
        hint = "install the triton that torch's metadata names"
        text = f"torch.compile does not work: Triton is installed and does not import: {error_text(error)}."
        found = str(error["type"])
        return [warned(text, expected="import triton works", found=found, hint=hint, about="triton")]
    return [_device(each, compile_triton) for each in compile_triton["devices"]]


def _device(device: CompiledDevice, compile_triton: CompileTriton) -> Finding:
    title = f"torch.compile on GPU {device['index']} ({device['name']})"
    error = device["check"].get("error")
    if error and (lacking := _lacking(error, compile_triton)):
        return lacking
    if not error and device["kernels"] == 0:
        return skipped(f"{title} made no Triton kernel, so Triton was not tried.")
    hint = "install the triton that torch's metadata names; TORCH_LOGS=inductor tells more"
    judgement = judged(title, {"the compiled function": device["check"]}, hint=hint)
    return judgement._replace(about=(f"GPU {device['index']}",))


def _lacking(error: ErrorFact, compile_triton: CompileTriton) -> Finding | None:
    """Return what is said where something outside of torch is missing; None for a fault."""
    text = f"{error['type']} {error['message']}"
    if any(words in text for words in UNSUPPORTED):
        return skipped(f"torch.compile does not serve this machine: {error_text(error)}.")
    if compile_triton["c_compiler"] is None:
        hint = "install gcc, or name a compiler in CC, if the stack uses torch.compile"
        return skipped(
            "torch.compile does not work here: there is no C compiler, which Triton needs.", hint=hint
        )
    if not compile_triton["python_headers"] and "Python.h" in text:
        hint = "install python3-dev (Python.h), if the stack uses torch.compile"
        return skipped("torch.compile does not work here: Python's headers are not installed.", hint=hint)
    return None
