"""Run matmul and conv2d on every GPU that torch sees, and compare with the CPU in float64.

TF32 is switched off, so that float32 means float32: with it, errors of some 3e-4 are right for the hardware
and would hide a wrong kernel. NVIDIA_TF32_OVERRIDE and TORCH_ALLOW_TF32_CUBLAS_OVERRIDE can force it on from
outside (PyTorch documentation, "CUDA semantics"), so they are reported.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.watching import importing, measure

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Check
    from stackcheck_probes.facts.torch import (
        CudnnVersion,
        GpuDevice,
        GpuMemory,
        GpuProperties,
        Tf32,
        TorchGpu,
    )

NAME = "torch_gpu"
GRADE = "gpu"

SEED = 20261120

# Largest error relative to the largest |reference|. float32: matmul sums 384 products (about 1e-6); cuDNN may
# take a Winograd kernel for the convolution, which loses a digit; TF32 would be at about 3e-4. float16: the
# outputs alone are rounded to 11 bits, 5e-4.
TOLERANCE = {
    ("matmul", "float32"): 1e-5,
    ("conv2d", "float32"): 5e-5,
    ("matmul", "float16"): 5e-3,
    ("conv2d", "float16"): 5e-3,
}
_TF32_VARIABLES = ("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")


def run(params: dict[str, Any]) -> TorchGpu:
    """Return for every device its properties and the errors of matmul and conv2d in float32 and float16."""
    del params
    torch, imported = importing.load("torch")
    facts = cast("TorchGpu", imported)
    facts["devices"] = []
    if torch is None:
        return facts
    facts["cuda"], facts["hip"] = torch.version.cuda, torch.version.hip
    facts["available"], facts["reason"] = availability(torch)
    if facts["available"]:
        facts["tf32"] = _without_tf32(torch)
        facts["arch_list"] = list(torch.cuda.get_arch_list())
        facts["driver_cuda"] = _driver(torch)
        facts["cudnn"] = measure.attempt(_cudnn, torch)
        facts["devices"] = [_device(torch, index) for index in range(torch.cuda.device_count())]
    return facts


def availability(torch: Any) -> tuple[bool, str | None]:
    """Tell whether torch starts its GPU side, and in torch's own words why it does not."""
    if torch.cuda.is_available():
        return True, None
    try:
        torch.cuda.init()
    except Exception as error:
        return False, str(error)[: importing.MAX_TEXT]
    return False, "torch.cuda.is_available() is False"


def _without_tf32(torch: Any) -> Tf32:
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cudnn.benchmark = False
    forced = {name: os.environ[name] for name in _TF32_VARIABLES if name in os.environ}
    return {"allowed": False, "environment": forced}


def _driver(torch: Any) -> int | None:
    """Return the CUDA version of the driver (13000 for 13.0), None where torch does not tell."""
    try:
        return int(torch._C._cuda_getDriverVersion())
    except Exception:
        return None


def _cudnn(torch: Any) -> CudnnVersion:
    return {"version": torch.backends.cudnn.version()}


def _device(torch: Any, index: int) -> GpuDevice:
    facts = cast("GpuDevice", measure.attempt(_properties, torch, index))
    facts["index"] = index
    if facts["error"] is None:
        facts["checks"] = {
            f"{name}_{dtype}": measure.attempt(check, torch, f"cuda:{index}", dtype)
            for dtype in ("float32", "float16")
            for name, check in (("matmul", _matmul), ("conv2d", _conv2d))
        }
        facts["memory"] = measure.attempt(_memory, torch, index)
    return facts


def _properties(torch: Any, index: int) -> GpuProperties:
    """Return name, capability ("9.0"), total memory in bytes, processors, and the gfx target on ROCm."""
    properties = torch.cuda.get_device_properties(index)
    return {
        "name": str(properties.name),
        "capability": f"{properties.major}.{properties.minor}",
        "gfx": getattr(properties, "gcnArchName", None) if torch.version.hip else None,
        "total_memory": int(properties.total_memory),
        "multiprocessors": int(properties.multi_processor_count),
    }


def _memory(torch: Any, index: int) -> GpuMemory:
    free, total = torch.cuda.mem_get_info(index)
    return {"free": int(free), "total": int(total)}


def _normal(torch: Any, dtype: str, *shape: int) -> Any:
    generator = torch.Generator().manual_seed(SEED + len(shape))
    return torch.randn(*shape, generator=generator).to(getattr(torch, dtype))


def _matmul(torch: Any, device: str, dtype: str) -> Check:
    left, right = _normal(torch, dtype, 256, 384), _normal(torch, dtype, 384, 320)
    found = left.to(device) @ right.to(device)
    return measure.error_facts(found, left.double() @ right.double(), TOLERANCE["matmul", dtype])


def _conv2d(torch: Any, device: str, dtype: str) -> Check:
    conv2d = torch.nn.functional.conv2d
    images, kernels = _normal(torch, dtype, 4, 16, 32, 32), _normal(torch, dtype, 32, 16, 3, 3)
    found = conv2d(images.to(device), kernels.to(device), padding=1)
    reference = conv2d(images.double(), kernels.double(), padding=1)
    return measure.error_facts(found, reference, TOLERANCE["conv2d", dtype])
