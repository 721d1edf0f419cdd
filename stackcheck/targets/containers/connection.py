"""Reach the container engine, and turn what its SDK raises into errors that say what to do."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import docker
import requests
from docker.context import ContextAPI
from docker.utils.socket import STDOUT, frames_iter

from stackcheck.model.errors import EngineError, EngineUnreachableError
from stackcheck.targets.process.build_log import printable
from stackcheck_probes.credentials import without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker.models.containers import Container

_DEFAULT_HOST = "unix:///var/run/docker.sock"
_TIMEOUT_S = 120


def docker_host(environ: Mapping[str, str]) -> str:
    """Return the address of docker: $DOCKER_HOST, else that of the current docker context."""
    if stated := environ.get("DOCKER_HOST"):
        return stated
    try:
        context = ContextAPI.get_current_context()
    except (docker.errors.DockerException, OSError, ValueError):
        return _DEFAULT_HOST
    host = getattr(context, "Host", None)
    return str(host).replace("http+unix://", "unix://") if host else _DEFAULT_HOST


def connect(host: str, settings: Mapping[str, Any], hint: str) -> docker.DockerClient:
    """Return a client of an engine that answers; raise `EngineUnreachableError` with `hint` when none does.

    `settings` are further arguments of the SDK's client, such as its TLS.
    """
    try:
        _try_socket(host)
        arguments = {**settings, "base_url": host, "version": "auto", "timeout": _TIMEOUT_S}
        client = docker.DockerClient(**arguments)
        client.ping()
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise EngineUnreachableError(
            f"no container engine answers at {host}: {first_line(error)}", hint
        ) from None
    return client


def is_podman(client: docker.DockerClient) -> bool:
    """Tell podman's Docker-compatible service from docker: the first of its components has that name."""
    with engine_errors("asking the engine for its version"):
        parts = client.version().get("Components") or []
    return any("podman" in str(part.get("Name", "")).lower() for part in parts)


def _try_socket(host: str) -> None:
    """Raise `OSError` when nobody listens on a Unix socket: the SDK would leave its own end open."""
    scheme, _, path = host.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Say `doing` and the reason when the engine or the way to it fails; raises `EngineError`."""
    try:
        yield
    except docker.errors.DockerException as error:
        text = first_line(getattr(error, "explanation", None) or error)
        hint = " Make room: `docker system df` shows what takes it." if "no space left" in text else ""
        raise EngineError(f"{doing}: {text}.{hint}") from None
    except (requests.RequestException, OSError) as error:
        raise EngineError(f"{doing}: the engine did not answer: {first_line(error)}") from None


@contextmanager
def attached(container: Container, stdin: bytes = b"") -> Iterator[Iterator[tuple[bytes, bytes]]]:
    """Yield what a container says from now on, as pieces of (standard output, standard error).

    `stdin` goes to its standard input with the first look; one that does not read it is no fault here.
    Attach before the container starts, look when it has. The SDK's own `attach` leaves its socket open.
    """
    wanted = {"stdin": int(bool(stdin)), "stdout": 1, "stderr": 1, "stream": 1, "logs": 0}
    sock: Any = container.attach_socket(params=wanted)

    def pieces() -> Iterator[tuple[bytes, bytes]]:
        with suppress(BrokenPipeError, ConnectionResetError):
            getattr(sock, "_sock", sock).sendall(stdin)
        frames: Iterator[tuple[int, bytes]] = frames_iter(sock, tty=False)  # type: ignore[no-untyped-call]
        for stream, piece in frames:
            yield (piece, b"") if stream == STDOUT else (b"", piece)

    try:
        yield pieces()
    finally:
        sock._response.close()  # noqa: SLF001 - where the SDK keeps what it forgets to close
        sock.close()


def first_line(error: object) -> str:
    """Return the first line of an error text, without credentials, escaped and cut."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return printable(without_credentials(lines[0])).rstrip(".")
