"""Do several things at once, each in a forked child of its own, for a limited time; gather what they tell.

For what hangs when a partner does not come: a collective operation has no way back. A child may crash, hang
or be stopped; then its answer is an error that says so. CUDA must not be in use in this process: a fork would
break it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from typing import TYPE_CHECKING, Any

from stackcheck_probes.watching import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    Work = Callable[[], Any]

MAX_ANSWER = 1 << 20


def together(works: Sequence[Work], seconds: float) -> list[Any]:
    """Return the facts of each piece of work, as `measure.attempt` does, after `seconds` at the latest."""
    deadline = time.monotonic() + seconds
    children = [_fork(work) for work in works]
    try:
        return [_answer(pid, pipe, deadline, seconds) for pid, pipe in children]
    finally:
        for pid, pipe in children:
            os.close(pipe)
            _end(pid)


def _fork(work: Work) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_child(work, writing)
    os.close(writing)
    return pid, reading


def _be_child(work: Work, writing: int) -> NoReturn:
    try:
        left = memoryview(json.dumps(measure.attempt(work)).encode("ascii"))
        while left:
            left = left[os.write(writing, left) :]
    finally:
        os._exit(0)  # no exit handlers: some wait for partners that are gone


def _answer(pid: int, pipe: int, deadline: float, seconds: float) -> Any:
    said = b""
    while len(said) <= MAX_ANSWER:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return _failed("TimeoutError", f"no answer within {seconds:g} s")
        chunk = os.read(pipe, 1 << 16)
        if not chunk:
            break
        said += chunk
    try:
        return json.loads(said.decode("ascii"))
    except ValueError:
        return _failed("ChildProcessError", _how_it_ended(pid))


def _failed(kind: str, message: str) -> Any:
    return {"error": {"type": kind, "message": message, "at": ""}}


def _how_it_ended(pid: int) -> str:
    try:
        status = os.waitpid(pid, 0)[1]
    except ChildProcessError:
        return "it ended without an answer"
    if os.WIFSIGNALED(status):
        return f"it was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"it ended with status {os.WEXITSTATUS(status)} and no answer"


def _end(pid: int) -> None:
    """Kill and reap a child, unless it is reaped; one that the kernel holds is waited for one second."""
    try:
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 1.0
        while os.waitpid(pid, os.WNOHANG)[0] == 0 and time.monotonic() < end:
            time.sleep(0.01)
    except (ProcessLookupError, ChildProcessError):
        return
