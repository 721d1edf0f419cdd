"""Build with the engine's classic builder, through the SDK; it has no mounts, so secrets are not for it."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import docker
import requests

from stackcheck.model.errors import EngineError
from stackcheck.targets.containers.connection import engine_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.targets.containers.build_request import BuildRequest
    from stackcheck.targets.process.build_log import BuildLog

_PATIENCE_S = 10.0
_LAYER = re.compile(r"^ ---> ([0-9a-f]{12,64})$")


def build(client: docker.DockerClient, request: BuildRequest, log: BuildLog) -> None:
    """Build and tag the image; a build that does not end well leaves no intermediate images.

    Raise `EngineError` for an request with secrets: there is no way to keep them out of the image here.
    """
    if request.secrets:
        names = ", ".join(sorted(request.secrets))
        raise EngineError(
            f"{request.what}: the Dockerfile needs build secrets ({names}), which the classic "
            "builder cannot mount. "
            "Install a docker CLI with BuildKit (Debian: docker.io, or the docker-buildx plugin)."
        )
    made: list[str] = []
    done = False
    try:
        with engine_errors(request.what), _responses_closed(client):
            done = _stream(client, request, log, made)
    finally:
        if not done:
            _remove(client, made)
    if not done:
        raise log.error(request.what)


@contextmanager
def _responses_closed(client: docker.DockerClient) -> Iterator[None]:
    """Close every response that comes meanwhile: only a closed connection tells the engine to stop building.

    The SDK gives out the lines of a build without a way to close what they come from.
    """
    seen: list[requests.Response] = []

    def remember(response: requests.Response, **_options: object) -> None:
        seen.append(response)

    hooks = client.api.hooks["response"]
    hooks.append(remember)
    try:
        yield
    finally:
        hooks.remove(remember)
        for response in seen:
            response.close()


def _stream(client: docker.DockerClient, request: BuildRequest, log: BuildLog, made: list[str]) -> bool:
    deadline = time.monotonic() + request.timeout_s
    for event in client.api.build(
        path=str(request.folder),
        dockerfile=str(request.dockerfile),
        tag=request.tag,
        labels=dict(request.labels),
        buildargs=dict(request.build_args),
        target=request.target or None,
        platform=request.platform,
        network_mode=request.network or None,
        nocache=request.no_cache,
        rm=True,
        forcerm=True,
        decode=True,
        timeout=int(request.timeout_s),
    ):
        _take(event, log, made)
        if "error" in event:
            return False
        if time.monotonic() > deadline:
            raise EngineError(
                f"{request.what}: not done after {request.timeout_s:.0f} s. The log: {log.path}"
            )
    return True


def _take(event: dict[str, Any], log: BuildLog, made: list[str]) -> None:
    text = event.get("stream") or event.get("error") or event.get("status") or ""
    if not isinstance(text, str):
        text = json.dumps(text)
    for line in text.splitlines():
        log.line(line)
        if layer := _LAYER.match(line):
            made.append(layer[1])


def _remove(client: docker.DockerClient, made: list[str]) -> None:
    """Remove the untagged images of a build, newest first; the base and what others use stay.

    The engine needs a moment until it has let go of the step that was running.
    """
    end = time.monotonic() + _PATIENCE_S
    for image in reversed(made):
        while True:
            try:
                if not client.images.get(image).tags:
                    client.images.remove(image)
            except docker.errors.NotFound:
                break
            except (docker.errors.DockerException, requests.RequestException):
                if time.monotonic() < end:
                    time.sleep(0.2)
                    continue
            break
