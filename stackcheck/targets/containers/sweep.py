"""Remove what a killed run left in the engine: containers, and images that never got a name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import docker
import requests

from stackcheck.targets.process.process_identity import LABEL, is_gone, parse_owner, this_process

if TYPE_CHECKING:
    from collections.abc import Mapping


_PATIENCE_S = 10.0


def sweep_engine(client: docker.DockerClient) -> int:
    """Remove containers and untagged images of runs that are gone; return how many. Never raises.

    An engine may need a moment until it notices that a build has lost its client: until then it refuses.
    """
    removed, end = 0, time.monotonic() + _PATIENCE_S
    while True:
        done, refused = _sweep(client)
        removed += done
        if not refused or time.monotonic() > end:
            return removed
        time.sleep(0.5)


def _sweep(client: docker.DockerClient) -> tuple[int, int]:
    removed = refused = 0
    api = client.api
    try:
        containers = api.containers(all=True, filters={"label": LABEL})
        images = api.images(filters={"label": LABEL, "dangling": True})
    except (docker.errors.DockerException, requests.RequestException):
        return 0, 0
    for row in filter(_left_behind, [*containers, *images]):
        try:
            if row in containers:
                api.remove_container(row["Id"], force=True, v=True)
            else:
                api.remove_image(row["Id"])
            removed += 1
        except docker.errors.NotFound:
            continue  # another run sweeps at the same time
        except (docker.errors.DockerException, requests.RequestException):
            refused += 1
    return removed, refused


def _left_behind(row: Mapping[str, Any]) -> bool:
    labels, created = row.get("Labels") or {}, row.get("Created")
    age = time.time() - created if isinstance(created, (int, float)) else 0.0
    return is_gone(parse_owner(labels.get(LABEL, "")), this_process(), age)
