"""Rules about the steps between a lock and an observation: the build, and the run of the probes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.model.facts import Fault
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped
from stackcheck.verdict import Evidence, Outcome

if TYPE_CHECKING:
    from stackcheck.definition import Stack

_TAIL_LINES = 12


@rule("BUILD301")
def the_stack_builds(stack: Stack, building: Any) -> Finding:
    """The stack builds.

    Its image (or virtual environment) is made from the lock, or from the user's own Dockerfile. A step of the
    stack that fails is a FAIL; an engine that does not work, or a base image that cannot be had, says nothing
    about the stack and is an ERROR.

    Source: the build log, kept whole.
    Example: `RUN pip install ...` ends with `No matching distribution found`.
    Fix: the last lines of the log name the step.
    """
    if not isinstance(building, Fault):
        made = "was built" if building.built else "is there already"
        return passed(f"the {building.kind} {building.name} {made}", Evidence(building.id))
    tail = "\n".join(building.log_tail.splitlines()[-_TAIL_LINES:])
    evidence = tuple(Evidence(text, building.log_file) for text in (tail or building.log_file,) if text)
    if building.proven:
        return failed(
            building.message,
            *evidence,
            expected=f"{stack.id} builds",
            found="a step that fails",
            hint=f"the whole log: {building.log_file}"
            if building.log_file
            else "see the end of the log above",
        )
    return Finding(Outcome.ERROR, building.message, evidence=evidence)


@rule("PROBE302")
def the_probes_answered(probing: Any) -> Finding:
    """The probes gave an answer.

    One agent runs all probes in the target and answers with one document. Without it nothing that has to be
    seen inside the target was inspected.

    Source: the protocol of the agent (`stackcheck_probes`).
    Example: an image without Python, or a container that is killed for memory.
    Fix: the message says what was seen instead of the answer.
    """
    if isinstance(probing, Fault):
        return Finding(Outcome.ERROR, probing.message, hint="nothing inside the target was inspected")
    ran = [name for name, entry in probing.probes.items() if entry.facts is not None]
    if not ran:
        return skipped("no probe ran in the target")
    return passed(f"{len(ran)} of {len(probing.probes)} probes ran under Python {probing.python}")
