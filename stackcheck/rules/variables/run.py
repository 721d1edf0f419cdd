"""The environment variables that were seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, states, warned
from stackcheck_probes.credentials import shown_value
from stackcheck_probes.probes.environment import MAX_VALUE

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck_probes.facts.machine import Environment


@rule("ENV301", when=states("env"), about="variable")
def environment_is_the_stack_s(stack: Stack, environment: Environment, building: Any) -> list[Finding]:
    """The environment variables of the stack are set in the target, to the stack's values.

    `RUN export NAME=...` in a Dockerfile ends with its layer, and /etc/environment is read by logins only:
    what a process sees is the ENV of the image and the -e of the run. Outside of an image (a virtual
    environment, this interpreter) they are the caller's to set, so there a difference is a warning.

    Source: docs.docker.com/reference/dockerfile, ENV (checked 2026-11-20).
    Example: HSA_OVERRIDE_GFX_VERSION exported in a RUN step is not set when Python starts.
    Fix: put it into ENV, or pass it with -e; correct the stack if its value is outdated.
    """
    make = failed if getattr(building, "kind", "") == "image" else warned
    findings = []
    for name, wanted in stack.env.items():
        if name not in environment["asked"]:
            findings.append(skipped(f"{name} was not compared: a variable of that name may hold a secret"))
            continue
        found, shown = environment["variables"].get(name), shown_value(name, wanted)[:MAX_VALUE]
        if found == shown or (found is not None and "$" in wanted):
            continue
        findings.append(
            make(
                f"{name} is {'not set' if found is None else repr(found)}, and the stack states {shown!r}",
                expected=f"{name}={shown}",
                found="not set" if found is None else f"{name}={found}",
                hint=f"set it by ENV {name}=... in the image, or by -e when it is run",
                about=name,
            )
        )
    return findings or [passed(f"all {len(stack.env)} variables of the stack are set as stated")]
