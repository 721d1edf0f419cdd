"""Build by a command: a docker CLI that has BuildKit, which the SDK cannot, or `podman build`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.targets.process.subprocesses import run_logged
from stackcheck_probes.credentials import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.targets.containers.build_request import BuildRequest
    from stackcheck.targets.process.build_log import BuildLog

_VERSION = re.compile(r"Docker version (\d+)\.")
_FIRST_WITHOUT_BUILTIN = 23
"""From 23.0 on the CLI leaves BuildKit to the buildx plugin (docs.docker.com/engine/release-notes/23.0/)."""
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "ftp_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class BuildTool:
    """What builds: its name, the command up to its options, and the variables that it needs.

    `prefix` is what it puts before the names of images that are named without a registry.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    prefix: str = ""


def find_buildkit(environ: Mapping[str, str], host: str) -> BuildTool | None:
    """Return the first docker CLI on the PATH that has BuildKit, as a plugin or built in, or None."""
    variables = {
        "DOCKER_HOST": host,
        "DOCKER_CONTEXT": "",  # a stated one would win over DOCKER_HOST in some versions of the CLI
        "DOCKER_BUILDKIT": "1",
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",  # they would make a second manifest, with the time in it
    }
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        cli = Path(folder or ".") / "docker"
        if not os.access(cli, os.X_OK) or cli.is_dir():
            continue
        if "buildx" in _says(cli, environ, "buildx", "version"):
            # The builder of the engine itself: it sees local images, and nothing is fetched to run it.
            command = (str(cli), "buildx", "build", "--builder", "default", "--load", "--progress=plain")
            return BuildTool("BuildKit", command, variables)
        version = _VERSION.match(_says(cli, environ, "--version"))
        if version and int(version[1]) < _FIRST_WITHOUT_BUILTIN:
            return BuildTool("BuildKit", (str(cli), "build", "--progress=plain"), variables)
    return None


def find_podman(environ: Mapping[str, str], host: str) -> BuildTool | None:
    """Return the podman CLI on the PATH, as a client of the service at `host`; None without one.

    Images get the format of Docker, because OCI's has no HEALTHCHECK. What the service builds for a client
    that has gone it gives up after the step that runs; without `--url` nobody would clean up.
    """
    cli = shutil.which("podman", path=environ.get("PATH", os.defpath))
    if not cli:
        return None
    command = (cli, "--url", host, "build", "--format=docker")
    return BuildTool("podman build", command, {}, prefix="localhost/")


def _says(cli: Path, environ: Mapping[str, str], *arguments: str) -> str:
    try:
        answer = subprocess.run(
            [str(cli), *arguments], capture_output=True, timeout=20, check=False, env=dict(environ), text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def arguments(request: BuildRequest) -> list[str]:
    """Return the options of `docker build` for an request."""
    options = ["--file", str(request.dockerfile), "--tag", request.tag]
    options += [f"--label={name}={value}" for name, value in request.labels.items()]
    options += [f"--build-arg={_argument(name, value)}" for name, value in request.build_args.items()]
    options += [f"--secret=id={name},src={path}" for name, path in request.secrets.items()]
    options += [f"--target={request.target}"] if request.target else []
    options += [f"--platform={request.platform}"] if request.platform else []
    options += [f"--network={request.network}"] if request.network else []
    options += ["--no-cache"] if request.no_cache else []
    return [*options, str(request.folder)]


def _argument(name: str, value: str) -> str:
    """Leave what may be a secret to the environment of the command: anybody reads `ps`."""
    return name if _is_kept_back(name) else f"{name}={value}"


def _is_kept_back(name: str) -> bool:
    return name.lower() in _PROXIES or is_secret_name(name)


def build(tool: BuildTool, request: BuildRequest, log: BuildLog) -> None:
    """Build and tag the image; raise what the log speaks of when the build fails."""
    kept_back = {name: value for name, value in request.build_args.items() if _is_kept_back(name)}
    command = [*tool.command, *arguments(request)]
    environ = {**request.environ, **kept_back, **tool.environ}
    if run_logged(command, environ, log, request.timeout_s, request.what) != 0:
        raise log.error(request.what)


def proxy_arguments(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the proxy settings of the environment as build arguments, which Docker predefines and forgets.

    Source: docs.docker.com/reference/dockerfile/#predefined-args (not in the history of the image).
    """
    return {name: value for name, value in environ.items() if name.lower() in _PROXIES and value}
