"""What exists already, as a target of the probes: an image, a virtual environment, this interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stackcheck import pipeline, targets
from stackcheck.inspect import loadability
from stackcheck.inspect.inspection import contents_of, with_loading
from stackcheck.intake.stack import Image, Stack
from stackcheck.model.errors import ProbeError, UsageError
from stackcheck.model.facts import Missing
from stackcheck.probing.observation import seen_facts
from stackcheck.steps.probing import asked
from stackcheck.targets.venv import VenvEngine

if TYPE_CHECKING:
    from stackcheck.inspect.inspection import Contents
    from stackcheck.model.report import Report
    from stackcheck.steps.options import Options
    from stackcheck.targets import Engine, Progress

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
    if kind != "image" and options.engine:
        raise UsageError(f"--engine {options.engine} is for images.")
    if kind == "venv":
        return VenvEngine(cache, existing=Path(name)), stack
    if kind == "here":
        return targets.choose("here", progress, cache=cache), stack
    ready = stack.model_copy(update={"image": Image(ready=name, python=stack.image.python)})
    return targets.choose(options.engine, progress, cache=cache, able="images"), ready


def inspect_image(image: str, options: Options, progress: Progress, *, deep: bool) -> Contents:
    """Read every library of an image, by its own interpreter in a container.

    GPU code is looked for in all of its file system; loading is judged where its Python finds packages.

    Raises EngineError when the engine does not answer or has no such image, ProbeError for no answer.
    """
    engine, stack = _engine("image", image, UNSTATED, options, progress)
    try:
        target = engine.prepare(stack, None, options.build, progress)
        request = {
            "probes": ["libraries", *loadability.PROBES],
            "params": {"libraries": {"roots": ["/"], "deep": deep}},
            "timeout_s": options.timeout_s,
        }
        facts = seen_facts(asked(engine, target, request, options))
    finally:
        engine.close()
    seen = facts["libraries"]
    if isinstance(seen, Missing):
        raise ProbeError(f"{image}: its libraries were not read: {seen.reason}")
    contents = contents_of(image, "image", seen["libraries"], seen["skipped"])
    left_out = tuple(seen.get("left_out", ()))
    return with_loading(contents._replace(binaries=seen["binaries"], left_out=left_out), facts)
