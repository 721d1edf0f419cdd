"""Make what a stack states, or tell what that would do; nothing is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck import targets
from stackcheck.model.errors import EngineError
from stackcheck.steps.claiming import brings_its_own
from stackcheck.steps.resolution import known_resolution, locked, resolved
from stackcheck.targets.engine import Planner, about

if TYPE_CHECKING:
    from stackcheck.images.tiers import ChainPlan
    from stackcheck.intake.stack import Stack
    from stackcheck.steps.options import Options
    from stackcheck.targets import Progress, Target


def build(stack: Stack, options: Options, progress: Progress) -> Target:
    """Build a stack from its lock without judging it.

    Raises BuildFailedError when the stack is at fault, EngineError or ResolveError when something else is.
    """
    resolution, progress = None, about(progress, stack.id)
    if not brings_its_own(stack):
        facts = locked(stack, resolved(stack, options, progress), options, progress)
        resolution = known_resolution(stack, facts)
    engine = targets.choose(options.engine, progress, cache=options.build.cache)
    try:
        return engine.prepare(stack, resolution, options.build, progress)
    finally:
        engine.close()


def plan(stack: Stack, options: Options, progress: Progress) -> ChainPlan:
    """Tell what building a stack and the tiers below it would do, and build nothing.

    Raises UsageError for an engine that cannot tell or a stack without a Dockerfile of its own.
    """
    engine = targets.choose(options.engine, progress, cache=options.build.cache, able="plans")
    try:
        if not isinstance(engine, Planner):
            raise EngineError(f"the engine {engine.name} says that it plans, and does not.")
        return engine.plan(stack, options.build)
    finally:
        engine.close()
