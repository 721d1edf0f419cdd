"""What several subjects say of the facts of probes: errors, missing imports, results that are wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.rules.registry import NO_ANSWER, Finding, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck_probes.facts.measured import BesideTorch, Check, ErrorFact, Loaded

MAX_TEXT = 400


def error_text(error: ErrorFact) -> str:
    """Return an exception as one line: its type, its text, and the place when it has no text."""
    said = str(error.get("message") or error.get("at") or "no text")
    return f"{error.get('type')}: {' '.join(said.split())}"[:MAX_TEXT]


def not_importable(name: str, facts: Loaded, *, hint: str) -> Finding | None:
    """Fail when a package is not there or its import raises; None when it imports."""
    if not facts.get("installed"):
        absent = failed(
            f"{name} is not installed in the target",
            expected=f"{name} can be imported",
            found="no package of that name",
            hint=f"install {name}, or take it out of the stack",
            about=name,
        )
        return absent._replace(question=NO_ANSWER)
    error = facts.get("import_error")
    if not error:
        return None
    version = facts.get("version") or facts.get("distribution_version") or ""
    return failed(
        f"{' '.join(filter(None, (name, version)))} is installed and does not import: {error_text(error)}",
        *([Evidence(str(error["at"]))] if error.get("at") else []),
        expected=f"import {name} works",
        found=str(error.get("type")),
        hint=hint,
        about=name,
    )


def judged(subject: str, checks: Mapping[str, Check] | None, *, hint: str) -> Finding:
    """Judge numeric checks (name -> facts of `measure.error_facts`): all within tolerance, or which not."""
    if not checks:
        return skipped(f"{subject}: the probe reports no check")
    wrong = {name: why for name, facts in checks.items() if (why := _why_wrong(facts))}
    if not wrong:
        worst = max(facts["max_rel_error"] or 0.0 for facts in checks.values())
        names, verb = ", ".join(checks), "agrees" if len(checks) == 1 else "agree"
        return passed(f"{subject}: {names} {verb} with the reference, largest relative error {worst:.1e}")
    name, why = next(iter(wrong.items()))
    more = f" (and {len(wrong) - 1} more: {', '.join(list(wrong)[1:])})" if len(wrong) > 1 else ""
    return failed(
        f"{subject}: {name} {why}{more}",
        expected=_tolerance(checks[name]),
        found=why,
        hint=hint,
        about=wrong,
    )


def _why_wrong(facts: Check) -> str:
    """Return what is wrong with one check, "" for nothing."""
    if error := facts.get("error"):
        return f"raises {error_text(error)}"
    if not facts.get("finite"):
        return "gives values that are not finite"
    if facts["shape"] != facts["expected_shape"]:
        return f"gives shape {facts['shape']}, not {facts['expected_shape']}"
    if facts.get("sites_kept") is False:
        return "puts its output at other sites than the input's"
    relative = math.inf if facts["max_rel_error"] is None else facts["max_rel_error"]
    if relative > facts["tolerance"]:
        return f"is off by {relative:.1e} (relative to the largest value)"
    return ""


def _tolerance(facts: Check) -> str:
    if "tolerance" not in facts:
        return "a result"
    return (
        f"a relative error of at most {facts['tolerance']:.0e}" if facts["tolerance"] else "the exact result"
    )


def as_numbers(version: str, length: int = 2) -> tuple[int, ...]:
    """Return the first numbers of a dotted version: "12.4" is (12, 4); what is no number ends it."""
    numbers: list[int] = []
    for part in version.split(".")[:length]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def from_packed(number: int) -> str:
    """Return CUDA's packed version as text: 12040 is "12.4"."""
    return f"{number // 1000}.{number % 1000 // 10}"


NO_TORCH = "torch does not import, so {} was not tried"


def without_torch(name: str, facts: BesideTorch) -> Finding | None:
    """Skip where torch does not import; None where it does."""
    torch = facts.get("torch")  # not there when the package itself is not installed: then torch was not asked
    if torch is None or (torch.get("installed") and not torch.get("import_error")):
        return None
    return skipped(NO_TORCH.format(name))
