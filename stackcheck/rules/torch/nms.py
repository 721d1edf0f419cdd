"""What torchvision's and mmcv's non-maximum suppression computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.probe_results import error_text
from stackcheck.rules.registry import Finding, failed, passed, skipped

if TYPE_CHECKING:
    from stackcheck_probes.facts.packages import MmcvOps, TorchvisionOps


def nms_on(name: str, facts: TorchvisionOps | MmcvOps, device: str, hint: str) -> Finding:
    """Judge what `nms` of a package kept on a device; skip where it was not run there."""
    if "nms" not in facts:
        return skipped(f"{name} or torch does not import, so nms was not run on {device}")
    result = facts["nms"].get(device)
    if result is None:
        return skipped(f"{name}: nms was not run on {device}: torch sees no GPU here")
    whose = f"{name} {facts.get('version') or ''}".strip()
    if error := result.get("error"):
        return failed(
            f"{whose}: nms on {device} raises {error_text(error)}",
            expected=f"boxes {facts['expected']} are kept",
            found=error["type"],
            hint=hint,
            about="nms",
        )
    if result["kept"] != facts["expected"]:
        return failed(
            f"{whose}: nms on {device} keeps boxes {result['kept']} of three, not {facts['expected']}",
            expected=str(facts["expected"]),
            found=str(result["kept"]),
            hint=hint,
            about="nms",
        )
    return passed(f"{whose}: nms runs on {device} and keeps the right boxes")
