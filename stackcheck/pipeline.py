"""The whole story of one stack: claim, resolve, build, observe, judge. Used by the CLI and the pytest plugin.

Rules see what each step left behind as a fact, or as `Missing` with the reason. Nothing here decides about a
stack: a step that fails becomes a fact, and a rule says what it means.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck import agent as agents
from stackcheck import engines, rules, tables
from stackcheck.engines import BuildOptions, Engine, Progress, Target
from stackcheck.engines.contract import Planner
from stackcheck.engines.reuse import ReusingEngine
from stackcheck.engines.venv import find_python
from stackcheck.environment import definition_facts
from stackcheck.errors import (
    BaseImageError,
    BuildFailedError,
    EngineError,
    LockError,
    ProbeError,
    ResolveError,
    UsageError,
)
from stackcheck.observation import parse_observation, rule_facts
from stackcheck.report.model import Hashes, Report, Subject
from stackcheck.resolving import locking, resolve
from stackcheck.resolving.lock import Lock, is_current, lock_path
from stackcheck.resolving.lockfile import write_lock
from stackcheck.resolving.memory import RunMemory
from stackcheck.resolving.resolution import PROVEN, Resolution, Unresolved
from stackcheck.rules.registry import Facts, Fault, Missing, Rule, judge_all
from stackcheck.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.definition import Stack
    from stackcheck.dockerfiles.tiers import ChainPlan
    from stackcheck.resolving.uvrun import UvAnswer

AGENT_MARGIN_S = 60.0
"""What starting a container may take on top of the probes' own time."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say about a run.

    `locks` is the folder of lock files; `keep_going` builds a stack although rules failed before the build;
    `timeout_s` bounds all probes of one target together; `cached` reuses what they saw of this very image.
    `answers` keeps what uv said, for stacks that ask it the same at the same time; `memory` what the run has
    learned of indexes that do not answer, for all its stacks.
    """

    offline: bool = False
    engine: str | None = None
    build: BuildOptions = field(default_factory=BuildOptions)
    locks: Path | None = None
    keep_going: bool = False
    timeout_s: float = 900.0
    cached: bool = False
    answers: dict[tuple[Any, ...], UvAnswer] | None = field(default=None, repr=False, compare=False)
    memory: RunMemory = field(default_factory=RunMemory, repr=False, compare=False)


def check(stack: Stack, options: Options, progress: Progress) -> Report:
    """Judge a stack by its definition, the tables and its resolution; builds nothing."""
    run = _Run("check", stack)
    facts = known(claimed(stack) | resolved(stack, options, progress))
    return run.report(judge_all(stages("12"), facts), facts)


def check_all(stacks: Sequence[Stack], options: Options, progress: Progress) -> list[Report]:
    """Check several stacks, in their order.

    Offline they resolve side by side: uv then waits for nobody, so an interrupt is never held up by it.
    """
    if not options.offline or len(stacks) < 2:
        return [check(stack, options, progress) for stack in stacks]
    options = replace(options, answers={})
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda stack: check(stack, options, progress), stacks))


def verify(stack: Stack, options: Options, progress: Progress, family: Sequence[Stack] = ()) -> Report:
    """Do the main job: check, lock, build, probe, report.

    `family` are the stacks that the same call verifies: an engine that has only this machine's Pythons takes
    the members that fit them, and says of the others that they were not built.
    """
    run = _Run("verify", stack)
    facts = known(claimed(stack) | resolved(stack, options, progress))
    early = judge_all(stages("12"), facts)
    facts = locked(stack, facts, options, progress)
    reason = reason_not_to_build(waive(early, stack), facts, options)
    if reason:
        late_facts: dict[str, Any] = {"building": Missing(reason)}
    else:
        late_facts = built(stack, facts["resolution"], options, progress, family)
    late = judge_all(stages("34"), with_gaps(facts | late_facts))
    return run.report((*early, *late), facts | late_facts)


def probe(stack: Stack, engine: Engine, options: Options, progress: Progress) -> Report:
    """Probe what exists already (the ready image of the stack, an environment, here), and judge what is seen.

    The engine is the caller's to close. A stack in which nothing is stated judges by the target alone.
    """
    run = _Run("probe", stack)
    claims = claimed(stack)
    facts = claims | prepared(stack, engine, None, options, progress)
    # Rules over the definition see the definition alone: what is installed is not what is claimed.
    early = judge_all(stages("1"), claims)
    return run.report((*early, *judge_all(stages("34"), with_gaps(facts))), facts)


def build(stack: Stack, options: Options, progress: Progress) -> Target:
    """Build a stack from its lock without judging it.

    Raises BuildFailedError when the stack is at fault, EngineError or ResolveError when something else is.
    """
    if _brings_its_own(stack):  # nothing of the lock goes into it
        return _prepared_by(stack, None, options, progress)
    facts = locked(stack, resolved(stack, options, progress), options, progress)
    resolution, resolving = facts["resolution"], facts["resolving"]
    if isinstance(resolution, Missing):
        proven = isinstance(resolving, Unresolved) and resolving.kind in PROVEN
        error = BuildFailedError if proven else ResolveError
        raise error(f"{stack.title}: nothing was built: {resolution.reason}")
    return _prepared_by(stack, resolution, options, progress)


def _prepared_by(stack: Stack, resolution: Resolution | None, options: Options, progress: Progress) -> Target:
    engine = engines.choose(options.engine, progress, cache=options.build.cache)
    try:
        return engine.prepare(stack, resolution, options.build, progress)
    finally:
        engine.close()


def plan(stack: Stack, options: Options, progress: Progress) -> ChainPlan:
    """Tell what building a stack and the tiers below it would do, and build nothing.

    Raises UsageError for an engine that builds no images or a stack without a Dockerfile of its own.
    """
    if options.engine not in {None, "docker"}:
        raise UsageError(f"--plan is about images, which the engine {options.engine} does not build")
    engine = engines.choose("docker", progress, cache=options.build.cache)
    try:
        if not isinstance(engine, Planner):
            raise EngineError(f"the engine {engine.name} cannot tell what it would build")
        return engine.plan(stack, options.build)
    finally:
        engine.close()


def claimed(stack: Stack) -> dict[str, Any]:
    """Return the facts that need only the definition, and the Dockerfile that it names."""
    facts = definition_facts(stack, tables.load(), os.environ)
    if stack.image.dockerfile:
        path = Path(stack.file).parent / stack.image.dockerfile
        try:
            facts["dockerfile"] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            facts["dockerfile"] = Missing(f"{path} cannot be read: {error}")
    return facts


def known(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts with the Environment that the resolution makes of the definition."""
    resolution = facts["resolution"]
    if isinstance(resolution, Missing):
        return facts
    return facts | {"env": replace(facts["env"], resolution=resolution)}


