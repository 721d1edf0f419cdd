"""The fourth step: run the probes in a target. Facts: `image`, `probing`, `observation`, and one a probe."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

from stackcheck import rules
from stackcheck.model.errors import EngineError, NoInterpreterError, ProbeError
from stackcheck.model.facts import Fault, Missing, as_named, key_of
from stackcheck.model.outside import OutsideFiles
from stackcheck.model.verdict import Level
from stackcheck.probing import agent as agents
from stackcheck.probing.answered import answered
from stackcheck.probing.contradictions import contradictions
from stackcheck.probing.observation import parse_observation, rule_facts
from stackcheck.targets.engine import OutsideReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.probing.observation import Observation
    from stackcheck.steps.options import Options
    from stackcheck.targets import Engine, Progress, Target

_PYTHON = re.compile(r"/bin/(?:python|pypy)[\d.]*t?$")
_AGENT_MARGIN_S = 60.0
"""What starting a target may take on top of the probes' own time."""


def observed(
    stack: Stack, engine: Engine, target: Target, options: Options, progress: Progress
) -> dict[str, Any]:
    """Run the probes in a target; return what they saw."""
    progress(f"{stack.id}: probing {target.kind} {target.name}")
    facts: dict[str, Any] = {"image": target.image}
    with ThreadPoolExecutor(1) as beside:  # the engine's reading costs no time that the probes do not take
        outside = beside.submit(_files_outside, engine, target)
        try:
            request = agents.request_for(stack)
            observation = asked(engine, target, request, options)
        except NoInterpreterError as error:
            return facts | {"probing": _without_python(target, str(error), outside.result())}
        except (ProbeError, EngineError) as error:
            return facts | {"probing": Fault(str(error))}
        seen = rule_facts(observation)
        return seen | facts | {"probing": observation} | _held_against(seen, outside.result(), request)


def _without_python(target: Target, message: str, outside: OutsideFiles | Fault | None) -> Fault:
    """Tell a target that has no Python at all from one whose Python has to be named, by its files."""
    if not isinstance(outside, OutsideFiles):
        return Fault(message)
    known = sorted(path for path in (*outside.sizes, *outside.links) if _PYTHON.search(path))
    if known:
        return Fault(f"{message} There is {known[0]}: name it by --python, or image.python in a stack.")
    return Fault(f"The {target.kind} {target.name} has no Python: none of its files is one.", proven=True)


def _files_outside(engine: Engine, target: Target) -> OutsideFiles | Fault | None:
    """Return the files of a target as its engine has them; None where it cannot read them itself."""
    if not (engine.capabilities.outside and isinstance(engine, OutsideReader)):
        return None
    try:
        return engine.outside(target)
    except EngineError as error:
        return Fault(str(error))


def _held_against(
    seen: Mapping[str, Any], outside: OutsideFiles | Fault | None, request: Mapping[str, Any]
) -> dict[str, Any]:
    if outside is None:
        return {}
    if isinstance(outside, Fault):
        return {"contradictions": outside}
    return {"contradictions": contradictions(as_named(seen), outside, request["params"]["libraries"])}


def asked(engine: Engine, target: Target, request: Mapping[str, Any], options: Options) -> Observation:
    """Ask the agent in a target; raise `ProbeError` or `EngineError` when no answer to it comes.

    The agent is told how long all probes may take, and ends those that are late itself: the others have
    answered then. The engine stops an agent that does not keep to that.
    """
    request = {**request, "whole_s": options.timeout_s}
    timeout_s = options.timeout_s + _AGENT_MARGIN_S
    document = engine.run_agent(target, packed_agent(), request, timeout_s=timeout_s)
    return answered(parse_observation(document), request)


@cache
def packed_agent() -> bytes:
    """Return the agent, packed once a process."""
    return agents.pack()


def with_gaps(facts: dict[str, Any]) -> dict[str, Any]:
    """Fill every fact that a rule needs and nobody brought with the reason for its absence."""
    building, probing = facts.get("building"), facts.get("probing")
    if isinstance(building, Missing):
        gap = building
    elif isinstance(building, Fault):
        gap = Missing("there is no target to look at: the build did not succeed", level=Level.RUN)
    elif isinstance(probing, Fault):
        gap = Missing("the probes gave no answer")
    else:
        gap = Missing("this probe was not run")
    needed = {key_of(name) for each in rules.load_all() for name in each.needs}
    return dict.fromkeys(needed, gap) | facts
