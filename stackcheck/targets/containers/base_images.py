"""What a registry, and this engine, have under the name of a base image; nothing is pulled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import docker
import requests

from stackcheck.model.errors import EngineError
from stackcheck.targets.containers.builder import LABEL_BASE_ID
from stackcheck.targets.containers.connection import first_line
from stackcheck.targets.containers.images import mirrored

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.targets.engine import ContainerEngine


@dataclass(frozen=True, slots=True)
class BaseLook:
    """One base image: the digest that the registry has under its name, and the id of the local image.

    `pulled` is the digest under which the local image was pulled, "" when it was not. An empty `digest` or
    `local` comes with a `reason` of its own.
    """

    reference: str
    digest: str = ""
    digest_reason: str = ""
    local: str = ""
    local_reason: str = ""
    pulled: str = ""


@dataclass(frozen=True)
class EngineLook:
    """The engine's version, the bases, and the base's id that a built image was made on ("" when unknown)."""

    version: str
    bases: tuple[BaseLook, ...]
    built_on: str = ""


def look_at_bases(
    engine: ContainerEngine, references: Iterable[str], built: str, mirror: str = "", *, offline: bool = False
) -> EngineLook:
    """Ask engine and registry for base images; `built` is the image whose base's id is wanted.

    Raises EngineError when the engine does not answer.
    """
    unasked = "the registry was not asked (--offline)" if offline else ""
    if not engine.capabilities.sees_registry:
        unasked = f"the engine {engine.name} does not ask registries"
    try:
        bases = tuple(_look(engine.client, each, mirror, unasked) for each in dict.fromkeys(references))
        return EngineLook(engine.version, bases, _built_on(engine.client, built))
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise EngineError(f"the container engine did not answer: {first_line(error)}.") from None


def _look(client: docker.DockerClient, reference: str, mirror: str, unasked: str) -> BaseLook:
    name = mirrored(reference, mirror)
    found: dict[str, Any] = {}
    try:
        image = client.images.get(reference)
        found["local"] = str(image.id)
        digests = [each.rpartition("@")[2] for each in image.attrs.get("RepoDigests") or ()]
        found["pulled"] = digests[0] if len(digests) == 1 else ""
    except docker.errors.DockerException:
        found["local_reason"] = f"{reference} is not on this machine"
    if unasked:
        return BaseLook(reference, digest_reason=unasked, **found)
    try:
        found["digest"] = str(client.images.get_registry_data(name).id)
    except (docker.errors.DockerException, requests.RequestException) as error:
        text = first_line(getattr(error, "explanation", None) or error)
        found["digest_reason"] = f"the registry of {name} was not reached: {text}"
    return BaseLook(reference, **found)


def _built_on(client: docker.DockerClient, image: str) -> str:
    if not image:
        return ""
    try:
        labels = (client.images.get(image).attrs.get("Config") or {}).get("Labels") or {}
    except docker.errors.DockerException:
        return ""
    return str(labels.get(LABEL_BASE_ID, ""))