def resolved(stack: Stack, options: Options, progress: Progress) -> dict[str, Any]:
    """Return the facts of resolution: what would be installed, or why that is not known."""
    progress(f"{stack.id}: resolving")
    how = resolve.Options(offline=options.offline, answers=options.answers, memory=options.memory)
    return locking.resolution_facts(stack, how, options.locks)


def locked(stack: Stack, facts: dict[str, Any], options: Options, progress: Progress) -> dict[str, Any]:
    """Return the facts with the resolution that a build takes: the committed lock while it is current.

    Where no lock is committed, this one is written, so that the next run builds the same.
    """
    committed, resolution = facts["lock"], facts["resolution"]
    if isinstance(committed, Lock) and is_current(committed, stack):
        return facts | {"resolution": locking.resolution_of(committed)}
    if committed is None and isinstance(resolution, Resolution):
        path = lock_path(stack, options.locks)
        try:
            write_lock(resolution, path)
            progress(f"{stack.id}: wrote {path}")
        except LockError as error:
            progress(f"{stack.id}: no lock was kept: {error}")
    return facts


def built(
    stack: Stack,
    resolution: Resolution | Missing,
    options: Options,
    progress: Progress,
    family: Sequence[Stack] = (),
) -> dict[str, Any]:
    """Build the stack and probe it; return the facts of both.

    Where no engine was asked for and docker has no base image to build on, a virtual environment is made.
    """
    wheels = None if isinstance(resolution, Missing) else resolution
    facts = _built_by(stack, wheels, options, progress, family)
    fault = facts["building"]
    if (
        isinstance(fault, Fault)
        and fault.no_base
        and wheels
        and not options.engine
        and not _brings_its_own(stack)
    ):
        progress(f"{fault.message} Taking the engine venv instead.")
        return _built_by(stack, wheels, replace(options, engine="venv"), progress, family)
    return facts


def _built_by(
    stack: Stack,
    wheels: Resolution | None,
    options: Options,
    progress: Progress,
    family: Sequence[Stack],
) -> dict[str, Any]:
    try:
        engine = engines.choose(options.engine, progress, cache=options.build.cache)
    except EngineError as error:
        return {"building": Fault(str(error))}
    if options.cached:
        engine = ReusingEngine(engine, options.build.cache, progress)
    try:
        if engine.name == "venv" and (reason := _left_to_another(stack, family, options)):
            progress(f"{stack.id}: {reason}")
            return {"building": Missing(reason)}
        return prepared(stack, engine, wheels, options, progress)
    finally:
        engine.close()


