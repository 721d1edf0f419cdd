"""The first step: what a stack claims. Facts: `stack`, `tables`, `env`, `dockerfile`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.environment.dockerfile import with_dockerfile
from stackcheck.model.errors import UsageError
from stackcheck.model.facts import Missing
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack


def claimed(stack: Stack) -> dict[str, Any]:
    """Return the facts that need only the definition, and the Dockerfile that it names."""
    facts = definition_facts(stack, knowledge.load(), os.environ)
    if stack.image.dockerfile:
        path = Path(stack.file).parent / stack.image.dockerfile
        try:
            facts["dockerfile"] = read_text(path)
        except UsageError as error:
            facts["dockerfile"] = Missing(str(error).rstrip("."))
        else:
            stated = with_dockerfile(stack, facts["dockerfile"], facts["tables"])
            facts["env"] = replace(facts["env"], stack=stated)
    return facts


def brings_its_own(stack: Stack) -> bool:
    """Tell whether a stack brings a ready image or a Dockerfile, so that nothing of a lock goes into it."""
    return bool(stack.image.ready or stack.image.dockerfile)
