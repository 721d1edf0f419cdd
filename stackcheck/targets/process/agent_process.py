"""Run the agent as a process of this machine: bounded output, a time-out, no process left."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from typing import IO, TYPE_CHECKING, Any

from stackcheck.model.errors import EngineError, ProbeError
from stackcheck.probing.exchange import BOUND, Exchange
from stackcheck.resolve.bound_start import bound_to_us
from stackcheck.targets.process.build_log import printable
from stackcheck.targets.process.captured_output import CapturedOutput
from stackcheck.targets.process.signals import stop_signals_raise
from stackcheck.targets.process.temp_dirs import temp_folder
from stackcheck_probes.processes import resident_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.targets.engine import Target

_CHUNK = 1 << 16
_MOST_MEMORY = 768 << 20
"""Bytes of the agent itself: it holds the answers; probes are its children, with bounds of their own."""
_TICK_S = 0.05
_CLOSED_TICK_S = 0.01


def run_agent(
    target: Target, agent: bytes, request: Mapping[str, Any], timeout_s: float, cache: Path
) -> bytes:
    """Run the agent under the target's interpreter with the target's environment; see `Engine.run_agent`.

    A target that states no HOME gets one for this run alone.
    """
    doing = f"probing {target.name}"
    if target.gpus_note:
        request = {**request, "device_nodes": []}
    exchange = Exchange(request)
    with stop_signals_raise(), temp_folder(cache) as folder:
        archive = _write_agent(folder, agent, doing)
        command = [*target.python, str(archive), BOUND]
        home = folder / "home"
        if not shutil.which(target.python[0]):
            raise EngineError(f"{doing}: cannot start {target.python[0]}: there is no such command")
        try:
            process = subprocess.Popen(
                bound_to_us(command),
                env={"HOME": str(home), **target.env},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"{doing}: cannot start {target.python[0]}: {error.strerror}") from None
        try:
            output = _collect(process, exchange.stdin, doing, timeout_s)
            status = process.poll()
        finally:
            _end_group(process)
    if status:
        raise ended_badly(doing, _named(status), output)
    return exchange.document(output.out, doing)


def _write_agent(folder: Path, agent: bytes, doing: str) -> Path:
    """Write the agent into a temporary folder; raise `EngineError` when the disk does not take it."""
    archive = folder / "agent.pyz"
    try:
        archive.write_bytes(agent)
        (folder / "home").mkdir()
    except OSError as error:
        raise EngineError(
            f"{doing}: the probes cannot be written to {folder.parent}: {error.strerror}. "
            "Make room there, or name another folder in STACKCHECK_CACHE."
        ) from None
    return archive


def ended_badly(doing: str, status: str, output: CapturedOutput) -> ProbeError:
    """Return the error of an agent that did not end as it does when it has answered."""
    said = printable(output.err_text.strip()[-400:]) or "nothing"
    return ProbeError(f"{doing}: the agent ended with {status} and without an answer; it said: {said}")


def _named(status: int) -> str:
    """Return an exit status of `subprocess` as words: a signal has a negative one."""
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name if status < 0 else f"status {status}"
    return f"signal {-status}"


def _collect(
    process: subprocess.Popen[bytes], question: bytes, doing: str, timeout_s: float
) -> CapturedOutput:
    """Ask, and read what the agent says until it has ended; `question` goes to its standard input.

    What it leaves behind may hold its pipes open for ever: once it has ended, only what is there is read.
    """
    output, end = CapturedOutput(), time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            selector.register(_pipe(stream), selectors.EVENT_READ)
        os.set_blocking(_pipe(process.stdin).fileno(), False)
        selector.register(_pipe(process.stdin), selectors.EVENT_WRITE, memoryview(question))
        while _is_open(process, selector):
            ended = process.poll() is not None
            ready = selector.select(0 if ended else _TICK_S)
            if ended and not any(key.events & selectors.EVENT_READ for key, _ in ready):
                break
            if resident_bytes(process.pid) > _MOST_MEMORY:
                raise ProbeError(f"{doing}: the agent took more than {_MOST_MEMORY >> 20} MB of memory.")
            if time.monotonic() > end:
                raise EngineError(f"{doing}: no answer after {timeout_s:.0f} s; the process was stopped.")
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    _ask(selector, key)
                    continue
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                out, err = (chunk, b"") if key.fileobj is process.stdout else (b"", chunk)
                if not output.take(out, err):
                    raise ProbeError(f"{doing}: the agent wrote more than {output.limit >> 20} MB.")
    return output


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - all three were asked for as pipes
    return stream


def _is_open(process: subprocess.Popen[bytes], selector: selectors.BaseSelector) -> bool:
    """Tell whether there is more to wait for: a pipe, or the end of a process that has closed its own."""
    if not selector.get_map():
        time.sleep(_CLOSED_TICK_S)
    return bool(selector.get_map()) or process.poll() is None


def _ask(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Write as much of the question as the pipe takes; close it after the last byte, or when nobody reads."""
    left: memoryview = key.data
    try:
        left = left[os.write(key.fd, left) :]
    except OSError:
        left = left[:0]
    selector.modify(key.fileobj, selectors.EVENT_WRITE, left)
    if not left:
        selector.unregister(key.fileobj)
        key.fileobj.close()  # type: ignore[union-attr]


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
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()
