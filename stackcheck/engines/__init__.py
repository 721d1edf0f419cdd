"""Where a stack is built and where probes run: a container engine, a virtual environment, or right here.

An `Engine` prepares a `Target` for a stack and runs the agent in it. Nothing outside this package starts a
container or a probe process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stackcheck.engines.contract import BuildOptions, Engine, Progress, Target, default_cache
from stackcheck.engines.here import HereEngine
from stackcheck.engines.scratch import sweep_scratch
from stackcheck.engines.venv import VenvEngine
from stackcheck.errors import EngineError, UsageError
from stackcheck.image import ImageFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["NAMES", "BuildOptions", "Engine", "ImageFacts", "Progress", "Target", "choose", "default_cache"]

NAMES = ("docker", "venv", "here")


def choose(
    name: str | None,
    progress: Progress,
    *,
    cache: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Engine:
    """Return the engine of that name; without a name, docker if it answers, else venv. Say which and why.

    `cache` is the cache folder; what killed runs left there and in the engine is swept. Raise `UsageError`
    for an unknown name, `EngineError` when docker was asked for and does not answer.
    """
    if name not in {*NAMES, None}:
        raise UsageError(f"there is no engine {name!r}; known: {', '.join(NAMES)}")
    folder = cache or default_cache()
    sweep_scratch(folder)
    if name == "here":
        progress("engine: here, as asked")
        return HereEngine(folder)
    if name != "venv":
        try:
            return _docker(name, progress, os.environ if environ is None else environ)
        except EngineError as error:
            if name:
                raise
            reason = str(error).partition(". ")[0]
        progress(f"engine: venv, because {reason}")
    else:
        progress("engine: venv, as asked")
    return VenvEngine(folder)


def _docker(name: str | None, progress: Progress, environ: Mapping[str, str]) -> Engine:
    from stackcheck.engines.docker import DockerEngine  # noqa: PLC0415 - the SDK takes 0.1 s to import

    engine = DockerEngine(environ)
    swept = f"; removed {engine.swept} left-overs of a killed run" if engine.swept else ""
    reason = "as asked" if name else "because it answers"
    progress(f"engine: docker {engine.version}, {reason}{swept}")
    return engine
