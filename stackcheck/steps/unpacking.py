"""Instead of building: look at the files of the wheels, and run nothing. Facts: `unpacked`, `python`.

What is known of every wheel from an earlier run is not looked at again, nor unpacked; only for the names that
they import, which are known of a set of wheels, uv unpacks once what it has in its cache.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.model.enumeration import some
from stackcheck.model.errors import BuildFailedError, EngineError, NotCachedError, ProbeError
from stackcheck.model.facts import OF_PROBE, Fault, Missing, TargetPython, Unpacked, key_of
from stackcheck.model.markers import marker_environment
from stackcheck.probing import agent as agents
from stackcheck.probing.observation import rule_facts
from stackcheck.rules.registry import known_facts
from stackcheck.steps.claiming import brings_its_own
from stackcheck.steps.probing import asked
from stackcheck.targets.wheels import WheelsEngine
from stackcheck.wheels import imported
from stackcheck.wheels.answers import observed
from stackcheck.wheels.compose import Place, facts_of
from stackcheck.wheels.unpacked import keep_unpacked
from stackcheck_probes.machine import torchfile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.model.resolution import Resolution
    from stackcheck.probing.observation import Observation
    from stackcheck.steps.options import Options
    from stackcheck.targets import Progress, Target
    from stackcheck.wheels.compose import Composed

IMPORTS = "import_names"
"""The probe that reads Python files: the facts of wheels, which are kept, do not answer it."""
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Files:
    """What the files of the wheels show: the facts of the rules over files, and what a report keeps of it."""

    facts: dict[str, Any]
    report: dict[str, Any] = field(default_factory=dict)


def unpacked(stack: Stack, facts: Facts, options: Options, progress: Progress) -> Files:
    """Unpack the wheels of the resolution, run the probes that look at files, and return what they saw."""
    resolution: Resolution | Missing = facts["resolution"]
    if brings_its_own(stack):
        return _none(Missing("nothing was unpacked: the stack brings an image, into which no lock goes"))
    if isinstance(resolution, Missing):
        return _none(Missing(f"nothing was unpacked: {resolution.reason}"))
    engine = WheelsEngine(options.build.cache)
    try:
        place = engine.place(resolution)
        request = agents.request_of_files(agents.request_for(stack), place.packages, place.name)
        seen = _known(place, resolution, request, options)
        if seen is None:
            seen = _looked_at(stack, resolution, engine, options, progress)
        elif IMPORTS in seen.observation.probes and isinstance(seen.observation.facts(IMPORTS), Missing):
            seen = _read_again(stack, resolution, engine, options, progress) or seen
    except BuildFailedError as error:
        fault = Fault(str(error), proven=True, log_tail=error.log_tail, log_file=error.log_file)
        return _none(Missing("the wheels could not be unpacked"), unpacked=fault)
    except NotCachedError as error:
        return _none(Missing(f"nothing was unpacked: {error.reason}"))
    except (EngineError, ProbeError) as error:
        return _none(Missing("the wheels were not looked at"), unpacked=Fault(str(error)))
    finally:
        engine.close()
    report = {"building": seen.target, "probing": seen.observation}
    return Files(_facts(stack, resolution, seen), report)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A folder of wheels, what probes report of it, and what its torch/version.py says.

    kept: all that is known from an earlier look.
    """

    target: Target
    observation: Observation
    torch: Mapping[str, str | None]
    kept: bool = False


def _known(
    place: Target, resolution: Resolution, request: Mapping[str, Any], options: Options
) -> _Seen | None:
    """Return what is known without a look at any wheel; None when it is not all that is asked for."""
    if options.build.no_cache:
        return None
    composed = facts_of(resolution, _place(place), _cache(options))
    observation = observed(composed, request, _imports(place, composed, options)) if composed else None
    if composed is None or observation is None:
        return None
    torch = torchfile.stated(composed.texts.get("torch/version.py", ""))
    return _Seen(replace(place, size_bytes=composed.size_bytes), observation, torch, kept=True)


