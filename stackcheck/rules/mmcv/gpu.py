"""mmcv, computing on the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Level
from stackcheck.rules.registry import Finding, rule, skipped, uses
from stackcheck.rules.torch.nms import nms_on

if TYPE_CHECKING:
    from stackcheck_probes.facts.packages import MmcvOps


@rule("MMCV401", when=uses("mmcv", "mmcv-full"), levels=(Level.GPU,))
def mmcv_operators_run_on_the_gpu(mmcv_ops: MmcvOps) -> Finding:
    """`nms` of mmcv runs on the GPU.

    A `docker build` sees no GPU, and without FORCE_CUDA=1 mmcv is then built without CUDA operators.

    Source: https://github.com/open-mmlab/mmcv/issues/1142 ; mmcv setup.py and docs/en/faq.md.
    Example: `RuntimeError: nms_impl: implementation for device cuda:0 not found.`
    Fix: build mmcv with FORCE_CUDA=1 and TORCH_CUDA_ARCH_LIST set.
    """
    hint = "build mmcv with FORCE_CUDA=1 and TORCH_CUDA_ARCH_LIST set"
    if (mmcv_ops.get("extension") or {"import_error": True}).get("import_error"):
        return skipped("mmcv's operators do not load, so none was run on a GPU")
    return nms_on("mmcv", mmcv_ops, "cuda:0", hint)
