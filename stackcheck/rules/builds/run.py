"""The build of the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.model.facts import Fault
from stackcheck.rules.registry import Finding, failed, passed, rule

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack

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
        what = "environment" if building.kind == "here" else building.kind
        return passed(f"the {what} {building.name} {made}", Evidence(building.id))
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
