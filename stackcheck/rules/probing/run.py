"""Whether the probes answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.model.facts import Fault
from stackcheck.model.redact import shown
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped

if TYPE_CHECKING:
    from stackcheck.probing.observation import Failure, Observation

HINTS = {
    "timeout": "raise the stack's probes.timeout_s, or --timeout for all probes, if the machine is that slow",
    "memory": "give the machine or the container more memory, or skip the probe (probes.skip)",
}


_HINT = (
    "run it alone to see it: python AGENT --probe NAME; a native crash is often two builds that do not fit"
)


@rule("PROBE301", about="probe")
def probes_answered(observation: Observation) -> list[Finding]:
    """Every probe that was started gave an answer.

    A probe that crashes, hangs or is ended says nothing about the stack, and nothing that it would have seen
    may read as good. The signal and the last lines it printed are the evidence.

    Source: the agent's own record of its child processes (wait status, limits).
    Example: `import torch` ends in SIGSEGV because two OpenMP libraries of different builds are loaded.
    Fix: look at the evidence; run the probe alone in the target.
    """
    failures = observation.failures
    ran = sum(entry.facts is not None for entry in observation.probes.values())
    if not failures:
        return [passed(f"{ran} probe{'s' if ran != 1 else ''} answered")] if ran else []
    return [_broken(name, failure) for name, failure in failures.items()]


def _broken(name: str, failure: Failure) -> Finding:
    tail = shown(failure.stderr_tail, 1500).strip()
    evidence = (Evidence(tail, f"the last output of the probe {name}"),) if tail else ()
    return Finding(
        Outcome.ERROR,
        f"the probe {name} gave no answer: {shown(failure.message, 300)}",
        expected="an answer",
        found=f"{failure.kind} {failure.signal}".strip(),
        hint=HINTS.get(failure.kind, _HINT),
        evidence=evidence,
        about=(name,),
    )


_INSTALL = "install Python 3.8 or newer in it; `stackcheck inspect IMAGE` reads its libraries from outside"


@rule("PROBE302")
def the_probes_answered(probing: Any) -> Finding:
    """The probes gave an answer.

    One agent runs all probes in the target and answers with one document. Without it nothing that has to be
    seen inside the target was inspected.

    Source: the protocol of the agent (`stackcheck_probes`).
    Example: an image without Python, or a container that is killed for memory.
    Fix: the message says what was seen instead of the answer.
    """
    if isinstance(probing, Fault) and probing.proven:
        return failed(probing.message, expected="a Python", found="none", hint=_INSTALL)
    if isinstance(probing, Fault):
        return Finding(Outcome.ERROR, probing.message, hint="nothing inside the target was inspected")
    ran = [name for name, entry in probing.probes.items() if entry.facts is not None]
    if not ran:
        return skipped("no probe ran in the target")
    return passed(f"{len(ran)} of {len(probing.probes)} probes ran under Python {probing.python}")
