"""The docker engine: builds with BuildKit where a docker CLI has it, else as well as its API can."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from docker.utils import kwargs_from_env

from stackcheck.model.errors import EngineUnreachableError
from stackcheck.targets.containers.api_engine import ApiEngine
from stackcheck.targets.containers.build_tool import find_buildkit
from stackcheck.targets.containers.connection import connect, docker_host, is_podman
from stackcheck.targets.containers.tier_images import plan_chain
from stackcheck.targets.engine import Capabilities

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.images.tiers import ChainPlan
    from stackcheck.intake.stack import Stack
    from stackcheck.targets.engine import BuildOptions

_HINT = (
    "Start it (systemctl start docker), name another one in DOCKER_HOST, or use another engine: "
    "--engine podman, or --engine venv, which runs the stack's code as this user."
)


class DockerEngine(ApiEngine):
    """An engine at $DOCKER_HOST, else in the current docker context."""

    name = "docker"
    capabilities = Capabilities(
        images=True,
        builds=True,
        source_archives=True,
        build_secrets=True,
        plans=True,
        bakes=True,
        sees_registry=True,
        gpu_requests=True,
        is_local=True,
        content_ids=True,
        outside=True,
    )

    @classmethod
    def start(cls, cache: Path, environ: Mapping[str, str], *, use_buildkit: bool = True) -> Self:
        """Connect and sweep: see `EngineClass.start`; without BuildKit, build secrets are few."""
        del cache
        host = docker_host(environ)
        client = connect(host, kwargs_from_env(environment=dict(environ)), _HINT)
        if is_podman(client):
            client.close()
            raise EngineUnreachableError(
                f"podman answers at {host}, not docker", f"Use --engine podman, with CONTAINER_HOST={host}."
            )
        tool = find_buildkit(environ, host) if use_buildkit else None
        able = replace(cls.capabilities, build_secrets=tool is not None, is_local=host.startswith("unix://"))
        return cls(client, tool, able)

    def plan(self, stack: Stack, options: BuildOptions) -> ChainPlan:
        """Tell what `prepare` would build of a stack with a Dockerfile of its own, and build nothing."""
        return plan_chain(self.client, stack, options, classic=self._tool is None)
