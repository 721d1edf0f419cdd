"""Instead of a run: what verifying a stack would download, build and run, and how long it took before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck import rules, targets
from stackcheck.model.errors import EngineError
from stackcheck.model.facts import Missing
from stackcheck.rules.accepting import settled
from stackcheck.rules.registry import judge_all
from stackcheck.steps.building import reason_not_to_build, why_not_here
from stackcheck.steps.claiming import brings_its_own
from stackcheck.steps.resolution import in_effect, resolved_claim
from stackcheck.storage.timings import Timing, last_timing
from stackcheck.targets.engine import Foreteller
from stackcheck.wheels.keep import kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import LockedPackage, Resolution
    from stackcheck.steps.options import Options
    from stackcheck.targets import Progress


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run would do about one stack.

    `does` says it in words; `ready` is what is there already. `download_bytes` is the most that is
    downloaded: what uv has cached is not downloaded again; `unknown` files are of a size that no index
    states. `last` is how long the same took.
    """

    stack: str
    engine: str
    does: str
    ready: str = ""
    packages: int = 0
    download_bytes: int = 0
    unknown: int = 0
    last: Timing | None = None


def planned(stack: Stack, options: Options, progress: Progress, family: Sequence[Stack] = ()) -> Planned:
    """Return what `verify` would do; nothing is built, and no lock is written."""
    facts = resolved_claim(stack, options, progress)
    early = judge_all(rules.before_build(), facts)
    resolution = in_effect(stack, facts)
    facts = {**facts, "resolution": resolution}
    if reason := reason_not_to_build(settled(early, stack), facts, options):
        return Planned(stack.id, "", f"judge the definition and its resolution; {reason}")
    wheels = None if isinstance(resolution, Missing) else resolution
    try:
        engine = targets.choose(options.engine, progress, cache=options.build.cache)
    except EngineError as error:
        return Planned(stack.id, "", f"judge the definition and its resolution; no engine answers: {error}")
    try:
        if reason := why_not_here(stack, engine, family, options):
            does = f"unpack the wheels and judge their files; {reason}"
            return _with_sizes(Planned(stack.id, engine.name, does), stack, wheels, options)
        ready = engine.foretold(stack, wheels, options.build) if isinstance(engine, Foreteller) else ""
        last = last_timing(options.build.cache, stack.title, built=False)
        found = Planned(stack.id, engine.name, _does(stack, ready, options), ready, last=last)
        return found if ready and not options.build.no_cache else _with_sizes(found, stack, wheels, options)
    finally:
        engine.close()


def _does(stack: Stack, ready: str, options: Options) -> str:
    if ready and not options.build.no_cache:
        return "probe what is there" if not options.cached else "probe what is there unless it is unchanged"
    if stack.image.ready:
        return f"pull {stack.image.ready} unless it is there, and probe it"
    if stack.image.dockerfile:
        return f"build {stack.image.dockerfile} (`stackcheck build --plan` tells its steps), and probe it"
    return "build it from its lock, and probe it"


def _known_size(package: LockedPackage, cache: Mapping[str, str]) -> int | None:
    """Return the bytes of a wheel that was looked at before, where its index states none."""
    facts = kept(package.sha256, cache)
    return facts.size or None if facts else None


def _with_sizes(found: Planned, stack: Stack, resolution: Resolution | None, options: Options) -> Planned:
    packages = () if resolution is None or brings_its_own(stack) else resolution.packages
    cache = {"STACKCHECK_CACHE": str(options.build.cache)}
    sizes = [
        package.size if package.size is not None else _known_size(package, cache) for package in packages
    ]
    return Planned(
        found.stack,
        found.engine,
        found.does,
        found.ready,
        len(packages),
        sum(size or 0 for size in sizes),
        sum(size is None for size in sizes),
        last_timing(options.build.cache, stack.title, built=True),
    )
