"""The third step: have a target for a stack, or say why there is none. Fact: `building`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck import targets
from stackcheck.model.errors import BuildFailedError, EngineError, EngineUnreachableError, NoPythonError
from stackcheck.model.facts import Fault, Missing
from stackcheck.model.verdict import Level, Outcome
from stackcheck.steps.claiming import brings_its_own
from stackcheck.steps.probing import observed
from stackcheck.targets.registry import DEFAULT, engines_that, without_containers
from stackcheck.targets.reuse import ReusingEngine
from stackcheck.targets.venv import find_python, platform_here

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.model.resolution import Resolution
    from stackcheck.model.verdict import Verdict
    from stackcheck.steps.options import Options
    from stackcheck.targets import Engine, Progress, Target


_NO_ENGINE = "not built: {} does not answer and no engine was chosen"
_START_ONE = "start it, or take --engine {}, which runs the stack's code as this user"


BY_IMAGES = "build it with an engine whose images bring what it is for: --engine docker"


def unbuilt(reason: str, hint: str = "") -> Missing:
    """Return what stands for a target that was not built: nothing of it was reached."""
    return Missing(reason, level=Level.RUN, hint=hint)


def reason_not_to_build(early: Iterable[Verdict], facts: Facts, options: Options) -> str:
    """Return why nothing is built, "" when nothing stands against it."""
    stack: Stack = facts["stack"]
    # What is only looked at is there already, whatever the indexes say of it today.
    makes = not options.engine or options.engine in engines_that("builds")
    if makes and isinstance(facts["resolution"], Missing) and stack.packages and not brings_its_own(stack):
        return f"nothing was built: {facts['resolution'].reason}"
    failed = sorted({verdict.code for verdict in early if verdict.outcome is Outcome.FAIL and verdict.counts})
    if failed and not options.keep_going:
        return (
            f"nothing was built, because {', '.join(failed)} failed before; --keep-going builds all the same"
        )
    return ""


def built(
    stack: Stack,
    resolution: Resolution | Missing,
    options: Options,
    progress: Progress,
    family: Sequence[Stack] = (),
) -> dict[str, Any]:
    """Build the stack and probe it; return the facts of both.

    Where no engine was asked for and the default one does not answer, nothing of the stack is run.
    `family` are the stacks of the same call: see `left_to_another`.
    """
    wheels = None if isinstance(resolution, Missing) else resolution
    try:
        engine = targets.choose(options.engine, progress, cache=options.build.cache)
    except EngineUnreachableError as error:
        if options.engine:
            return {"building": Fault(str(error))}
        progress(f"{stack.id}: nothing of it is run: {error}")
        return {"building": unbuilt(_NO_ENGINE.format(DEFAULT), _START_ONE.format(without_containers()))}
    except EngineError as error:
        return {"building": Fault(str(error))}
    if options.cached:
        engine = ReusingEngine(engine, options.build.cache, progress)
    try:
        if reason := why_not_here(stack, engine, family, options):
            progress(f"{stack.id}: {reason}")
            return {"building": unbuilt(reason, BY_IMAGES)}
        return prepared(stack, engine, wheels, options, progress)
    finally:
        engine.close()


def not_built(building: Target | Missing | Fault) -> bool:
    """Tell whether nothing was built for a reason that is not the stack's, so that its files still count."""
    return isinstance(building, Missing) or (isinstance(building, Fault) and not building.proven)


def why_not_here(stack: Stack, engine: Engine, family: Sequence[Stack], options: Options) -> str:
    """Return why an engine that answers builds nothing of a stack; "" when it does."""
    if engine.capabilities.files_only:
        return f"not built: the engine {engine.name} looks at files alone"
    if not engine.capabilities.local_pythons:
        return ""
    here = platform_here()
    if stack.platform and stack.platform != here:
        return f"not built: the stack is for {stack.platform}, this machine is {here}"
    return left_to_another(stack, family, options)


def left_to_another(stack: Stack, family: Sequence[Stack], options: Options) -> str:
    """Return why this member of a family is not built here; "" when it is.

    An engine that has only this machine's Pythons takes the members of a family that fit them.
    """

    def here(member: Stack) -> bool:
        return bool(member.python and find_python(member.python, options.build.environ))

    others = [each for each in family if each.family == stack.family and each.id != stack.id]
    if not others or not stack.python or here(stack):
        return ""
    taken = next((each.id for each in others if here(each)), "")
    return (
        taken
        and f"not built: there is no Python {stack.python} on this machine, {taken} stands for its family"
    )


def prepared(
    stack: Stack, engine: Engine, wheels: Resolution | None, options: Options, progress: Progress
) -> dict[str, Any]:
    """Have the engine's target and probe it; return the facts of both."""
    try:
        target = engine.prepare(stack, wheels, options.build, progress)
    except BuildFailedError as error:
        return {"building": Fault(str(error), proven=True, log_tail=error.log_tail, log_file=error.log_file)}
    except NoPythonError as error:
        return {"building": unbuilt(f"not built: {error.reason}", BY_IMAGES)}
    except EngineError as error:
        return {"building": Fault(str(error))}
    return {"building": target} | observed(stack, engine, target, options, progress)