def _imports(place: Target, composed: Composed, options: Options) -> dict[str, Mapping[str, Any] | str]:
    """Return what was seen of the names that these wheels import, or why it is not known."""
    names = imported.asking(composed)
    known = imported.kept_names(place.id, _cache(options)) if names else imported.NOTHING
    told = f"what importing {some(names, _MOST_NAMED)} takes from others was not read: uv has not all of "
    return {IMPORTS: known or f"{told}these wheels in its cache (--no-cache reads them all again)"}


def _read_again(
    stack: Stack, resolution: Resolution, engine: WheelsEngine, options: Options, progress: Progress
) -> _Seen | None:
    """Look at wheels of which all but their imports is known, where that costs no download."""
    try:
        return _looked_at(stack, resolution, engine, replace(options, offline=True), progress)
    except (BuildFailedError, EngineError, ProbeError):
        return None


def _looked_at(
    stack: Stack,
    resolution: Resolution,
    engine: WheelsEngine,
    options: Options,
    progress: Progress,
) -> _Seen:
    """Unpack the wheels, run the probes that look at files, and keep what the wheels say."""
    progress(f"{stack.id}: unpacking the wheels for Python {resolution.python} on {resolution.platform}")
    target = engine.prepare(stack, resolution, _building(options), progress)
    progress(f"{stack.id}: looking at the files in {target.name}")
    request = agents.request_of_files(agents.request_for(stack), target.packages, target.name)
    observation = asked(engine, target, request, options)
    keep_unpacked(resolution, _place(target), _cache(options))
    if IMPORTS in observation.probes and not isinstance(names := observation.facts(IMPORTS), Missing):
        imported.keep_names(target.id, names, _cache(options))
    return _Seen(target, observation, torchfile.read(str(Path(target.packages[0]) / "torch")))


def _place(target: Target) -> Place:
    (packages,) = target.packages
    return Place(packages, target.name)


def _cache(options: Options) -> Mapping[str, str]:
    return {"STACKCHECK_CACHE": str(options.build.cache)}


def _building(options: Options) -> Any:
    environ = {**options.build.environ, "UV_OFFLINE": "1"} if options.offline else options.build.environ
    return replace(options.build, environ=environ)


def _none(gap: Missing, **known: Any) -> Files:
    names = [key_of(name) for name, fact in known_facts().items() if fact.of_files]
    return Files(dict.fromkeys(names, gap) | known)


def _facts(stack: Stack, resolution: Resolution, files: _Seen) -> dict[str, Any]:
    """Return the facts of the rules over files; the resolution is what of it was unpacked."""
    wheels = tuple(package for package in resolution.packages if package.is_wheel)
    observation = files.observation
    failures = {name: failure.message for name, failure in observation.failures.items()}
    left_out = (
        *(f"{each.name} {each.version} comes as source ({each.filename})" for each in resolution.built),
        *(f"{name} {version} comes from elsewhere" for name, version in resolution.given.items()),
    )
    seen = {key: fact for key, fact in rule_facts(observation).items() if key.startswith(OF_PROBE)}
    return seen | {
        "unpacked": Unpacked(
            len(wheels),
            files.target.size_bytes,
            resolution.python,
            resolution.platform,
            left_out,
            failures,
            kept=files.kept,
        ),
        "resolution": replace(resolution, packages=wheels),
        "python": _python(stack, resolution, files.torch),
    }


def _python(stack: Stack, resolution: Resolution, torch: Mapping[str, str | None]) -> TargetPython:
    """Return the Python that was resolved for: none of it is here, so nothing of it was seen."""
    built = {each.name: str(each.version) for each in resolution.built}
    given = {name: str(version) for name, version in resolution.given.items()}
    markers = marker_environment(resolution.python, stack.platform or "linux/amd64")
    return TargetPython(resolution.python, markers, torch.get("__version__"), given | built)
