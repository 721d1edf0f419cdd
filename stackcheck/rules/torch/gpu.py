"""An installed torch and torchvision, computing on the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.model.evidence import Evidence, Level
from stackcheck.rules.probe_results import error_text, judged
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses
from stackcheck.rules.torch.gpu_code import Build, coverage, parsed_codes
from stackcheck.rules.torch.nms import nms_on
from stackcheck_probes.binaries.capability import parse_capability

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck_probes.facts.packages import TorchvisionOps
    from stackcheck_probes.facts.torch import GpuDevice, TorchGpu

NO_DRIVER = "Found no NVIDIA driver"


@rule("TORCH401", when=uses("torch"))
def torch_sees_the_gpu(stack: Stack, torch_gpu: TorchGpu) -> Finding | None:
    """The installed torch starts its GPU side where a GPU is.

    `torch.cuda.is_available()` is False without a word; the reason is what `torch.cuda.init()` raises.

    Source: torch/cuda/__init__.py of torch 2.5.0 (`_lazy_init`).
    Example: `CUDA driver version is insufficient for CUDA runtime version`.
    Fix: what the reason says: driver, container flags, CUDA_VISIBLE_DEVICES, or the torch build.
    """
    if torch_gpu.get("import_error") or not torch_gpu.get("installed"):
        return skipped("torch does not import, so it was not tried on the GPU")
    if torch_gpu["available"]:
        names = ", ".join(str(device.get("name")) for device in torch_gpu["devices"])
        return passed(f"torch sees {len(torch_gpu['devices'])} GPU(s): {names}")
    if wanted_accelerator(stack) not in ("cuda", "rocm") or NO_DRIVER in str(torch_gpu["reason"]):
        return skipped(f"torch sees no GPU here: {torch_gpu['reason']}")
    return failed(
        f"a GPU device is there and torch does not start on it: {torch_gpu['reason']}",
        expected="torch.cuda.is_available()",
        found="False",
        hint="look at the driver's version, the container's GPU flags and CUDA_VISIBLE_DEVICES",
    )


@rule("TORCH402", when=uses("torch"), about="GPU")
def torch_computes_on_the_gpu(torch_gpu: TorchGpu) -> list[Finding]:
    """The installed torch computes the right numbers on every GPU.

    matmul and conv2d in float32 (TF32 off) and float16, against float64 on the CPU, each with a stated
    tolerance. A missing kernel image, a broken cuDNN or a sick device shows here.

    Source: the probe `torch_gpu` states input, reference and tolerance.
    Example: `CUDA error: no kernel image is available for execution on the device`.
    Fix: what the error says; if only numbers differ, try another device of the same kind.
    """
    if not torch_gpu.get("available"):
        return [skipped("torch sees no GPU here, so nothing was computed on one")]
    return [_device(device, torch_gpu) for device in torch_gpu["devices"]]


def _device(device: GpuDevice, torch_gpu: TorchGpu) -> Finding:
    which = f"GPU {device['index']}"
    name = f"torch on {which} ({device.get('name') or 'unknown'})"
    if error := device.get("error"):
        return failed(
            f"{name} does not start: {error_text(error)}",
            expected="the device answers",
            found=str(error.get("type")),
            hint="look at nvidia-smi and the kernel log for this device",
            about=which,
        )
    tf32 = torch_gpu.get("tf32")
    forced = tf32["environment"] if tf32 else {}
    note = f"; TF32 is forced on by {', '.join(forced)}" if forced else ""
    hint = "run the same check on another device, and look at cuDNN's and the driver's version" + note
    return judged(name, device.get("checks"), hint=hint)._replace(about=(which,))


@rule("TORCH403", when=uses("torch"), about="GPU")
def torch_has_code_for_this_gpu(stack: Stack, torch_gpu: TorchGpu) -> list[Finding] | None:
    """The installed torch has GPU code for the GPUs that are here.

    As TORCH305, for the devices of this machine and not for the named ones.

    Source: https://docs.nvidia.com/cuda/ada-compatibility-guide/
    Example: an RTX 5090 (12.0) under torch 2.5.0+cu124.
    Fix: take a torch build with code for the GPU.
    """
    if not torch_gpu.get("available") or torch_gpu.get("hip"):
        reason = "torch sees no NVIDIA GPU here, so there is no device to compare the arch list with"
        return [skipped(reason)]
    build = Build(
        f"torch {torch_gpu['version']}", parsed_codes(torch_gpu["arch_list"]), torch_gpu.get("cuda")
    )
    return [
        coverage(build, each["name"], parse_capability(each["capability"]), stack)._replace(
            about=(each["name"],)
        )
        for each in torch_gpu["devices"]
        if each.get("capability")
    ]


@rule("TORCH404", when=uses("torch"), about="GPU")
def stated_gpus_were_tried(stack: Stack, torch_gpu: TorchGpu) -> list[Finding] | None:
    """Every GPU that the stack names was tried.

    A run on one GPU says nothing about another kind; what was not tried is said.

    Source: the devices that torch lists on this machine.
    Example: the stack names L4 and H100, and the run was on an H100.
    Fix: run `stackcheck probe` once on each kind of machine.
    """
    if not stack.gpus:
        return None
    here = {_kind(device): str(device.get("name")) for device in torch_gpu["devices"]}
    found = ", ".join(f"{name} ({kind})" for kind, name in here.items()) or "none"
    return [
        passed(f"{gpu.name}: tried on {here[key]}", Evidence(f"compute capability {key}"))
        if (key := str(gpu.capability or gpu.gfx)) in here
        else skipped(
            f"{gpu.name} ({key}) was not tried: this machine has {found}", hint="run it on such a machine"
        )
        for gpu in stack.gpus
    ]


def _kind(device: GpuDevice) -> str:
    """Return the gfx target of an AMD device, without features (":xnack-"), else the compute capability."""
    return str(device.get("gfx") or device.get("capability")).partition(":")[0]


@rule("VISION401", when=uses("torchvision"), levels=(Level.GPU,))
def torchvision_operators_run_on_the_gpu(torchvision_ops: TorchvisionOps) -> Finding:
    """`nms` of torchvision runs on the GPU and keeps the right boxes.

    Source: the probe `torchvision_ops` states boxes, scores and the boxes to keep.
    Example: "Could not run 'torchvision::nms' with arguments from the 'CUDA' backend" (a CPU build).
    Fix: install torch and torchvision from the same index.
    """
    return nms_on(
        "torchvision", torchvision_ops, "cuda:0", "install torch and torchvision from the same index"
    )
