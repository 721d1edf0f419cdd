"""Compile a function by torch.compile for the GPU, and compare it with the same function run eagerly.

On a GPU torch.compile makes Triton kernels, which Triton compiles with its own ptxas and a C compiler of the
system for the launcher (triton/runtime/build.py). Both caches lie in a folder of their own, so that what is
seen is a compilation and not an old result, and nothing is left behind.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
import time
from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.watching import importing, measure

if TYPE_CHECKING:
    from stackcheck_probes.facts.torch import CompiledDevice, CompileTriton

NAME = "compile_triton"
GRADE = "gpu"

SEED = 20261130
# float32: sin and exp of Triton's libdevice and of CUDA differ in the last digit or two; a row sums 512.
TOLERANCE = 1e-5
COMPILERS = ("gcc", "clang", "cc")


def run(params: dict[str, Any]) -> CompileTriton:
    """Return for one GPU of every kind what the compiled function is off by, and how many kernels it took."""
    del params
    with tempfile.TemporaryDirectory(prefix="stackcheck-triton-") as folder:
        os.environ.update(
            TORCHINDUCTOR_CACHE_DIR=os.path.join(folder, "inductor"),
            TRITON_CACHE_DIR=os.path.join(folder, "triton"),
            TORCHINDUCTOR_COMPILE_THREADS="1",  # no pool of processes beside this one
        )
        return _run()


def _run() -> CompileTriton:
    from stackcheck_probes.probes.torch_gpu import availability

    torch, imported = importing.load("torch")
    facts = cast("CompileTriton", imported)
    facts["devices"] = []
    if torch is None:
        return facts
    facts["available"], facts["reason"] = availability(torch)
    if not facts["available"]:
        return facts
    facts["triton"] = importing.beside(importing.load("triton")[1])
    facts["c_compiler"] = c_compiler()
    facts["python_headers"] = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
    if facts["triton"]["installed"] and not facts["triton"]["import_error"]:
        facts["devices"] = [_device(torch, index) for index in measure.one_of_each_kind(torch)]
    return facts


def c_compiler() -> str | None:
    """Return the C compiler that Triton takes: $CC, else the first of its list on PATH; None without one."""
    stated = os.environ.get("CC")
    return stated or next((found for name in COMPILERS if (found := shutil.which(name))), None)


def _device(torch: Any, index: int) -> CompiledDevice:
    started = time.monotonic()
    facts = cast("CompiledDevice", {"index": index, "name": str(torch.cuda.get_device_name(index))})
    facts["check"] = measure.attempt(_compare, torch, index)
    facts["kernels"] = _kernels(torch)
    facts["seconds"] = round(time.monotonic() - started, 3)
    return facts


def _compare(torch: Any, index: int) -> Any:
    def rows(left: Any, right: Any) -> Any:
        return torch.softmax(torch.sin(left) * right + left, dim=-1)

    generator = torch.Generator().manual_seed(SEED)
    left, right = (torch.randn(256, 512, generator=generator).to(f"cuda:{index}") for _ in ("left", "right"))
    with torch.cuda.device(index), torch.no_grad():
        found = torch.compile(rows, fullgraph=True, dynamic=False)(left, right)
        return measure.error_facts(found, rows(left, right), TOLERANCE)


def _kernels(torch: Any) -> int | None:
    """Return how many kernels were generated in all; None where this torch does not count them."""
    try:
        from torch._inductor import metrics

        return int(metrics.generated_kernel_count)
    except Exception:
        del torch
        return None
