"""Whether the wheels of the lock were looked at, for a stack that nothing was built of."""

from __future__ import annotations

from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.model.facts import Fault, Unpacked
from stackcheck.model.redact import shown
from stackcheck.rules.registry import Finding, failed, given, passed, rule, skipped

_TAIL_LINES = 12


@rule("WHEEL301", when=given("unpacked"), about="package")
def wheels_are_unpacked(unpacked: Unpacked | Fault) -> list[Finding]:
    """The wheels of the lock can be had, and their files were looked at.

    They are unpacked for the Python and the platform of the stack, and nothing is run: what they hold can be
    judged on any machine. What comes as source, by conda or with an image is left out. A file that is not the
    one that was locked is a FAIL; an index that does not answer says nothing about the stack.

    Source: the lock (PEP 751), uv's own log, and the record of the agent.
    Example: a locked wheel was deleted from its index.
    Fix: lock again; the end of the log names the file.
    """
    if isinstance(unpacked, Fault):
        return [_not_unpacked(unpacked)]
    findings = [skipped(f"{what}, so its files were not looked at.") for what in unpacked.left_out]
    findings += [
        Finding(Outcome.ERROR, f"The probe {name} gave no answer: {shown(why, 300)}.")
        for name, why in unpacked.failures.items()
    ]
    what = f"{unpacked.wheels} wheel{'' if unpacked.wheels == 1 else 's'} for Python {unpacked.python}"
    size = f"{unpacked.size_bytes / 1e6:,.1f} MB"
    how = "are known by their SHA-256 from an earlier look" if unpacked.kept else "were unpacked"
    return [passed(f"{what} on {unpacked.platform} {how} ({size}); nothing was run."), *findings]


def _not_unpacked(fault: Fault) -> Finding:
    tail = "\n".join(fault.log_tail.splitlines()[-_TAIL_LINES:])
    evidence = (Evidence(tail, fault.log_file),) if tail else ()
    if not fault.proven:
        return Finding(Outcome.ERROR, fault.message, evidence=evidence)
    return failed(
        fault.message,
        *evidence,
        expected="wheels that can be unpacked",
        found="one that cannot",
        hint="lock again (`stackcheck lock`), and look at the end of the log",
        about=fault.message,
    )
