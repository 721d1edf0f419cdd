"""Run a submanifold convolution on the GPU, compare it with a dense one, and watch that nothing is compiled.

The size (16 -> 32 channels, kernel 3) is one that spconv's prebuilt kernels serve. SPCONV_DISABLE_JIT and
CUMM_DISABLE_JIT do not stop NVRTC (spconv/algo.py of 2.3.8), so flags prove nothing; instead four things are
watched during the forward passes: spconv's own compile functions, the calls of cumm's extension into
nvrtcCompileProgram, libnvrtc files that appear in the process, and child processes. A control compiles a tiny
kernel afterwards: a watch that does not count it has proved nothing.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.probes.torch_gpu import availability
from stackcheck_probes.watching import importing, measure, sparse
from stackcheck_probes.watching.compilewatch import CompileWatch, driver_cache
from stackcheck_probes.watching.spawnwatch import SpawnWatch

if TYPE_CHECKING:
    from stackcheck_probes.facts.spconv import SpconvDevice, SpconvGpu

NAME = "spconv_gpu"
GRADE = "gpu"

DTYPES = ("float32", "float16")


def run(params: dict[str, Any]) -> SpconvGpu:
    """Return the errors of the forward passes on each kind of GPU, and what was compiled meanwhile."""
    del params
    cache = driver_cache()
    try:
        return _run(cache)
    finally:
        if cache is not None:
            shutil.rmtree(cache, ignore_errors=True)


def _run(cache: str | None) -> SpconvGpu:
    imports = SpawnWatch()
    imports.start()
    torch, spconv, beside = importing.load_beside_torch("spconv.pytorch")
    facts = cast("SpconvGpu", beside)
    facts["import_commands"] = imports.stop()["commands"]
    facts["devices"] = []
    if torch is None or spconv is None:
        return facts
    facts["available"], facts["reason"] = availability(torch)
    if facts["available"]:
        torch.backends.cuda.matmul.allow_tf32 = False
        for index in measure.one_of_each_kind(torch):
            # What torch itself loads at first use is not part of the watch: context, sparse conversion.
            spconv.SparseConvTensor.from_dense(torch.ones(1, 2, 2, 2, 16, device=f"cuda:{index}"))
        watch = CompileWatch(cache)
        watch.start()
        facts["devices"] = [_device(torch, spconv, index) for index in measure.one_of_each_kind(torch)]
        facts["compiled"] = watch.stop()
    return facts


def _device(torch: Any, spconv: Any, index: int) -> SpconvDevice:
    with torch.cuda.device(index):
        return {
            "index": index,
            "name": torch.cuda.get_device_name(index),
            "capability": "{}.{}".format(*torch.cuda.get_device_capability(index)),
            "checks": {
                dtype: measure.attempt(sparse.submanifold, torch, spconv, f"cuda:{index}", dtype)
                for dtype in DTYPES
            },
        }
