"""Have a base image here: a local one, or pulled, perhaps from a mirror; and know which Python it has."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import docker
import requests
from docker.types import LogConfig

from stackcheck.model.errors import BaseImageError, EngineError
from stackcheck.targets.containers.connection import attached, engine_errors, first_line
from stackcheck.targets.process.captured_output import CapturedOutput
from stackcheck.targets.process.process_identity import LABEL, this_process
from stackcheck.targets.process.signals import deadline

if TYPE_CHECKING:
    from docker.models.images import Image

    from stackcheck.targets.engine import Progress

_WAYS_OUT = (
    "Two ways out: name a registry mirror that this machine reaches (--mirror registry.example.com/hub), or "
    "use another image with --base IMAGE (a local one serves as well)"
)
_PYTHON_S, _MOST_SAID = 60.0, 1 << 16
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*")


def names_registry(reference: str) -> bool:
    """Tell whether an image's name begins with a registry: a first part with a dot or a port, or localhost.

    >>> names_registry("team/base:1"), names_registry("localhost/base:1")
    (False, True)
    """
    first, slash, _ = reference.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def mirrored(reference: str, mirror: str) -> str:
    """Return where a mirror of Docker Hub has an image; images of other registries stay where they are.

    >>> mirrored("python:3.11-slim", "registry.example.com/hub")
    'registry.example.com/hub/library/python:3.11-slim'
    """
    path = reference.removeprefix("docker.io/")
    if not mirror or (names_registry(reference) and path == reference):
        return reference
    return f"{mirror.rstrip('/')}/{path if '/' in path else f'library/{path}'}"


def have_image(
    client: docker.DockerClient,
    reference: str,
    progress: Progress,
    *,
    mirror: str = "",
    platform: str | None = None,
) -> Image:
    """Return a local image, pulled when it is not here; raise `BaseImageError` when it cannot be had."""
    for name in dict.fromkeys((reference, mirrored(reference, mirror))):
        with engine_errors(f"looking for the image {name}"), suppress(docker.errors.ImageNotFound):
            return _checked(client.images.get(name), name, platform)
    return _pull(client, mirrored(reference, mirror), progress, platform)


def _pull(client: docker.DockerClient, name: str, progress: Progress, platform: str | None) -> Image:
    progress(f"pulling {name}")
    tagged = name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"
    try:
        for event in client.api.pull(tagged, stream=True, decode=True, platform=platform):
            if "error" in event:
                raise BaseImageError(_not_had(name, event["error"]))
            if event.get("status") in {"Pull complete", "Already exists", "Download complete"}:
                progress(f"pulling {name}: {event.get('id', '')} {event['status'].lower()}")
        with engine_errors(f"pulling {name}"):
            return _checked(client.images.get(tagged), name, platform)
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise BaseImageError(_not_had(name, getattr(error, "explanation", None) or error)) from None


def _not_had(name: str, reason: object) -> str:
    return f"the image {name} is not here and cannot be pulled: {first_line(reason)}. {_WAYS_OUT}."


def _checked(image: Image, name: str, platform: str | None) -> Image:
    found = f"{image.attrs.get('Os')}/{image.attrs.get('Architecture')}"
    if platform and found != platform:
        raise EngineError(f"the image {name} here is for {found}, the stack is for {platform}. {_WAYS_OUT}.")
    return image


def python_of(client: docker.DockerClient, image: str, python: tuple[str, ...]) -> str:
    """Return the version of an interpreter in an image, such as "3.11.2"; "" when it does not start.

    Raise `EngineError` for one that does not end, or says more than a version.
    """
    script = "import platform; print(platform.python_version())"
    doing, output = f"looking for Python in {image}", CapturedOutput(limit=_MOST_SAID)
    with engine_errors(doing):
        container = client.containers.create(
            image,
            entrypoint=[*python, "-c", script],
            command=[],
            labels={LABEL: str(this_process())},
            log_config=LogConfig(type="none"),
            **CONFINED,
        )
        try:
            with attached(container) as pieces, deadline(_PYTHON_S, container.kill) as expired:
                container.start()
                for out, err in pieces:
                    if not output.take(out, err):
                        raise EngineError(
                            f"{doing}: {python[0]} says more than the version it was asked for."
                        )
        except docker.errors.APIError as error:
            if is_not_there(error):
                return ""
            raise
        finally:
            container.remove(force=True, v=True)
    if expired.is_set():
        raise EngineError(f"{doing}: {python[0]} did not say its version in {_PYTHON_S:.0f} s.")
    found = _VERSION.search(output.out.decode("utf-8", "replace"))
    return found.group() if found else ""


def is_not_there(error: docker.errors.APIError) -> bool:
    """Tell a command that does not exist from a container that did not start (words of runc and crun)."""
    text = str(error.explanation or error).lower()
    return any(words in text for words in ("executable file not found", "no such file or directory"))


CONFINED: dict[str, Any] = {
    "network_mode": "none",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "read_only": True,
    "pids_limit": 4096,
}
"""How every container runs in which something of an image is started: no network, no rights, no writing."""
