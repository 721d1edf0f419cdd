"""Load mmcv's compiled operators and run two of them on the CPU.

mmcv imports well without them (a build without torch, MMCV_WITH_OPS=0, mmcv-lite); only `mmcv._ext` and the
operators tell (open-mmlab/mmcv setup.py and mmcv/utils/ext_loader.py, commit a8073c7, checked 2026-11-20).
"""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.probes.torchvision_ops import BOXES, KEPT, SCORES
from stackcheck_probes.watching import importing, measure

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Check, Kept
    from stackcheck_probes.facts.packages import MmcvCompiled, MmcvOps

NAME = "mmcv_ops"
GRADE = "import"
PRELOAD = "torch"


def run(params: dict[str, Any]) -> MmcvOps:
    """Return mmcv's facts, its extension and how that was compiled, and the results of nms and roi_align."""
    del params
    torch, mmcv, beside = importing.load_beside_torch("mmcv")
    facts = cast("MmcvOps", beside)
    if mmcv is None or torch is None:
        return facts
    folder = os.path.dirname(str(mmcv.__file__))
    facts["extension_files"] = sorted(glob.glob(os.path.join(folder, "_ext*.so")))
    _, facts["extension"] = importing.load("mmcv._ext")
    facts["expected"] = KEPT
    if facts["extension"]["import_error"] is None:
        facts["compiled"] = measure.attempt(_compiled)
        facts["checks"] = {"roi_align": measure.attempt(_roi_align, torch)}
        facts["nms"] = {"cpu": measure.attempt(_nms, torch, "cpu")}
        if torch.cuda.is_available():
            facts["nms"]["cuda:0"] = measure.attempt(_nms, torch, "cuda:0")
    return facts


def _compiled() -> MmcvCompiled:
    from mmcv.ops import get_compiler_version, get_compiling_cuda_version

    return {"cuda": str(get_compiling_cuda_version()), "compiler": str(get_compiler_version())}


def _nms(torch: Any, device: str) -> Kept:
    from mmcv.ops import nms

    _, kept = nms(torch.tensor(BOXES, device=device), torch.tensor(SCORES, device=device), iou_threshold=0.5)
    return {"kept": sorted(kept.cpu().tolist())}


def _roi_align(torch: Any) -> Check:
    """Average a plane x + 10 y over an aligned box: its value at the middle of the box.

    Pixel (x, y) is a sample at its own integer coordinates minus one half (`aligned=True`), so over the box
    from 2 to 6 in both directions the mean is 3.5 + 35.
    """
    from mmcv.ops import roi_align

    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    boxes = torch.tensor([[0.0, 2.0, 2.0, 6.0, 6.0]])
    aligned = True  # by position: mmcv's roi_align is an autograd `apply`, which takes no keywords
    found = roi_align((x + 10 * y)[None, None], boxes, (1, 1), 1.0, 4, "avg", aligned)
    return measure.error_facts(found.flatten(), torch.tensor([38.5]), 1e-5)
