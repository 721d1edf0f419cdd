"""From a wish to a whole stack, proven; where nothing fits, which wishes exclude each other.

The draft is the newest stack that says what was wished. `suggest` makes the smallest change after which it
works and still says it. Packages without a wheel that serves it are built from source, and that is said.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stackcheck import knowledge
from stackcheck.model.versions import LATEST
from stackcheck.plan.draft import drafted, held_back, last_paged
from stackcheck.plan.excluding import Nearest, excluding
from stackcheck.suggest.answer import Aim, Answer, answer
from stackcheck.suggest.change import apply
from stackcheck.suggest.search import Limits

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import Resolution
    from stackcheck.plan.draft import Ask
    from stackcheck.steps.options import Options
    from stackcheck.suggest.change import Path
    from stackcheck.targets import Progress

LIMITS = Limits(first=40, second=30, weighed=24)
"""How far a plan is searched: it answers within seconds, and says when it ended at its bound."""
_NO_WHEEL = frozenset({"no-wheel", "no-python-wheel", "no-platform-wheel"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What came of a wish.

    `draft` is the newest stack that says it, `found` the change that makes it work, `stack` the result with
    every version pinned that is known. `gave_way` says what could not be had, a sentence each. Where nothing
    fits, `nearest` are the wishes that exclude each other, each with what works without it.
    """

    ask: Ask
    draft: Stack
    found: Answer
    stack: Stack
    gave_way: tuple[str, ...] = ()
    nearest: tuple[Nearest, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def works(self) -> bool:
        """Tell whether nothing is known to fail in it."""
        return self.found.found

    @property
    def proven(self) -> bool:
        """Tell whether the resolver has found every file of it."""
        return self.works and self.found.resolved

    @property
    def resolution(self) -> Resolution | None:
        """Return what would be installed; None where that is not known."""
        return self.found.resolution


def planned(ask: Ask, options: Options, progress: Progress, limit_s: float = 60.0) -> Plan:
    """Return the newest stack that serves a wish, or which wishes exclude each other.

    The resolver is asked nothing after `limit_s` seconds: what was not proven by then is said not to be.

    Raises UsageError or DefinitionError for a wish that is none.
    """
    start, tables = time.monotonic(), knowledge.load()
    gave_way = [*held_back(ask, tables)]
    while True:
        draft = drafted(ask, tables)
        found = answer(draft, options, progress, Aim(ask.wishes, LIMITS, start + limit_s))
        if not found.found and ask.wishes.wheels and not ask.wheels_only and not found.broken:
            ask = replace(ask, wishes=replace(ask.wishes, wheels=False))
        elif built := _without_wheel(found, ask):
            gave_way += built.values()
            ask = replace(ask, built=ask.built | built.keys())
        else:
            break
    stack = found.suggestion.stack
    nearest: tuple[Nearest, ...] = ()
    if not found.found and not found.broken:
        progress("plan: nothing fits; looking for the wishes that exclude each other")
        nearest = excluding(ask, found.learned, tables)
    elif found.resolution is not None:
        stack = pinned(stack, found.resolution)
    return Plan(ask, draft, found, stack, tuple(gave_way), nearest, time.monotonic() - start)


def pinned(stack: Stack, resolution: Resolution) -> Stack:
    """Return a stack with each version that it leaves open as the resolver takes it."""
    edit: dict[Path, Any] = {}
    for name, package in stack.packages.items():
        version = resolution.version(name)
        if package.exact is None and version is not None and not package.direct:
            edit["packages", name] = package.model_copy(update={"version": str(version)})
    return apply(stack, edit)


def _without_wheel(found: Answer, ask: Ask) -> dict[str, str]:
    """Return the wished packages that have to be built, each with the reason, a sentence."""
    stack = found.suggestion.stack
    wished = {each.name for each in ask.wishes} - ask.built - {"torch"}
    if ask.wheels_only:
        return {}
    silent = {urlsplit(each.where).netloc: each.where for each in found.learned.silent}
    reasons: dict[str, str] = {}
    for name, package in stack.packages.items():
        place = package.find_links or package.index
        if name in wished and place and urlsplit(place).netloc in silent:
            reasons[name] = f"{name} is built from source: {place} with its wheels did not answer."
    if found.resolution is not None:
        for name in found.resolution.source_only:
            if name in wished:
                version = found.resolution.version(name)
                reasons[name] = (
                    f"{name} {version} is built from source: it has no wheel that fits{_paged(name)}."
                )
    elif not found.found:
        for failure in found.learned.failures:
            if failure.why.kind in _NO_WHEEL:
                why = f"is built from source: {failure.why.message}."
                reasons |= {name: f"{name} {why}" for name in failure.names if name in wished}
    return reasons


def _paged(name: str) -> str:
    last = last_paged(name, knowledge.load())
    return f"; the last torch for which its pages have wheels is {last}" if last else ""


def is_open(stack: Stack) -> tuple[str, ...]:
    """Return the packages of a stack whose version is not known."""
    return tuple(
        f"{name} ({'any version' if package.version == LATEST else package.version})"
        for name, package in stack.packages.items()
        if package.exact is None and not package.direct
    )
