"""Compare a computed tensor with its reference: how far off, in numbers, and against which tolerance.

Every numeric probe reports the same facts, so that one rule can judge them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, TypeVar, cast

from stackcheck_probes.watching import importing

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Attempt, Check

_Attempt = TypeVar("_Attempt", bound="Attempt")


def error_facts(found: Any, reference: Any, tolerance: float) -> Check:
    """Return the largest absolute error of a torch tensor, and relative to the largest |reference|.

    Both are compared in float64 on the CPU. A value that is not finite makes both errors None.
    `tolerance` bounds the relative error; the rule compares, not the probe.
    """
    found, reference = found.detach().cpu().double(), reference.detach().cpu().double()
    facts: Check = {
        "shape": list(found.shape),
        "expected_shape": list(reference.shape),
        "tolerance": tolerance,
        "max_abs_error": None,
        "max_rel_error": None,
        "finite": bool(found.isfinite().all()),
    }
    if facts["finite"] and found.shape == reference.shape:
        error = float((found - reference).abs().max())
        facts["max_abs_error"] = error
        facts["max_rel_error"] = error / max(float(reference.abs().max()), 1e-30)
    return facts


def attempt(check: Callable[..., _Attempt], *arguments: Any) -> _Attempt:
    """Return the facts of `check(*arguments)`; an exception becomes the fact `error`."""
    try:
        facts: Any = {"error": None}
        facts.update(check(*arguments))
    except Exception as error:
        facts = {"error": importing.error_fact(error)}
    return cast("_Attempt", facts)


def one_of_each_kind(torch: Any) -> list[int]:
    """Return the first device of every compute capability: code is made, and chosen, by it."""
    kinds: dict[Any, int] = {}
    for index in range(torch.cuda.device_count()):
        kinds.setdefault(torch.cuda.get_device_capability(index), index)
    return list(kinds.values())
