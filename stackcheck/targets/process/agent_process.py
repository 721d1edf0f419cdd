"""Run the agent as a process of this machine: bounded output, a time-out, no process left."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

from stackcheck.model.errors import EngineError, ProbeError
from stackcheck.targets.process.build_log import printable
from stackcheck.targets.process.captured_output import CapturedOutput
from stackcheck.targets.process.signals import stop_signals_raise
from stackcheck.targets.process.subprocesses import bound_to_us
from stackcheck.targets.process.temp_dirs import temp_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.targets.engine import Target

_CHUNK = 1 << 16


def run_agent(
    target: Target, agent: bytes, request: Mapping[str, Any], timeout_s: float, cache: Path
) -> bytes:
    """Run the agent under the target's interpreter with the target's environment; see `Engine.run_agent`.

    A target that states no HOME gets one for this run alone.
    """
    doing = f"probing {target.name}"
    if target.gpus_note:
        request = {**request, "device_nodes": []}
    with stop_signals_raise(), temp_folder(cache) as folder:
        archive = folder / "agent.pyz"
        archive.write_bytes(agent)
        home = folder / "home"
        home.mkdir()
        command = [*target.python, str(archive), json.dumps(request)]
        if not shutil.which(target.python[0]):
            raise EngineError(f"{doing}: cannot start {target.python[0]}: there is no such command")
        try:
            process = subprocess.Popen(
                bound_to_us(command),
                env={"HOME": str(home), **target.env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"{doing}: cannot start {target.python[0]}: {error.strerror}") from None
        try:
            output = _collect(process, doing, timeout_s)
        finally:
            _end_group(process)
    if output.out.strip():
        return bytes(output.out)
    said = printable(output.err_text.strip()[-400:]) or "nothing"
    raise ProbeError(
        f"{doing}: the agent ended with status {process.returncode} and without a document; it said: {said}"
    )


def _collect(process: subprocess.Popen[bytes], doing: str, timeout_s: float) -> CapturedOutput:
    output, end = CapturedOutput(), time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            assert stream is not None  # noqa: S101 - both were asked for as pipes
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            left = end - time.monotonic()
            if left <= 0:
                raise EngineError(f"{doing}: no answer after {timeout_s:.0f} s; the process was stopped")
            for key, _ in selector.select(left):
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                out, err = (chunk, b"") if key.fileobj is process.stdout else (b"", chunk)
                if not output.take(out, err):
                    raise ProbeError(f"{doing}: the agent wrote more than {output.limit >> 20} MB")
    return output


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the agent and whatever it started; ask first, so that it can end its probes itself."""
    for number, patience_s in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 30.0)):
        if process.poll() is not None and number == signal.SIGTERM:
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()
