"""Do something in a forked child for a limited time: it may crash, hang or be stopped, and costs only itself.

A limit inside one process is none: a signal handler of Python waits for a call into a library that hangs, and
a crash there would take PID 1 along. The child has a deadline of its own besides (SIGALRM, which the kernel
carries out), no core file, and no way to the terminal.
"""

from __future__ import annotations

import os
import select
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

MAX_ANSWER = 1 << 20
STEP = b"\0"
"""Ends what the child says of its next step; its answer comes last and has none."""
MEMORY_BYTES = 2 << 30
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class StoppedError(BaseException):
    """A signal asked this process to stop while the child worked; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(work: Callable[[Callable[[str], None]], bytes], seconds: float) -> tuple[bytes, str, str]:
    """Return what `work` answered, "" or why there is no whole answer, and what it was doing last.

    Never later than `seconds`. `work` is given a function to say what it is about to do, in few words. Raise
    `StoppedError` for a signal to stop; the child is then gone.
    """
    _stop_on_signals()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _be_child(work, writing, seconds)
    os.close(writing)
    deadline = time.monotonic() + seconds
    try:
        read, late = _read(reading, deadline)
        *steps, said = read.split(STEP)
        doing = steps[-1].decode("utf-8", "replace") if steps else ""
        status = None if late else _wait(child, deadline)
        if status is None:
            return b"", "no answer within %g s" % seconds, doing
        return (said, "", doing) if status == 0 and said else (b"", _death(status), doing)
    finally:
        os.close(reading)
        _end(child)


def _stop_on_signals() -> None:
    """Make the signals that would end a process raise here: PID 1 has no default for them."""

    def stop(number: int, _frame: object) -> NoReturn:
        raise StoppedError(number)

    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


def _be_child(work: Callable[[Callable[[str], None]], bytes], writing: int, seconds: float) -> NoReturn:
    status = 70
    try:
        for number in (*STOPPING, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.alarm(int(seconds) + 2)
        _limit()
        quiet = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            if fd != writing:
                os.dup2(quiet, fd)
        left = memoryview(work(lambda step: _tell(writing, step)).replace(STEP, b" "))
        while left:
            left = left[os.write(writing, left) :]
        status = 0
    except BaseException:
        status = 71
    finally:
        os._exit(status)


def _tell(writing: int, step: str) -> None:
    os.write(writing, step.encode("utf-8", "backslashreplace")[:200] + STEP)


def _limit() -> None:
    import resource

    for kind, limit in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, MEMORY_BYTES)):
        hard = resource.getrlimit(kind)[1]
        if hard == resource.RLIM_INFINITY or hard > limit:
            resource.setrlimit(kind, (limit, hard))


def _read(reading: int, deadline: float) -> tuple[bytes, bool]:
    """Return what comes until the writer is gone, and whether the time was up before."""
    said = b""
    poll = select.poll()
    poll.register(reading, select.POLLIN | select.POLLHUP)
    while len(said) <= MAX_ANSWER:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            return said, True
        chunk = os.read(reading, 1 << 16)
        if not chunk:
            break
        said += chunk
    return said, False


def _wait(child: int, deadline: float) -> int | None:
    """Return the child's status, None when it does not end in time."""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        if time.monotonic() > deadline:
            return None
        time.sleep(0.0002)


def _end(child: int) -> None:
    """Kill and reap the child, unless it is reaped; one that the kernel holds is waited for 0.2 s."""
    try:
        os.kill(child, signal.SIGKILL)
        end = time.monotonic() + 0.2
        while os.waitpid(child, os.WNOHANG)[0] == 0 and time.monotonic() < end:
            time.sleep(0.002)
    except (ProcessLookupError, ChildProcessError):
        return


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = "signal %d" % number
        return "it was ended by %s" % name
    return "it ended with status %d" % os.WEXITSTATUS(status)
