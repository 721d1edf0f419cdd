"""Compare a computed tensor with its reference: how far off, in numbers, and against which tolerance.

Every numeric probe reports the same facts, so that one rule can judge them all.
"""

from __future__ import annotations

from typing import Any, Callable

from stackcheck_probes.watching import importing


def error_facts(found: Any, reference: Any, tolerance: float) -> dict[str, Any]:
    """Return the largest absolute error of a torch tensor, and relative to the largest |reference|.

    Both are compared in float64 on the CPU. A value that is not finite makes both errors None.
    `tolerance` bounds the relative error; the rule compares, not the probe.
    """
    found, reference = found.detach().cpu().double(), reference.detach().cpu().double()
    facts: dict[str, Any] = {
        "shape": list(found.shape),
        "expected_shape": list(reference.shape),
        "tolerance": tolerance,
        "max_abs_error": None,
        "max_rel_error": None,
        "finite": bool(found.isfinite().all()),
    }
    if facts["finite"] and found.shape == reference.shape:
        facts["max_abs_error"] = float((found - reference).abs().max())
        facts["max_rel_error"] = facts["max_abs_error"] / max(float(reference.abs().max()), 1e-30)
    return facts


def attempt(check: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Return the facts of `check(*arguments)`; an exception becomes the fact `error`."""
    try:
        return {"error": None, **check(*arguments)}
    except Exception as error:
        return {"error": importing.error_fact(error)}
