"""What exists already, as a target of the probes: an image, a virtual environment, this interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stackcheck import engines, pipeline
from stackcheck.definition import Image, Stack
from stackcheck.engines.venv import VenvEngine

if TYPE_CHECKING:
    from stackcheck.engines import Engine, Progress
    from stackcheck.pipeline import Options
    from stackcheck.report.model import Report

UNSTATED = Stack.model_construct(id="")
"""A stack that claims nothing, so that no rule can fail it for a claim."""


def probe_existing(
    kind: Literal["image", "venv", "here"], name: str, stack: Stack, options: Options, progress: Progress
) -> Report:
    """Probe an image, the environment in a folder, or this interpreter, and judge it against a stack.

    `name` is the image or the folder. Raises UsageError for what is not there, EngineError when the engine
    does not answer or has no such image.
    """
    engine, stack = _engine(kind, name, stack, options, progress)
    try:
        return pipeline.probe(stack, engine, options, progress)
    finally:
        engine.close()


def _engine(kind: str, name: str, stack: Stack, options: Options, progress: Progress) -> tuple[Engine, Stack]:
    cache = options.build.cache
    if kind == "venv":
        return VenvEngine(cache, existing=Path(name)), stack
    if kind == "here":
        return engines.choose("here", progress, cache=cache), stack
    image = Image(ready=name, python=stack.image.python)
    return engines.choose("docker", progress, cache=cache), stack.model_copy(update={"image": image})
