"""Bake an image: see what is in it, write down what it is expected to be, and put the entrypoint in front."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge, pipeline, rules, targets
from stackcheck.guard import expectation
from stackcheck.guard.startarchive import ARCHIVE, EXPECTATION
from stackcheck.inspect.environments import UNSTATED
from stackcheck.intake.interpreter import Candidate
from stackcheck.intake.stack import Image, Stack
from stackcheck.model.enumeration import some
from stackcheck.model.errors import EngineError, UsageError
from stackcheck.model.facts import Missing
from stackcheck.probing import agent as agents
from stackcheck.probing.observation import seen_facts
from stackcheck.resolve import locking
from stackcheck.resolve.lockfile import read_lock
from stackcheck.steps.probing import asked
from stackcheck.storage.reading import stands
from stackcheck.storage.stack_files import lock_path
from stackcheck.targets.engine import ContainerEngine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from docker.models.images import Image as EngineImage

    from stackcheck.guard.baked_image import Baked
    from stackcheck.model.facts import Facts
    from stackcheck.steps.options import Options
    from stackcheck.targets import Progress, Target
    from stackcheck_probes.facts.python import TorchPlace

SUFFIX = "-baked"
SHOWN = 4
PROBES = (*expectation.PROBES, "pythons")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user may say.

    tag: the result's name. cpu: "allow" or "refuse" a start without a GPU. python: the interpreter in the
    image. inside: check behind the image's own ENTRYPOINT.
    """

    tag: str = ""
    cpu: str = ""
    healthcheck: bool = False
    python: str = ""
    inside: bool = False


def bake(image: str, stack: Stack | None, wish: Wish, options: Options, progress: Progress) -> Baked:
    """Bake `image`, or the image that the stack builds when `image` is ""; return what came of it.

    Raise `UsageError` without either, `EngineError` or `ProbeError` when it cannot be done.
    """
    if not image and stack is None:
        raise UsageError("name a stack or an image to bake")
    engine = targets.choose(options.engine, progress, cache=options.build.cache, able="bakes")
    try:
        if not isinstance(engine, ContainerEngine):
            raise EngineError(f"the engine {engine.name} says that it bakes, and does not.")
        if not image and stack is not None:
            image = pipeline.build(stack, replace(options, engine=engine.name), progress).name
        return _bake(engine, image, stack, wish, options, progress)
    finally:
        engine.close()


def _bake(  # noqa: PLR0913, PLR0917 - what `bake` was asked, and the engine
    engine: ContainerEngine, image: str, stack: Stack | None, wish: Wish, options: Options, progress: Progress
) -> Baked:
    from stackcheck.guard import baked_image  # noqa: PLC0415 - the SDK takes 0.1 s to import
    from stackcheck.targets.containers.connection import engine_errors  # noqa: PLC0415

    client = engine.client
    with engine_errors(f"looking for the image {image}"):
        plain = baked_image.plain_image(client, client.images.get(image))
    seen, target = _observe(engine, plain, stack, wish, options, progress)
    document = expectation.expectation(
        stack or UNSTATED,
        knowledge.load(),
        locked(stack, options),
        seen,
        made=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        image_env=_env(plain),
        cpu=wish.cpu,
    )
    document["stack"] = document["stack"] or image
    python = document["python"]
    progress(f"compiling the entrypoint by {python}")
    files = {
        ARCHIVE: baked_image.compile_archive(client, str(plain.id), python),
        EXPECTATION: expectation.render(document),
    }
    tag = wish.tag or result_tag(image)
    progress(f"baking {tag}")
    made = baked_image.lay_in_front(
        client, plain, python, files, tag, healthcheck=wish.healthcheck, inside=wish.inside
    )
    config = made.attrs.get("Config") or {}
    entrypoint = tuple(config.get("Entrypoint") or ())
    said = baked_image.ask(client, str(made.id), python)
    command = tuple(config.get("Cmd") or ())
    return baked_image.Baked(tag, str(made.id), target.id, entrypoint, command, said)


