"""Which engines there are, and which one a run takes.

Ours are listed here; an installed package adds its own by an entry point of the group `stackcheck.engines`,
whose value is an `EngineClass`. Nothing is imported before it is chosen.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from stackcheck.model.errors import EngineError, UsageError
from stackcheck.storage.cache_entries import sweep
from stackcheck.targets.engine import Capabilities, default_cache
from stackcheck.targets.process.build_lock import is_locked
from stackcheck.targets.process.linux import require_linux
from stackcheck.targets.process.temp_dirs import sweep_temp_folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.targets.engine import Engine, EngineClass, Progress

GROUP = "stackcheck.engines"
OURS = {
    "docker": "stackcheck.targets.containers.docker:DockerEngine",
    "podman": "stackcheck.targets.containers.podman:PodmanEngine",
    "venv": "stackcheck.targets.venv:VenvEngine",
    "wheels": "stackcheck.targets.wheels:WheelsEngine",
    "here": "stackcheck.targets.here:HereEngine",
}
"""Name -> where its class is; a package cannot take one of these names."""
DEFAULT = "docker"
"""What a run takes that names no engine. Another one is never taken by itself: those without containers run
the code of a stack as the user."""
_LACKS = {
    "images": "does not look at images",
    "bakes": "does not put an entrypoint into images",
    "plans": "does not tell what it would build",
}
"""What is said of an engine without a capability that a command needs."""


def names() -> tuple[str, ...]:
    """Return the names of all engines: ours, then those of installed packages."""
    others = {entry.name for entry in entry_points(group=GROUP)} - OURS.keys()
    return (*OURS, *sorted(others))


def known_name(name: str) -> str:
    """Return the name of an engine that there is; raise `UsageError`, which lists them, for another."""
    if name in OURS or name in names():
        return name
    raise UsageError(f"there is no engine {name!r}; known: {', '.join(names())}")


def engine_class(name: str) -> EngineClass:
    """Import a class of engines; raise `UsageError` for an unknown name, `EngineError` for a bad class."""
    if known_name(name) in OURS:
        module, _, member = OURS[name].partition(":")
        found: EngineClass = getattr(import_module(module), member)
        return found
    entry = next(iter(entry_points(group=GROUP, name=name)))
    try:
        found = entry.load()
    except Exception as error:
        raise EngineError(
            f"the engine {name} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}."
        ) from error
    if not isinstance(getattr(found, "capabilities", None), Capabilities) or not hasattr(found, "start"):
        raise EngineError(f"the engine {name} ({entry.value}) has no capabilities, or no start().")
    return found


def engines_that(able: str) -> tuple[str, ...]:
    """Return the names of the engines with a capability, so that a message can name them."""
    found = []
    for name in names():
        with suppress(EngineError):  # a broken one of another package is not this message's business
            found += [name] if getattr(engine_class(name).capabilities, able) else []
    return tuple(found)


def without_containers() -> str:
    """Return the engine of ours that runs what it builds without a container: as the user."""
    classes = {name: engine_class(name).capabilities for name in OURS}
    return next(name for name, each in classes.items() if each.builds and each.local_pythons)


def choose(
    name: str | None,
    progress: Progress,
    *,
    cache: Path | None = None,
    environ: Mapping[str, str] | None = None,
    able: str = "",
) -> Engine:
    """Start the engine of that name, else the default one, and say so; no other one is tried.

    Why it is that one is said where it was not named: who named it may be the user or another step. `able`
    names a capability that is needed. `cache` is the cache folder; what killed runs left there and in the
    engine is swept. Raise `UsageError` for an unknown name or an engine that is not able,
    `EngineUnreachableError` when it does not answer.
    """
    folder = cache or default_cache()
    variables = os.environ if environ is None else environ
    chosen = known_name(name or DEFAULT)
    if able and not getattr(engine_class(chosen).capabilities, able):
        raise UsageError(_not_able(chosen, able))
    sweep_temp_folders(folder)
    sweep(folder, lambda name: is_locked(folder, name))
    found = engine_class(chosen)
    if chosen in OURS and not found.capabilities.files_only:
        require_linux(f"the engine {chosen}")
    engine = found.start(folder, variables)
    swept = f"; removed {engine.swept} left-overs of a killed run" if engine.swept else ""
    reason = "" if name else ", because it answers"
    progress(f"engine: {f'{chosen} {engine.version}'.strip()}{reason}{_as_user(engine)}{swept}")
    return engine


def _as_user(engine: Engine) -> str:
    """Say of an engine without containers whose rights the code of a stack gets."""
    able = engine.capabilities
    runs = able.builds and able.local_pythons
    return "; it runs the stack's code as this user, in a bare environment" if runs else ""


def _not_able(name: str, able: str) -> str:
    able_ones = ", ".join(engines_that(able))
    return f"the engine {name} {_LACKS[able]}; the engines that do: {able_ones}."
