"""mmcv: imported, and computing on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.rules.probe_results import error_text, judged, not_importable, without_torch
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses
from stackcheck.rules.torch.nms import nms_on

if TYPE_CHECKING:
    from stackcheck_probes.facts.packages import MmcvOps


@rule("MMCV301", when=uses("mmcv", "mmcv-full"))
def mmcv_has_its_operators(mmcv_ops: MmcvOps) -> Finding:
    """The compiled operators of mmcv are there and load.

    mmcv builds and imports without them when torch is missing at build time or MMCV_WITH_OPS=0, and no wheel
    exists for most newer torch releases.

    Source: https://github.com/open-mmlab/mmcv/issues/2059 and /3310 ; mmcv setup.py.
    Example: `ModuleNotFoundError: No module named 'mmcv._ext'`.
    Fix: install a wheel for this torch and CUDA, or build with MMCV_WITH_OPS=1 and torch present.
    """
    if skip := without_torch("mmcv", mmcv_ops):
        return skip
    hint = "install an mmcv wheel made for this torch and CUDA, or build it with MMCV_WITH_OPS=1 beside torch"
    if wrong := not_importable("mmcv", mmcv_ops, hint=hint):
        return wrong
    error = mmcv_ops["extension"].get("import_error")
    if error is None:
        return passed(
            f"mmcv {mmcv_ops['version']}: mmcv._ext loads", *map(Evidence, mmcv_ops["extension_files"][:1])
        )
    files = mmcv_ops["extension_files"]
    what = "its extension does not load" if files else "it was built without its operators (no _ext file)"
    return failed(
        f"mmcv {mmcv_ops['version']}: {what}: {error_text(error)}",
        *map(Evidence, files[:1]),
        expected="mmcv._ext loads",
        found=str(error.get("type")),
        hint=hint,
    )


@rule("MMCV302", when=uses("mmcv", "mmcv-full"), about="operator")
def mmcv_operators_compute(mmcv_ops: MmcvOps) -> list[Finding]:
    """`nms` and `roi_align` of mmcv give the right results on the CPU.

    Source: the probe `mmcv_ops` states the inputs and results.
    Example: `nms_impl: implementation for device cpu not found`.
    Fix: rebuild mmcv for the installed torch.
    """
    if (mmcv_ops.get("extension") or {"import_error": True}).get("import_error"):
        return [skipped("mmcv's operators do not load, so none was run")]
    hint = "rebuild mmcv for the installed torch"
    checks = judged(f"mmcv {mmcv_ops['version']}", mmcv_ops.get("checks"), hint=hint)
    return [nms_on("mmcv", mmcv_ops, "cpu", hint), checks]
