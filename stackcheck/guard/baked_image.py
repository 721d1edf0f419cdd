"""Put the entrypoint into an image: compile it there, lay it in front, and ask it once what it finds."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import docker

from stackcheck.guard.startarchive import ARCHIVE, FLAGS, FOLDER, command, inner_command, pack
from stackcheck.model.errors import EngineError, ProbeError
from stackcheck.model.image import parse_image
from stackcheck.targets.containers import agent_container
from stackcheck.targets.containers.connection import engine_errors, first_line
from stackcheck.targets.containers.images import CONFINED
from stackcheck.targets.engine import Target
from stackcheck.targets.process.process_identity import LABEL, NOBODY, this_process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker.models.images import Image

LABEL_INNER = "stackcheck.entrypoint.onto"
"""The image id that was baked onto."""
_BUILD_LABELS = ("stackcheck.fingerprint",)
"""Labels by which a built stack is found again: an image with something in front of it is another one."""
_COMPILE_S = 120.0
_CONTEXT = "start"


@dataclass(frozen=True, slots=True)
class Baked:
    """A baked image, and what its entrypoint said of it without a GPU: the document of one JSON line."""

    name: str
    id: str
    onto: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    said: Mapping[str, Any]


def plain_image(client: docker.DockerClient, image: Image) -> Image:
    """Return the image that a baked one was made of, if it is here and nothing was added; else itself."""
    config = image.attrs.get("Config") or {}
    onto = (config.get("Labels") or {}).get(LABEL_INNER, "")
    if not onto:
        return image
    with engine_errors(f"looking for {onto}"):
        try:
            before = client.images.get(onto)
        except docker.errors.ImageNotFound:
            return image
    layers, below = _layers(image), _layers(before)
    return before if layers[: len(below)] == below and len(layers) == len(below) + 1 else image


def _layers(image: Image) -> list[str]:
    return list((image.attrs.get("RootFS") or {}).get("Layers") or ())


def compile_archive(client: docker.DockerClient, image: str, python: str) -> bytes:
    """Return the entrypoint's archive, compiled by the Python of the image."""
    facts = parse_image(client.images.get(image).attrs)
    target = Target("", "image", image, image, (python,), facts)
    arguments = agent_container.container_arguments(target, 0)
    place = f"{agent_container.FOLDER}/{agent_container.AGENT}"
    arguments |= {
        "entrypoint": [python, *FLAGS, place, "precompile"],
        "mem_limit": 1 << 30,
        "memswap_limit": 1 << 30,
    }
    doing = f"compiling the entrypoint in {image}"
    made = agent_container.run_once(client, arguments, pack(), b"", timeout_s=_COMPILE_S, doing=doing)
    if not made.startswith(b"PK"):
        raise ProbeError(f"{doing}: Python wrote no archive.")
    return made


def lay_in_front(  # noqa: PLR0913 - the image, what goes into it, and how it is called
    client: docker.DockerClient,
    image: Image,
    python: str,
    files: Mapping[str, bytes],
    tag: str,
    *,
    healthcheck: bool = False,
    inside: bool = False,
) -> Image:
    """Build and tag an image: the files in `FOLDER`, and the agent in front of the ENTRYPOINT of `image`.

    inside: in front of its CMD instead, so that it runs after what the ENTRYPOINT does.

    Raise `EngineError` for what cannot be built on, or when the engine fails.
    """
    config = image.attrs.get("Config") or {}
    if config.get("OnBuild"):
        raise EngineError(
            f"{tag}: the image has ONBUILD instructions, which baking would run: bake what is built on it"
        )
    text = render_dockerfile(str(image.id), config, python, healthcheck=healthcheck, inside=inside)
    labels = {LABEL: NOBODY, LABEL_INNER: str(image.id), **_emptied(config)}
    with engine_errors(f"baking {tag}"):
        context = _context(text, files)
        for event in client.api.build(
            fileobj=context, custom_context=True, tag=tag, labels=labels, rm=True, forcerm=True, decode=True
        ):
            if "error" in event:
                raise EngineError(f"baking {tag}: {first_line(event['error'])}")
        return client.images.get(tag)


def _emptied(config: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" for name in _BUILD_LABELS if (config.get("Labels") or {}).get(name)}


def render_dockerfile(
    image: str, config: Mapping[str, Any], python: str, *, healthcheck: bool = False, inside: bool = False
) -> str:
    """Return the Dockerfile: CMD is stated again, because stating ENTRYPOINT forgets it.

    Raise `EngineError` for `inside` without an ENTRYPOINT that would start the check, or without a CMD.

    USER, WORKDIR, STOPSIGNAL and the rest come from `image` by themselves.
    """
    inner = inner_command(tuple(config.get("Entrypoint") or ()))
    words = tuple(config.get("Cmd") or ())
    if inside and not (inner and words):
        raise EngineError(
            "--inside puts the check behind the image's ENTRYPOINT and in front of its CMD, and this image "
            f"has no {'CMD' if inner else 'ENTRYPOINT'}: bake it without --inside."
        )
    front = (inner, command(python, words)) if inside else (command(python, inner), words)
    lines = [
        f"FROM {image}",
        f"COPY {_CONTEXT}/ {FOLDER}/",
        f"ENTRYPOINT {json.dumps(list(front[0]))}",
        f"CMD {json.dumps(list(front[1]))}",
    ]
    if healthcheck:
        check = [python, *FLAGS, f"{FOLDER}/{ARCHIVE}", "entrypoint", "--check"]
        lines.append(f"HEALTHCHECK CMD {json.dumps(check)}")
    return "\n".join(lines) + "\n"


def _context(dockerfile: str, files: Mapping[str, bytes]) -> io.BytesIO:
    """Return the build context: owner root, readable by everybody, writable by nobody, dates zero."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        folder = tarfile.TarInfo(_CONTEXT)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        for name, content in {"Dockerfile": dockerfile.encode(), **_placed(files)}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o444
            archive.addfile(entry, io.BytesIO(content))
    made.seek(0)
    return made


def _placed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{_CONTEXT}/{name}": content for name, content in sorted(files.items())}


def ask(client: docker.DockerClient, image: str, python: str) -> dict[str, Any]:
    """Return what the check in a baked image says of it, in a container without a GPU."""
    own = [python, *FLAGS, f"{FOLDER}/{ARCHIVE}"]
    with engine_errors(f"asking the entrypoint of {image}"):
        container = client.containers.create(
            image,
            entrypoint=[*own, "entrypoint", "--check"],
            command=[],
            environment={"STACKCHECK_FORMAT": "json", "STACKCHECK_CPU": "allow", "STACKCHECK_TIMEOUT": "60"},
            labels={LABEL: str(this_process())},
            **CONFINED,
        )
        try:
            container.start()
            container.wait(timeout=90)
            said = container.logs(stdout=True, stderr=False)
            fault = container.logs(stdout=False, stderr=True)
        finally:
            container.remove(force=True, v=True)
    try:
        document: dict[str, Any] = json.loads(said)
    except (ValueError, RecursionError):
        text = first_line(fault.decode("utf-8", "replace") or "nothing")
        raise ProbeError(f"the entrypoint of {image} gave no answer; it said: {text}") from None
    return document
