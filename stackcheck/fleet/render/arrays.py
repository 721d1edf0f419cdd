"""Which stack meets which kind of GPU in which image: tasks, put together to arrays. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.fleet.render.gpukinds import CPU, GpuKind, kind_of, plain_kind
from stackcheck.fleet.render.imagerefs import by_digest
from stackcheck.fleet.render.names import checked, slug
from stackcheck.guard.startarchive import ARCHIVE, FLAGS, FOLDER
from stackcheck.model.errors import UsageError
from stackcheck.model.lock import fingerprint
from stackcheck.model.redact import redact
from stackcheck.probing.agent import request_for
from stackcheck_probes.arraytask import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stackcheck.intake.stack import Stack

MOST_TASKS = 900_000
"""Bytes of a file of tasks: a ConfigMap takes 1 MiB in all."""
_ARCHITECTURES = {"linux/amd64": "amd64", "linux/arm64": "arm64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to run: `images` by stack, `gpus` for all stacks (else those that each states).

    `labels` are label values by GPU; `allow_tags` lets images be named by a tag; `start_check` puts the check
    of a baked image in front. `files` lets an image be a file (.sif, .sqsh), as Slurm's tools take it;
    `labelled` says that nodes are found by labels. `run` is a word that tells this run from the same one on
    another day.
    """

    images: Mapping[str, str]
    gpus: Sequence[str] = ()
    labels: Mapping[str, Sequence[str]]
    allow_tags: bool = False
    start_check: bool = False
    files: bool = False
    labelled: bool = True
    run: str = ""


@dataclass(frozen=True, slots=True)
class Array:
    """Tasks that share an image, its interpreter, a processor architecture and a kind of GPU."""

    kind: GpuKind
    image: str
    python: str
    architecture: str
    tasks: tuple[Mapping[str, Any], ...]
    checks: tuple[Mapping[str, Any], ...] = ()
    """Of the start check, one a task; empty where none is asked for."""
    word: str = ""
    """What the call calls this run."""

    @property
    def run(self) -> str:
        """Return the name of what is run: the same for the same tasks in the same image under one word."""
        tasks = [*self.tasks, *self.checks]
        subject = [self.word, self.kind.name, self.image, self.python, self.architecture, tasks]
        return hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()[:10]

    @property
    def name(self) -> str:
        """Return the name of its object: a DNS label with room for the index behind it."""
        what = slug(str(self.tasks[0]["stack"]), 14) if len(self.tasks) == 1 else str(len(self.tasks))
        return f"stackcheck-{self.kind.slug[:12].rstrip('-')}-{what}-{self.run}"

    def document(self, tasks: Sequence[Mapping[str, Any]]) -> str:
        """Return a file of tasks. Raises UsageError for one that no ConfigMap can hold, or should."""
        head = json.dumps({"schema_version": SCHEMA_VERSION, "run": self.run, "gpu": self.kind.name})
        rows = ",\n".join(json.dumps(task, sort_keys=True) for task in tasks)
        text = f'{head[:-1]}, "tasks": [\n{rows}\n]}}\n'
        if redact(text) != text:
            raise UsageError(
                f"the tasks for {self.kind.name} hold a credential (of a URL, an option or a header), and "
                "whoever may read what is rendered could read it: take it from the environment (k8s: "
                "--secret-env)."
            )
        if len(text) > MOST_TASKS:
            raise UsageError(
                f"the tasks for {self.kind.name} take {len(text):,} bytes, more than the {MOST_TASKS:,} that "
                "a ConfigMap has room for: render fewer stacks, or shorten the files of their smoke tests."
            )
        return text


def arrays(stacks: Sequence[Stack], wish: Wish) -> tuple[Array, ...]:
    """Return the arrays of these stacks, in their order. Raises UsageError for what cannot be placed."""
    if missing := [stack.id for stack in stacks if not _image(stack, wish)]:
        raise UsageError(
            f"no image is named for {', '.join(missing[:5])}{' and others' if len(missing) > 5 else ''}: say "
            f"--image {missing[0]}=REGISTRY/NAME@sha256:DIGEST, or image.ready in the definition."
        )
    if unknown := sorted(wish.images.keys() - {stack.id for stack in stacks}):
        raise UsageError(f"--image {unknown[0]}=...: this stack is not among those that are rendered.")
    found: dict[tuple[str, str, str, str], list[Stack]] = {}
    for stack in stacks:
        for name in gpus_of(stack, wish.gpus):
            place = name, _reference(stack, wish), stack.image.python or "python3", _architecture(stack)
            found.setdefault(place, []).append(stack)
    return tuple(
        Array(
            kind_of(name, wish.labels) if wish.labelled else plain_kind(name),
            image,
            python,
            architecture,
            tuple(_task(stack, image) for stack in members),
            tuple(_check(stack, image, python) for stack in members) if wish.start_check else (),
            checked("label value", wish.run, "--run") if wish.run else "",
        )
        for (name, image, python, architecture), members in found.items()
    )


def _image(stack: Stack, wish: Wish) -> str:
    return wish.images.get(stack.id) or stack.image.ready or ""


def _reference(stack: Stack, wish: Wish) -> str:
    image = _image(stack, wish)
    named = f"--image {stack.id}=" if stack.id in wish.images else f"{stack.title}: image.ready"
    if wish.files and image.endswith((".sif", ".sqsh")):
        return image
    return by_digest(image, named, allow_tag=wish.allow_tags)


def gpus_of(stack: Stack, asked: Sequence[str]) -> Iterator[str]:
    """Yield the kinds of GPU that a stack is for, each once: those that are asked for, else its own."""
    stated = list(asked) or [gpu.name for gpu in stack.gpus]
    if not stated and wanted_accelerator(stack) == "cpu":
        stated = [CPU]
    if not stated:
        raise UsageError(f"{stack.title}: it states no GPU; say --gpu H100,L4, or --gpu cpu.")
    yield from dict.fromkeys(stated)


def _architecture(stack: Stack) -> str:
    platform = stack.platform or "linux/amd64"
    if platform not in _ARCHITECTURES:
        raise UsageError(f"{stack.title}: {platform} does not run on nodes of Linux.")
    return _ARCHITECTURES[platform]


def _task(stack: Stack, image: str) -> dict[str, Any]:
    return _named(stack, image) | {"request": request_for(stack)}


def _check(stack: Stack, image: str, python: str) -> dict[str, Any]:
    """Return the start check of a baked image as a task that holds back what comes after it."""
    command = [python, *FLAGS, f"{FOLDER}/{ARCHIVE}", "entrypoint", "--check"]
    return _named(stack, image) | {"command": command, "gate": True}


def _named(stack: Stack, image: str) -> dict[str, Any]:
    return {"stack": stack.id, "image": image, "definition": fingerprint(stack)}
