"""The whole story of one stack: claim, resolve, build, observe, judge. Used by the CLI and the pytest plugin.

Rules see what each step left behind as a fact, or as `Missing` with the reason. Nothing here decides about a
stack: a step that fails becomes a fact, and a rule says what it means. The steps are in `stackcheck.steps`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from stackcheck import rules
from stackcheck.model.verdict import Level
from stackcheck.rules.accepting import settled
from stackcheck.rules.alike import Alike
from stackcheck.rules.registry import judge_all
from stackcheck.steps.ahead import ahead
from stackcheck.steps.claiming import claimed
from stackcheck.steps.judging import Run
from stackcheck.steps.making import build, plan
from stackcheck.steps.options import Options
from stackcheck.steps.probing import with_gaps
from stackcheck.steps.resolution import locked, resolved_claim
from stackcheck.storage.reading import stands
from stackcheck.storage.stack_files import lock_path
from stackcheck.targets.engine import about

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.report import Report
    from stackcheck.targets import Engine, Progress

__all__ = [
    "Options",
    "build",
    "check",
    "check_all",
    "plan",
    "probe",
    "verify",
    "verify_all",
]

_ALONE = 8
"""Stacks that are checked before others are checked beside them."""
_RESOLVED_AHEAD = 2
"""Stacks that are resolved while another one is built: uv and the network are what they wait for."""


def check(stack: Stack, options: Options, progress: Progress) -> Report:
    """Judge a stack by its definition, the tables and its resolution; builds nothing.

    With `options.bytes`, by the files of its wheels too: unpacked, and nothing run.
    """
    run, progress = Run("check", stack), about(progress, stack.id)
    facts = resolved_claim(stack, options, progress)
    judge = options.alike.judge if options.alike else judge_all
    early = judge(rules.before_build(), facts)
    if not options.bytes:
        report = run.judged(early, facts)
        if options.alike and facts["lock"] is None:
            options.alike.keep(stack, report)
        return run.told(report)
    from stackcheck.steps.unpacking import unpacked  # noqa: PLC0415 - most checks open no wheel

    files = unpacked(stack, facts, options, progress)
    return run.report((*early, *judge_all(rules.of_files(), facts | files.facts)), facts | files.report)


def check_all(stacks: Iterable[Stack], options: Options, progress: Progress) -> Iterator[Report]:
    """Check several stacks; yield their reports in their order, and keep none.

    Offline they resolve side by side: uv then waits for nobody, so an interrupt is never held up by it. A
    few of them are ahead of the one that is yielded, however many there are. The first ones are checked one
    after the other, because threads that import and read the same wait for each other: a project's few stacks
    take a seventh more. Wheels are unpacked one by one.
    """
    if options.bytes or not options.offline:
        yield from (check(stack, options, progress) for stack in stacks)
        return
    alike, rest = Alike(), iter(stacks)
    options = replace(options, answers={}, alike=alike)
    yield from (check(stack, options, progress) for stack in islice(rest, _ALONE))
    # Twice as many as cores: half of them wait for uv.
    yield from ahead(
        lambda stack: check(stack, options, progress),
        rest,
        2 * (os.cpu_count() or 1),
        known=lambda stack: _told(stack, alike, options),
    )


def _told(stack: Stack, alike: Alike, options: Options) -> Report | None:
    """Return the report of a stack that differs in its name alone from an earlier one; None for any other."""
    run = Run("check", stack)
    known = None if stands(lock_path(stack, options.locks)) else alike.known(stack)
    return run.told(known) if known else None


def verify_all(stacks: Sequence[Stack], options: Options, progress: Progress) -> Iterator[Report]:
    """Verify several stacks one after the other, and yield their reports; the next are resolved meanwhile."""
    found = ahead(lambda stack: resolved_claim(stack, options, progress), stacks, _RESOLVED_AHEAD)
    for stack, facts in zip(stacks, found, strict=True):
        yield verify(stack, options, progress, stacks, facts)


def verify(
    stack: Stack,
    options: Options,
    progress: Progress,
    family: Sequence[Stack] = (),
    facts: dict[str, Any] | None = None,
) -> Report:
    """Do the main job: check, lock, build, probe, report.

    `family` are the stacks that the same call verifies: an engine that has only this machine's Pythons takes
    the members that fit them. Of what cannot be built here, the files of the wheels are looked at. `facts`
    are those of the claim and its resolution, where they are known already.
    """
    from stackcheck.steps.building import (  # noqa: PLC0415 - a check builds nothing
        built,
        not_built,
        reason_not_to_build,
        unbuilt,
    )
    from stackcheck.steps.unpacking import Files, unpacked  # noqa: PLC0415

    run = Run("verify", stack, gpus_wanted=options.build.gpus != "none")
    facts, progress = facts or resolved_claim(stack, options, progress), about(progress, stack.id)
    early = judge_all(rules.before_build(), facts)
    facts = locked(stack, facts, options, progress)
    reason = reason_not_to_build(settled(early, stack), facts, options)
    late_facts: dict[str, Any] = {"building": unbuilt(reason)}
    files = Files({})
    if not reason:
        late_facts = built(stack, facts["resolution"], options, progress, family)
        if not_built(late_facts["building"]):
            files = unpacked(stack, facts, options, progress)
    late = judge_all(rules.of_target(), with_gaps(facts | late_facts | files.facts))
    return run.report((*early, *late), facts | late_facts | files.report, options.build.cache)


def probe(stack: Stack, engine: Engine, options: Options, progress: Progress) -> Report:
    """Probe what exists already (the ready image of the stack, an environment, here), and judge what is seen.

    The engine is the caller's to close. A stack in which nothing is stated judges by the target alone.
    """
    from stackcheck.steps.building import prepared  # noqa: PLC0415 - see verify

    run = Run("probe", stack, gpus_wanted=options.build.gpus != "none")
    claims = claimed(stack)
    facts = claims | prepared(stack, engine, None, options, progress)
    # Rules over the definition see the definition alone: what is installed is not what is claimed.
    early = judge_all(rules.before_build(Level.STATED), claims)
    return run.report((*early, *judge_all(rules.of_target(), with_gaps(facts))), facts)
