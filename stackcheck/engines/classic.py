"""Build with the engine's classic builder, through the SDK; it has no mounts, so secrets are not for it."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import docker
import requests

from stackcheck.engines.connection import engine_errors
from stackcheck.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.engines.buildlog import BuildLog
    from stackcheck.engines.order import BuildOrder

_PATIENCE_S = 10.0
_LAYER = re.compile(r"^ ---> ([0-9a-f]{12,64})$")


def build(client: docker.DockerClient, order: BuildOrder, log: BuildLog) -> None:
    """Build and tag the image; a build that does not end well leaves no intermediate images.

    Raise `EngineError` for an order with secrets: there is no way to keep them out of the image here.
    """
    if order.secrets:
        names = ", ".join(sorted(order.secrets))
        raise EngineError(
            f"{order.what}: the Dockerfile needs build secrets ({names}), which the classic "
            "builder cannot mount. "
            "Install a docker CLI with BuildKit (Debian: docker.io, or the docker-buildx plugin)."
        )
    made: list[str] = []
    done = False
    try:
        with engine_errors(order.what), _responses_closed(client):
            done = _stream(client, order, log, made)
    finally:
        if not done:
            _remove(client, made)
    if not done:
        raise log.error(order.what)


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


def _stream(client: docker.DockerClient, order: BuildOrder, log: BuildLog, made: list[str]) -> bool:
    deadline = time.monotonic() + order.timeout_s
    for event in client.api.build(
        path=str(order.folder),
        dockerfile=str(order.dockerfile),
        tag=order.tag,
        labels=dict(order.labels),
        buildargs=dict(order.build_args),
        target=order.target or None,
        platform=order.platform,
        network_mode=order.network or None,
        nocache=order.no_cache,
        rm=True,
        forcerm=True,
        decode=True,
        timeout=int(order.timeout_s),
    ):
        _take(event, log, made)
        if "error" in event:
            return False
        if time.monotonic() > deadline:
            raise EngineError(f"{order.what}: not done after {order.timeout_s:.0f} s. The log: {log.path}")
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
