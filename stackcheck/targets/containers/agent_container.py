"""Run the agent in a container that can do nothing else: no network, no rights, no writing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import docker
from docker.types import LogConfig, Mount

from stackcheck.model.errors import EngineError, NoInterpreterError, ProbeError
from stackcheck.probing.exchange import BOUND, Exchange
from stackcheck.targets.containers.commit import pack_files
from stackcheck.targets.containers.connection import attached, engine_errors, first_line
from stackcheck.targets.containers.images import CONFINED, is_not_there
from stackcheck.targets.process.agent_process import ended_badly
from stackcheck.targets.process.captured_output import CapturedOutput
from stackcheck.targets.process.process_identity import LABEL, this_process
from stackcheck.targets.process.signals import deadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker.models.containers import Container

    from stackcheck.targets.engine import Target

FOLDER = "/stackcheck"
AGENT = "agent.pyz"
_MEMORY_LIMIT = 16 << 30
_MEMORY_SHARE = 0.8
_NO_DRIVER = "could not select device driver"


def container_arguments(target: Target, memory_bytes: int) -> dict[str, Any]:
    """Return the keyword arguments of the probing container; `memory_bytes` is what the engine's machine has.

    The agent comes in an anonymous volume, because a stream cannot be put into a read-only root. /tmp allows
    execution: libraries unpack and load things there, as they do in the user's own runs.
    """
    memory = min(_MEMORY_LIMIT, int(memory_bytes * _MEMORY_SHARE)) or _MEMORY_LIMIT
    return {
        "image": target.id,
        "entrypoint": [*target.python, f"{FOLDER}/{AGENT}", BOUND],
        "command": [],
        "stdin_open": True,
        "use_config_proxy": False,
        "labels": {LABEL: str(this_process())},
        "mounts": [Mount(FOLDER, None, type="volume")],
        "tmpfs": {"/tmp": "rw,exec,nosuid,nodev,mode=1777,size=2g"},  # noqa: S108 - the container's own
        "mem_limit": memory,
        "memswap_limit": memory,
        "log_config": LogConfig(type="none"),
        **CONFINED,
    }


def run_agent(  # noqa: PLR0913 - the container, what it is asked, and how it is told
    client: docker.DockerClient,
    arguments: Mapping[str, Any],
    agent: bytes,
    request: Mapping[str, Any],
    *,
    timeout_s: float,
    doing: str,
) -> bytes:
    """Ask the agent in a container made with `arguments`; see `Engine.run_agent` for the errors."""
    exchange = Exchange(request)
    out = run_once(client, arguments, agent, exchange.stdin, timeout_s=timeout_s, doing=doing)
    return exchange.document(out, doing)


def run_once(  # noqa: PLR0913 - as above
    client: docker.DockerClient,
    arguments: Mapping[str, Any],
    agent: bytes,
    stdin: bytes,
    *,
    timeout_s: float,
    doing: str,
) -> bytes:
    """Return what a container made with `arguments` writes to its standard output, and remove it.

    Raise `ProbeError` when it ends with anything but 0 or writes too much.
    """
    with engine_errors(doing):
        container = client.containers.create(**arguments)
        try:
            container.put_archive(FOLDER, pack_files({AGENT: agent}, mode=0o644))
            output = _collect(container, stdin, doing, timeout_s)
            _check_status(container, output, doing)
        finally:
            container.remove(force=True, v=True)
    return bytes(output.out)


def _collect(container: Container, stdin: bytes, doing: str, timeout_s: float) -> CapturedOutput:
    """Start the container and read what it says until it ends; kill it when it says or takes too much."""
    output = CapturedOutput()
    with (
        _start_errors(doing),  # podman makes the process when somebody attaches, docker when it starts
        attached(container, stdin) as pieces,
        deadline(timeout_s, lambda: _kill(container)) as expired,
    ):
        container.start()
        for out, err in pieces:
            if not output.take(out, err):
                raise ProbeError(f"{doing}: the agent wrote more than {output.limit >> 20} MB.")
    if expired.is_set():
        raise EngineError(f"{doing}: no answer after {timeout_s:.0f} s; the container was stopped.")
    return output


@contextmanager
def _start_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except docker.errors.APIError as error:
        text = first_line(error.explanation or error)
        if _NO_DRIVER in text:
            hint = "Install nvidia-container-toolkit on the engine's machine, or probe with --gpus none."
            raise EngineError(f"{doing}: the engine cannot give GPUs to containers: {text}. {hint}") from None
        if is_not_there(error):
            hint = (
                "Name the interpreter of the image in image.python of the stack; `stackcheck inspect IMAGE` "
                "reads its files from outside."
            )
            raise NoInterpreterError(f"{doing}: there is no Python to run: {text}. {hint}") from None
        raise


def _kill(container: Container) -> None:
    with engine_errors("stopping a container"):
        try:
            container.kill()
        except docker.errors.APIError as error:
            gone = error.status_code in {404, 409} or "container state improper" in str(error)
            if not gone:  # or not running any more, for which podman has a 500
                raise


def _check_status(container: Container, output: CapturedOutput, doing: str) -> None:
    status = int(container.wait(timeout=60)["StatusCode"])
    if not status:
        return
    container.reload()
    if container.attrs["State"].get("OOMKilled"):
        raise ProbeError(f"{doing}: the agent ran out of the memory that it was given.")
    raise ended_badly(doing, f"status {status}", output)
