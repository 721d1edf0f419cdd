"""Run torchvision's compiled operators, and say why they are missing when they are.

torchvision swallows the error of loading its `_C.so` (torchvision/extension.py of 0.20.0) and later says only
"operator torchvision::nms does not exist"; this probe loads the file itself and keeps the loader's words.
"""

from __future__ import annotations

import glob
import importlib.metadata
import importlib.util
import os
from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.watching import importing, measure

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Kept
    from stackcheck_probes.facts.packages import Operators, PackedCuda, TorchvisionOps

NAME = "torchvision_ops"
GRADE = "import"
PRELOAD = "torch"

# Boxes 0 and 1 overlap with IoU 81/119 = 0.68, box 2 stands apart: at 0.5 the lower score of the pair goes.
BOXES = ((0.0, 0.0, 10.0, 10.0), (1.0, 1.0, 11.0, 11.0), (50.0, 50.0, 60.0, 60.0))
SCORES = (0.9, 0.8, 0.7)
KEPT = [0, 2]


def run(params: dict[str, Any]) -> TorchvisionOps:
    """Return version, CUDA version of the operators, and what `nms` kept on the CPU and on each GPU."""
    del params
    torch, vision, beside = importing.load_beside_torch("torchvision")
    facts = cast("TorchvisionOps", beside)
    if torch is None:
        return facts
    facts["requires_torch"] = required("torchvision", "torch")
    facts["expected"] = KEPT
    facts["operators"] = _operators(torch)
    if vision is not None:
        facts["cuda"] = measure.attempt(_cuda, torch)
        facts["nms"] = {"cpu": measure.attempt(_nms, torch, "cpu")}
        if torch.cuda.is_available():
            facts["nms"]["cuda:0"] = measure.attempt(_nms, torch, "cuda:0")
    return facts


def required(distribution: str, name: str) -> str | None:
    """Return the `Requires-Dist` line of a distribution that is about `name`, or None."""
    try:
        lines = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for line in lines:
        rest = line[len(name) :].lstrip()
        if line.startswith(name) and (not rest or rest[0] in "=<>!~(;["):
            return line[:200]
    return None


def _operators(torch: Any) -> Operators:
    """Return the file of the operators and the loader's message, which names a missing symbol."""
    spec = importlib.util.find_spec("torchvision")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    files = sorted(path for folder in folders for path in glob.glob(os.path.join(folder, "_C*.so")))
    facts: Operators = {"files": files, "error": None}
    for path in files[:1]:
        try:
            torch.ops.load_library(path)
        except Exception as error:
            facts["error"] = importing.error_fact(error)
    return facts


def _cuda(torch: Any) -> PackedCuda:
    """Return the CUDA version the operators were compiled with: 12040 for 12.4, -1 for a CPU build."""
    return {"version": int(torch.ops.torchvision._cuda_version())}


def _nms(torch: Any, device: str) -> Kept:
    import torchvision

    boxes, scores = torch.tensor(BOXES, device=device), torch.tensor(SCORES, device=device)
    return {"kept": torchvision.ops.nms(boxes, scores, 0.5).cpu().tolist()}
