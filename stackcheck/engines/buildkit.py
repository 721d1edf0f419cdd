"""Build with BuildKit, through whichever docker CLI on the PATH can: the SDK cannot."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.engines.commands import run_logged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.engines.buildlog import BuildLog
    from stackcheck.engines.order import BuildOrder

_VERSION = re.compile(r"Docker version (\d+)\.")
_FIRST_WITHOUT_BUILTIN = 23
"""From 23.0 on the CLI leaves BuildKit to the buildx plugin (docs.docker.com/engine/release-notes/23.0/)."""
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "ftp_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class BuildKit:
    """A docker CLI that builds with BuildKit: the command up to its options."""

    command: tuple[str, ...]


def find_buildkit(environ: Mapping[str, str]) -> BuildKit | None:
    """Return the first docker CLI on the PATH that has BuildKit, as a plugin or built in, or None."""
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        cli = Path(folder or ".") / "docker"
        if not os.access(cli, os.X_OK) or cli.is_dir():
            continue
        if "buildx" in _says(cli, environ, "buildx", "version"):
            # The builder of the engine itself: it sees local images, and nothing is fetched to run it.
            return BuildKit((str(cli), "buildx", "build", "--builder", "default", "--load"))
        version = _VERSION.match(_says(cli, environ, "--version"))
        if version and int(version[1]) < _FIRST_WITHOUT_BUILTIN:
            return BuildKit((str(cli), "build"))
    return None


def _says(cli: Path, environ: Mapping[str, str], *arguments: str) -> str:
    try:
        answer = subprocess.run(
            [str(cli), *arguments], capture_output=True, timeout=20, check=False, env=dict(environ), text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def arguments(order: BuildOrder) -> list[str]:
    """Return the options of `docker build` for an order."""
    options = ["--progress=plain", "--file", str(order.dockerfile), "--tag", order.tag]
    options += [f"--label={name}={value}" for name, value in order.labels.items()]
    options += [f"--build-arg={_argument(name, value)}" for name, value in order.build_args.items()]
    options += [f"--secret=id={name},src={path}" for name, path in order.secrets.items()]
    options += [f"--target={order.target}"] if order.target else []
    options += [f"--platform={order.platform}"] if order.platform else []
    options += [f"--network={order.network}"] if order.network else []
    options += ["--no-cache"] if order.no_cache else []
    return [*options, str(order.folder)]


def _argument(name: str, value: str) -> str:
    """Leave the value of a proxy to the environment: it may hold a password; anybody reads `ps`."""
    return name if name.lower() in _PROXIES else f"{name}={value}"


def build(kit: BuildKit, order: BuildOrder, host: str, log: BuildLog) -> None:
    """Build and tag the image; raise what the log speaks of when the build fails."""
    environ = {
        **order.environ,
        "DOCKER_HOST": host,
        "DOCKER_BUILDKIT": "1",
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",  # they would make a second manifest, with the time in it
    }
    environ.pop("DOCKER_CONTEXT", None)  # it would win over DOCKER_HOST in some versions of the CLI
    command = [*kit.command, *arguments(order)]
    if run_logged(command, environ, log, order.timeout_s, order.what) != 0:
        raise log.error(order.what)


def proxy_arguments(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the proxy settings of the environment as build arguments, which Docker predefines and forgets.

    Source: docs.docker.com/reference/dockerfile/#predefined-args (not in the history of the image).
    """
    return {name: value for name, value in environ.items() if name.lower() in _PROXIES and value}
