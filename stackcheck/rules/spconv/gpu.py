"""spconv, computing on the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.probe_results import judged
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.rules.spconv.cuda_names import has

if TYPE_CHECKING:
    from stackcheck_probes.facts.spconv import Compilations, SpconvGpu

NOT_TRIED = "torch or spconv does not import, so spconv was not tried on a GPU"


@rule("SPCONV401", when=has("spconv"), about="GPU")
def spconv_computes_on_the_gpu(spconv_gpu: SpconvGpu) -> list[Finding]:
    """A submanifold convolution on the GPU equals a dense convolution at the active sites.

    In float32 and float16, with 16 -> 32 channels, a size that the prebuilt kernels serve. A forward pass
    that merely returns proves little: what is compared is its numbers.

    Source: the probe `spconv_gpu` and its module `sparse` state input, reference and tolerance.
    Example: `this arch isn't supported!`, `invalid device function`.
    Fix: see SPCONV304 for what the build has kernels for.
    """
    if skip := _not_tried(spconv_gpu):
        return [skip]
    hint = "look at SPCONV304 for the kernels of this build; empty input (N = 0) would be a fault of the data"
    return [
        judged(f"spconv on {each['name']} ({each['capability']})", each["checks"], hint=hint)._replace(
            about=(each["name"],),
        )
        for each in spconv_gpu["devices"]
    ]


def _not_tried(spconv_gpu: SpconvGpu) -> Finding | None:
    if "available" not in spconv_gpu:
        return skipped(NOT_TRIED)
    if not spconv_gpu["available"]:
        return skipped(f"torch sees no GPU here: {spconv_gpu['reason']}")
    return None


@rule("SPCONV402", when=has("spconv"), about="compilation")
def spconv_compiled_nothing(spconv_gpu: SpconvGpu) -> Finding:
    """The forward passes on the GPU ran on prebuilt kernels: nothing was compiled at run time.

    Not read from SPCONV_DISABLE_JIT, which does not stop NVRTC, but watched: calls from cumm's extension into
    nvrtcCompileProgram, libnvrtc files that appear, spconv's compile functions, child processes. A control
    compilation afterwards must be counted, or the watch has proved nothing.

    Source: the probe `spconv_gpu`; spconv/algo.py of 2.3.8 for the way into NVRTC.
    Example: "Can't find algo ... in prebuilt. compile with nvrtc..." on a GPU outside the built-in list.
    Fix: a GPU or a build from the list (SPCONV304); what is compiled at run time needs headers and minutes.
    """
    if skip := _not_tried(spconv_gpu):
        return skip
    seen = spconv_gpu["compiled"]
    if compiled := _what_was_compiled(seen):
        return failed(
            f"spconv did not run on prebuilt kernels alone: {'; '.join(compiled)}",
            expected="nothing compiled, no process started",
            found="; ".join(compiled)[:120],
            hint="see SPCONV304 for what the build has kernels for",
            about=compiled,
        )
    if blind := _what_was_not_watched(seen):
        return skipped(f"nothing was seen to be compiled, and the watch was not complete: {'; '.join(blind)}")
    if seen.get("driver_cache"):
        return warned(
            f"no compiler ran, but the driver compiled PTX ({seen['driver_cache']} files in its cache)",
            expected="machine code for this GPU",
            found="PTX",
            hint="the first start on every machine pays for this; take a build with code for the GPU",
            about="PTX",
        )
    return passed(
        "the forward passes compiled nothing: cumm did not call nvrtcCompileProgram (a control call was"
        " counted), no libnvrtc was loaded, no process was started"
    )


def _what_was_compiled(seen: Compilations) -> list[str]:
    processes = seen["processes"]
    found = [f"kernel {name}" for name in seen["kernels"][:3]]
    if seen["nvrtc_calls"]:
        found.append(f"{seen['nvrtc_calls']} call(s) of nvrtcCompileProgram")
    if processes["commands"]:
        found.append(f"started: {', '.join(processes['commands'][:3])}")
    elif processes["reaped"] or processes["running"] > 0:
        found.append("native code started a process")
    return found


def _what_was_not_watched(seen: Compilations) -> list[str]:
    control = seen["control"]
    blind = list(seen["hook_errors"])
    late = [path.rpartition("/")[2] for path in seen["nvrtc_loaded_meanwhile"]]
    blind += [f"{name} was loaded meanwhile, and calls into it were not counted" for name in late]
    if seen["nvrtc_watch_error"]:
        blind.append(f"NVRTC: {seen['nvrtc_watch_error']}")
    elif control.get("nvrtc_calls") != 1:
        blind.append("NVRTC: a control compilation was not counted")
    if not control.get("native_child_noticed"):
        blind.append("processes: a control process was not noticed")
    return blind