def _left_to_another(stack: Stack, family: Sequence[Stack], options: Options) -> str:
    """Return why this member of a family is not built here; "" when it is."""

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
    except EngineError as error:
        return {"building": Fault(str(error), no_base=isinstance(error, BaseImageError))}
    return {"building": target} | observed(stack, engine, target, options, progress)


def observed(
    stack: Stack, engine: Engine, target: Target, options: Options, progress: Progress
) -> dict[str, Any]:
    """Run the probes in a target; return what they saw."""
    progress(f"{stack.id}: probing {target.kind} {target.name}")
    facts: dict[str, Any] = {"image": target.image}
    try:
        request = agents.request_for(stack)
        document = engine.run_agent(
            target, packed_agent(), request, timeout_s=options.timeout_s + AGENT_MARGIN_S
        )
        observation = parse_observation(document)
    except (ProbeError, EngineError) as error:
        return facts | {"probing": Fault(str(error))}
    return facts | {"probing": observation, "document": json.loads(document)} | rule_facts(observation)


@cache
def packed_agent() -> bytes:
    """Return the agent, packed once a process."""
    return agents.pack()


def stages(digits: str) -> tuple[Rule, ...]:
    """Return the rules whose hundreds digit is one of these."""
    return tuple(each for each in rules.load_all() if each.code[-3] in digits)


def reason_not_to_build(early: Iterable[Verdict], facts: Facts, options: Options) -> str:
    """Return why nothing is built, "" when nothing stands against it."""
    stack: Stack = facts["stack"]
    if isinstance(facts["resolution"], Missing) and stack.packages and not _brings_its_own(stack):
        return f"nothing was built: {facts['resolution'].reason}"
    failed = sorted({verdict.code for verdict in early if verdict.outcome is Outcome.FAIL and verdict.counts})
    if failed and not options.keep_going:
        return (
            f"nothing was built, because {', '.join(failed)} failed before; --keep-going builds all the same"
        )
    return ""


def _brings_its_own(stack: Stack) -> bool:
    return bool(stack.image.ready or stack.image.dockerfile)


def with_gaps(facts: dict[str, Any]) -> dict[str, Any]:
    """Fill every fact that a rule needs and nobody brought with the reason for its absence."""
    building, probing = facts.get("building"), facts.get("probing")
    if isinstance(building, Missing):
        gap = building
    elif isinstance(building, Fault):
        gap = Missing("there is no target to look at: the build did not succeed")
    elif isinstance(probing, Fault):
        gap = Missing("the probes gave no answer")
    else:
        gap = Missing("this probe was not run")
    needed = {name for each in rules.load_all() for name in each.needs}
    return dict.fromkeys(needed, gap) | facts


def waive(verdicts: Sequence[Verdict], stack: Stack) -> tuple[Verdict, ...]:
    """Mark the WARNs and FAILs that the stack accepts with a written reason."""
    bad = (Outcome.WARN, Outcome.FAIL)
    return tuple(
        replace(verdict, waived=stack.ignore[verdict.code])
        if verdict.code in stack.ignore and verdict.outcome in bad
        else verdict
        for verdict in verdicts
    )


class _Run:
    """The clock and the name of one run, until its report is made."""

    def __init__(self, command: str, stack: Stack) -> None:
        self.command, self.stack = command, stack
        self.started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        self.clock = time.monotonic()

    def report(self, verdicts: Sequence[Verdict], facts: Facts) -> Report:
        stack, resolution, target = self.stack, facts.get("resolution"), facts.get("building")
        versions = (
            {p.name: str(p.version) for p in resolution.packages}
            if isinstance(resolution, Resolution)
            else {}
        )
        return Report(
            stack=stack.id,
            verdicts=waive(verdicts, stack),
            file=stack.file,
            summary=stack.summary,
            command=self.command,
            subject=_subject(target),
            started=self.started,
            seconds=round(time.monotonic() - self.clock, 3),
            expect=stack.expect,
            expect_codes=stack.expect_codes,
            resolution=versions,
            observation=facts.get("document"),
            hashes=_hashes(target),
        )


def _subject(target: Any) -> Subject:
    if not isinstance(target, Target):
        return Subject()
    engine = {"image": "docker"}.get(target.kind, target.kind)
    return Subject(target.kind, engine, target.name, target.id, target.size_bytes or None)


def _hashes(target: Any) -> Hashes:
    probed = isinstance(target, Target)
    labels = getattr(getattr(target, "image", None), "labels", {})
    return Hashes(
        agents.sha256(packed_agent()) if probed else "",
        tables.sha256(),
        labels.get("stackcheck.fingerprint", ""),
    )
