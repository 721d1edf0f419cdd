"""Hand a built image from the node that made it to those that probe it: by a registry, or as docker saves it.

What goes along is what a build is found by: its names, its base, the lock that it was made of. A node that
takes all of it finds the stack built, by the same fingerprint; one that cannot builds for itself.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stackcheck.images.dockerfile import LABEL_BASE, LABEL_FINGERPRINT, LABEL_STACK
from stackcheck.model.errors import EngineError
from stackcheck.storage.stack_files import lock_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import docker

    from stackcheck.intake.stack import Stack
    from stackcheck.steps.options import Options
    from stackcheck.targets import Target

PIECE = 64 << 20
"""Bytes of a saved image that travel as one object."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its id, which is the digest of what is in it, and the name that it goes by.

    `stack` and `fingerprint` are what it was built for and from, "" for a base; `reference` is where a
    registry has it, by digest.
    """

    id: str
    name: str
    stack: str = ""
    fingerprint: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Handed:
    """What a node takes instead of building: images, lowest first, and the text of the lock.

    `pieces` are what `docker save` gave, each as whoever carries it knows it; none where a registry has it.
    """

    images: tuple[Image, ...]
    lock: str = ""
    pieces: tuple[Any, ...] = ()


def build(stack: Stack, options: Options, registry: str, put: Callable[[bytes], Any]) -> Handed | None:
    """Build a stack here and hand it on; None where it cannot be: then who needs it says why."""
    from stackcheck import pipeline  # noqa: PLC0415 - a node that only takes builds nothing

    try:
        target = pipeline.build(stack, options, _silent)
        with closing(_client(options)) as client:
            images = tuple(images_of(client, target, stack))
            if registry:
                images = tuple(replace(each, reference=_pushed(client, each, registry)) for each in images)
                return Handed(images, _lock(stack, options))
            pieces = tuple(put(piece) for piece in saved(client, [each.name for each in images]))
            return Handed(images, _lock(stack, options), pieces)
    except Exception:  # noqa: BLE001 - who needs the image builds it then, and tells what is wrong with it
        return None


def take(handed: Handed, options: Options, fetch: Callable[[Any], bytes]) -> None:
    """Have the images here under their names, noted as built; what is here already does not travel.

    Raises EngineError where one does not arrive as it was sent.
    """
    from stackcheck.targets.containers.built_images import note_built  # noqa: PLC0415 - see build

    with closing(_client(options)) as client:
        if not all(_is_here(client, each) for each in handed.images):
            if handed.pieces:
                with _said("loading an image"):
                    client.images.load(_Pieces(fetch(piece) for piece in handed.pieces))
            else:
                for each in handed.images:
                    _pulled(client, each)
        for each in handed.images:
            if not _is_here(client, each):
                raise EngineError(f"{each.name}: what came is not the image {each.id[:19]} that was sent.")
            if each.stack:
                note_built(options.build.cache, each.id, each.stack, each.fingerprint)


def images_of(client: docker.DockerClient, target: Target, stack: Stack) -> Iterator[Image]:
    """Yield the images that a target rests on, lowest first: its base, the tiers below, itself."""
    names = [tier.name for tier in target.tiers] or [target.name]
    with _said("looking for a built image"):
        found = [client.images.get(name) for name in names]
        base = _labels(found[0]).get(LABEL_BASE, "")
        if base and "@" not in base and not stack.image.dockerfile:
            yield Image(str(client.images.get(base).id), base)
        for name, image in zip(names, found, strict=True):
            labels = _labels(image)
            own = labels.get(LABEL_STACK, ""), labels.get(LABEL_FINGERPRINT, "")
            yield Image(str(image.id), name, *own)


def saved(client: docker.DockerClient, names: Sequence[str]) -> Iterator[bytes]:
    """Yield what `docker save` of images gives, in pieces; layers that they share are in it once.

    Source: GET /images/get of the Docker Engine API 1.41, checked 2026-11-30; the SDK saves one image alone.
    """
    url = f"{client.api.base_url}/images/get"
    with _said("saving an image"), client.api.get(url, params={"names": names}, stream=True) as answer:
        answer.raise_for_status()
        yield from answer.iter_content(PIECE)


def locks_for(handed: Handed, stack: Stack, folder: Path) -> Path | None:
    """Write the lock that an image was built of into a folder; return it, None where there is none."""
    if not handed.lock:
        return None
    lock_path(stack, folder).write_text(handed.lock, "utf-8")
    return folder


class _Pieces:
    """Pieces as a file that is read from its beginning to its end, one in memory at a time."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Take them in their order."""
        self._pieces, self._rest = pieces, b""

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes, all of them without a count; none at the end."""
        if count < 0:
            return self._rest + b"".join(self._pieces)
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return b""
        found, self._rest = self._rest[:count], self._rest[count:]
        return found


def _lock(stack: Stack, options: Options) -> str:
    path = lock_path(stack, options.locks)
    return path.read_text("utf-8") if path.is_file() else ""


def _client(options: Options) -> docker.DockerClient:
    from docker.utils import kwargs_from_env  # noqa: PLC0415 - a fleet without docker has no need of it

    from stackcheck.targets.containers.connection import connect, docker_host  # noqa: PLC0415 - likewise

    environ = options.build.environ
    settings = kwargs_from_env(environment=dict(environ))
    return connect(docker_host(environ), settings, "Start it (systemctl start docker).")


def _pushed(client: docker.DockerClient, image: Image, registry: str) -> str:
    """Give an image to a registry; return where that has it, by the digest that it says."""
    repository, tag = _in_registry(image.name, registry)
    with _said(f"pushing {repository}"):
        client.images.get(image.id).tag(repository, tag)
        try:
            digest = ""
            for event in client.api.push(repository, tag, stream=True, decode=True):
                if "error" in event:
                    raise EngineError(f"pushing {repository}: {event['error']}.")
                digest = (event.get("aux") or {}).get("Digest") or digest
        finally:
            client.images.remove(f"{repository}:{tag}", noprune=True)
    if not digest:
        raise EngineError(f"pushing {repository}: the registry does not say its digest.")
    return f"{repository}@{digest}"


def _in_registry(name: str, registry: str) -> tuple[str, str]:
    """Return repository and tag of a name in a registry.

    >>> _in_registry("python:3.11-slim", "registry.example.com/ci/")
    ('registry.example.com/ci/python', '3.11-slim')
    """
    path, tag = _split(name)
    return f"{registry.rstrip('/')}/{path.replace(':', '-')}", tag


def _split(name: str) -> tuple[str, str]:
    """Return the parts of a name; a colon in front of the last slash is that of a port."""
    path, colon, tag = name.rpartition(":")
    return (path, tag) if colon and "/" not in tag else (name, "latest")


def _pulled(client: docker.DockerClient, image: Image) -> None:
    with _said(f"pulling {image.reference}"):
        found = client.images.pull(image.reference)
        if str(found.id) == image.id:
            found.tag(*_split(image.name))
        client.images.remove(image.reference, noprune=True)  # the name that it has by its digest


def _is_here(client: docker.DockerClient, image: Image) -> bool:
    import docker  # noqa: PLC0415 - see _client

    with _said(f"looking for {image.name}"):
        try:
            return str(client.images.get(image.name).id) == image.id
        except docker.errors.ImageNotFound:
            return False


def _labels(image: Any) -> dict[str, str]:
    return dict((image.attrs.get("Config") or {}).get("Labels") or {})


def _said(doing: str) -> Any:
    from stackcheck.targets.containers.connection import engine_errors  # noqa: PLC0415 - see _client

    return engine_errors(doing)


def _silent(_line: str) -> None:
    """Take a line of progress."""
