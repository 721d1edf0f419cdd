"""What exists already, as a target of the probes: an image, a virtual environment, this interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stackcheck import pipeline, targets
from stackcheck.inspect import loadability
from stackcheck.inspect.inspection import contents_of, of_archive, with_loading
from stackcheck.intake.stack import Image, Stack
from stackcheck.model.errors import EngineError, NoInterpreterError, ProbeError, UsageError
from stackcheck.model.facts import Missing
from stackcheck.model.image import ImageFacts
from stackcheck.probing.observation import seen_facts
from stackcheck.steps.probing import asked
from stackcheck.targets.engine import ContainerEngine
from stackcheck.targets.venv import VenvEngine

if TYPE_CHECKING:
    from stackcheck.inspect.inspection import Contents
    from stackcheck.model.report import Report
    from stackcheck.steps.options import Options
    from stackcheck.targets import Engine, Progress, Target

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
    """Read every library of an image, by its own interpreter in a container; without one, from outside.

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
        try:
            facts = seen_facts(asked(engine, target, request, options))
        except NoInterpreterError:
            return _from_outside(engine, target, progress, deep=deep)
    finally:
        engine.close()
    seen = facts["libraries"]
    if isinstance(seen, Missing):
        raise ProbeError(f"{image}: its libraries were not read: {seen.reason}")
    contents = contents_of(image, "image", seen["libraries"], seen["skipped"])
    left_out = tuple(seen.get("left_out", ()))
    return with_loading(contents._replace(binaries=seen["binaries"], left_out=left_out), facts)


def _from_outside(engine: Engine, target: Target, progress: Progress, *, deep: bool) -> Contents:
    """Read the libraries of an image as its engine exports it; raise EngineError where that does not work."""
    from stackcheck.inspect.imagearchive import read_exported  # noqa: PLC0415 - most images have a Python
    from stackcheck.targets.containers.outside import exported  # noqa: PLC0415 - the SDK takes 0.1 s

    if not isinstance(engine, ContainerEngine):
        raise EngineError(f"{target.name} has no Python to run, and {engine.name} does not export its files.")
    progress(f"{target.name} has no Python to run: reading its files from outside")
    environ = target.image.env if isinstance(target.image, ImageFacts) else {}
    with exported(engine.client, target.id, f"reading the files of {target.name}") as archive:
        found = of_archive(target.name, read_exported(archive, environ, deep=deep))
    note = "No Python of the image runs, so its files were read from outside, as its engine exports them."
    return found._replace(left_out=(note, *found.left_out))