def _observe(  # noqa: PLR0913, PLR0917 - what `_bake` was asked
    engine: ContainerEngine,
    plain: EngineImage,
    stack: Stack | None,
    wish: Wish,
    options: Options,
    progress: Progress,
) -> tuple[Facts, Target]:
    """Return what the probes see in the image, without a GPU: the expectation is about its files.

    By the interpreter that is named, else by the one that the image's command starts. Where that one has no
    torch and another one has, it is this one's alone if nothing says which one runs; else it must be named.
    """
    from stackcheck.targets.containers.image_python import find_python  # noqa: PLC0415 - the SDK

    rules.load_all()
    stated = stack or UNSTATED
    named = wish.python or stated.image.python
    found = Candidate(named, "named", certain=True) if named else find_python(engine.client, plain)
    seen, target = _look(engine, plain, stated, found.python, options, progress)
    others = torches_elsewhere(seen)
    if not others or named:
        return seen, target
    if found.certain or len(others) > 1 or others[0]["python"] is None:
        raise UsageError(choice_of_pythons(found, others))
    progress(f"torch lies in the environment of {others[0]['python']}, which is taken")
    return _look(engine, plain, stated, others[0]["python"], options, progress)


def _look(  # noqa: PLR0913, PLR0917 - see `_observe`
    engine: ContainerEngine,
    plain: EngineImage,
    stated: Stack,
    python: str,
    options: Options,
    progress: Progress,
) -> tuple[Facts, Target]:
    ready = stated.model_copy(update={"image": Image(ready=str(plain.id), python=python)})
    target = engine.prepare(ready, None, replace(options.build, gpus="none"), progress)
    progress(f"looking into {target.name} by {python}")
    return seen_facts(asked(engine, target, agents.request_for(ready, PROBES), options)), target


def torches_elsewhere(seen: Mapping[str, Any]) -> list[TorchPlace]:
    """Return the torches of other environments, where the interpreter that was asked has none."""
    interpreter, pythons = seen["interpreter"], seen["pythons"]
    if isinstance(interpreter, Missing) or isinstance(pythons, Missing):
        return []
    if any(row["wins"] for row in interpreter["torches"]):
        return []
    return list(pythons.get("torches", []))


def choice_of_pythons(found: Candidate, others: Sequence[TorchPlace]) -> str:
    """Return what to say when torch lies where the interpreter that runs does not look."""
    first = sorted(others, key=lambda row: row["python"] is None)
    rows = [
        f"{row['python'] or 'no interpreter beside it'} ({row['path']}, torch {row['version']})"
        for row in first
    ]
    return (
        f"no torch was found by {found.python}, which {found.why} names; it lies in the environment of "
        f"{some(rows, SHOWN)}: say --python PATH for the one that runs, or mend the command of the image."
    )


def locked(stack: Stack | None, options: Options) -> dict[str, str]:
    """Return the versions of the stack's committed lock; none without one."""
    if stack is None:
        return {}
    path = lock_path(stack, options.locks)
    if not stands(path):
        return {}
    resolution = locking.resolution_of(read_lock(path))
    return {package.name: str(package.version) for package in resolution.packages}


def _env(image: EngineImage) -> dict[str, str]:
    pairs = ((image.attrs.get("Config") or {}).get("Env")) or ()
    return dict(each.partition("=")[::2] for each in pairs)


def result_tag(image: str) -> str:
    """Return the name of the baked image: the tag with `-baked` at its end, once.

    >>> result_tag("repo/app:1.2")
    'repo/app:1.2-baked'
    """
    if image.startswith("sha256:") or "@" in image:
        raise UsageError(f"--tag: name the result, because {image[:30]} is an id or a digest")
    repository, colon, tag = image.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = image, "latest"
    return f"{repository}:{tag.removesuffix(SUFFIX)}{SUFFIX}"
