"""The podman engine: its Docker-compatible socket for all but building, which `podman build` does.

What it lacks, seen with podman 4.3 (Debian 12): no GET /distribution, so it tells no digest of a registry;
device requests are accepted and left out of account, so it gives no NVIDIA GPU; its build cache is not the
one that `plan` knows.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from stackcheck.model.errors import EngineUnreachableError
from stackcheck.targets.containers.api_engine import ApiEngine
from stackcheck.targets.containers.build_tool import find_podman
from stackcheck.targets.containers.connection import connect, is_podman
from stackcheck.targets.engine import Capabilities

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT = "/run/podman/podman.sock"
_REACHABLE = ("unix://", "tcp://")


class PodmanEngine(ApiEngine):
    """An engine at $CONTAINER_HOST, else at the socket of this user's podman."""

    name = "podman"
    capabilities = Capabilities(
        images=True,
        builds=True,
        source_archives=True,
        build_secrets=True,
        bakes=True,
        is_local=True,
        content_ids=True,
        outside=True,
    )
    cannot_build = "podman builds by its command, and there is no podman on the PATH. Install it."

    @classmethod
    def start(cls, cache: Path, environ: Mapping[str, str]) -> Self:
        """Connect and sweep: see `EngineClass.start`."""
        del cache
        host = podman_host(environ)
        if not host.startswith(_REACHABLE):
            raise EngineUnreachableError(
                f"podman at {host} is not reached from here",
                f"Name an address that begins with {' or '.join(_REACHABLE)} in CONTAINER_HOST.",
            )
        client = connect(host, {}, _hint(host))
        if not is_podman(client):
            client.close()
            raise EngineUnreachableError(f"what answers at {host} is not podman", _hint(host))
        tool = find_podman(environ, host)
        able = replace(
            cls.capabilities,
            builds=tool is not None,
            source_archives=tool is not None,
            build_secrets=tool is not None,
            is_local=host.startswith("unix://"),
        )
        return cls(client, tool, able)


def podman_host(environ: Mapping[str, str]) -> str:
    """Return the address of podman's service: $CONTAINER_HOST, else the socket that systemd makes.

    Source: podman-system-service(1), "the default ... unix:///run/podman/podman.sock when run as root, else
    $XDG_RUNTIME_DIR/podman/podman.sock" (podman 4.3).
    """
    if stated := environ.get("CONTAINER_HOST"):
        return stated
    folder = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return f"unix://{_ROOT if os.getuid() == 0 else Path(folder) / 'podman' / 'podman.sock'}"


def _hint(host: str) -> str:
    unit = "systemctl" if os.getuid() == 0 else "systemctl --user"
    return (
        f"Start it ({unit} start podman.socket, or podman system service --time=0 {host}), name another one "
        "in CONTAINER_HOST, or use another engine."
    )
