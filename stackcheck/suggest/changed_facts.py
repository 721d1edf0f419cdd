"""What the rules see of a changed definition: the Environment, and the Dockerfile that would state it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcheck.environment.dockerfile import with_dockerfile
from stackcheck.images.dockersteps import with_base

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts


def facts_of(facts: Facts, stack: Stack) -> dict[str, Any]:
    """Return the facts that a changed definition has of its own; nothing of it was resolved.

    A base image that a Dockerfile states is another one in that file, too.
    """
    env, text = facts["env"].changed(stack), facts.get("dockerfile")
    if not isinstance(text, str):
        return {"stack": stack, "env": env}
    before, now = facts["stack"].image.base, stack.image.base
    if before and now:
        text = with_base(text, before, now)
    stated = with_dockerfile(stack, text, facts["tables"])
    return {"stack": stack, "env": replace(env, stack=stated), "dockerfile": text}
