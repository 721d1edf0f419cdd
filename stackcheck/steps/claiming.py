"""The first step: what a stack claims. Facts: `stack`, `tables`, `env`, `dated`, `dockerfile`."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.environment.dockerfile import with_dockerfile
from stackcheck.intake.named import dockerfile_text, smoke_files
from stackcheck.knowledge.dated import dated

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack


def claimed(stack: Stack) -> dict[str, Any]:
    """Return the facts that need only the definition, and the Dockerfile that it names.

    Raises UsageError for a Dockerfile, or a file of a smoke test, that cannot be read.
    """
    smoke_files(stack)
    facts = definition_facts(stack, knowledge.load(), os.environ)
    facts["dated"] = dated(stack.packages, datetime.now(UTC).date())
    if stack.image.dockerfile:
        facts["dockerfile"] = dockerfile_text(stack)
        stated = with_dockerfile(stack, facts["dockerfile"], facts["tables"])
        facts["env"] = replace(facts["env"], stack=stated)
    return facts


def brings_its_own(stack: Stack) -> bool:
    """Tell whether a stack brings a ready image or a Dockerfile, so that nothing of a lock goes into it."""
    return bool(stack.image.ready or stack.image.dockerfile)
