"""What became of a smoke test, against what its definition says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.model.redact import shown
from stackcheck.rules.registry import Finding, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.model.smoke import Smoke
    from stackcheck_probes.facts.smoke import Ran
    from stackcheck_probes.facts.smoke import Smoke as SmokeFacts

MAX_TEXT = 1500


def has_smoke(level: str) -> Callable[[Facts], bool]:
    """Make a `when`: the stack states smoke tests of this level."""

    def states_some(facts: Facts) -> bool:
        return any(each.level == level for each in facts["stack"].smoke)

    return states_some


def names_of(level: str) -> Callable[[Facts], list[str]]:
    """Make what names the smoke tests of a level: each is a subject of its own."""
    return lambda facts: [each.name for each in facts["stack"].smoke if each.level == level]


def judged_tests(stack: Stack, level: str, facts: SmokeFacts) -> list[Finding]:
    """Judge each test of one level by its own name."""
    ran = {each["name"]: each for each in facts["tests"]}
    stated = [each for each in stack.smoke if each.level == level]
    return [_judged(each, ran.get(each.name))._replace(subject=each.name) for each in stated]


def _judged(smoke: Smoke, ran: Ran | None) -> Finding:
    if ran is None:
        return skipped(f"the smoke test {smoke.name!r}: the probe did not report it.")
    said = _said(ran)
    expected = f"exit {smoke.exit}" + (f" and {shown(smoke.prints, 200)!r} printed" if smoke.prints else "")
    found = _found(smoke, ran)
    if not found:
        return passed(
            f"the smoke test {smoke.name!r}: {expected}, after {ran.get('seconds', 0.0):.1f} s.", *said
        )
    return failed(
        f"the smoke test {smoke.name!r}: {found}; expected was {expected}.",
        *said,
        expected=expected,
        found=found,
        hint=f"run it in the target by hand: {shown(smoke.title, 200)}",
    )


def _found(smoke: Smoke, ran: Ran) -> str:
    """Return what is wrong; "" when all is as it should be."""
    if ran["error"]:
        return f"it could not be started ({shown(ran['error'], 200)})"
    if ran["timed_out"]:
        return f"it did not end within {smoke.timeout_s} s"
    if ran["exit"] is None:
        return f"it was ended by {shown(ran['signal'], 40)}"
    if ran["exit"] != smoke.exit:
        return f"exit {ran['exit']}"
    if not ran.get("printed", True):
        more = "; it printed more than 1 MiB, and what came later was not searched" if ran.get("cut") else ""
        return f"{shown(smoke.prints or '', 200)!r} was not printed{more}"
    return ""


def _said(ran: Ran) -> list[Evidence]:
    streams = (("standard error", ran.get("stderr", "")), ("standard output", ran.get("stdout", "")))
    tails = [(name, shown(text, MAX_TEXT).strip()) for name, text in streams]
    return [Evidence(text[-MAX_TEXT:], f"the end of its {name}") for name, text in tails if text]
