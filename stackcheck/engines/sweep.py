"""Remove what a killed run left in the engine: containers, and images that never got a name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import docker
import requests

from stackcheck.engines.owner import LABEL, is_gone, parse_owner, this_process

if TYPE_CHECKING:
    from collections.abc import Mapping


def sweep_engine(client: docker.DockerClient) -> int:
    """Remove containers and untagged images of runs that are gone; return how many. Never raises."""
    removed = 0
    try:
        for row in client.api.containers(all=True, filters={"label": LABEL}):
            if _left_behind(row):
                client.api.remove_container(row["Id"], force=True, v=True)
                removed += 1
        for row in client.api.images(filters={"label": LABEL, "dangling": True}):
            if _left_behind(row):
                client.api.remove_image(row["Id"])
                removed += 1
    except (docker.errors.DockerException, requests.RequestException):
        pass  # somebody else removes it at the same time, or it is in use: the next run looks again
    return removed


def _left_behind(row: Mapping[str, Any]) -> bool:
    labels, created = row.get("Labels") or {}, row.get("Created")
    age = time.time() - created if isinstance(created, (int, float)) else 0.0
    return is_gone(parse_owner(labels.get(LABEL, "")), this_process(), age)
