"""Run probes in child processes, so that none can cost more than its own entry.

A child is forked (native code has not been loaded yet, so a fork is a fresh interpreter without its start-up
time), leads a session of its own, and reports over a pipe that nothing else writes to. What it prints goes
to a second pipe of which only the end is kept. The agent is a subreaper: whatever a probe leaves behind
comes back to the agent, is killed and reaped before the next probe starts. Linux only.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import selectors
import signal
import sys
import time

from stackcheck_probes import processes
from stackcheck_probes.credentials import without_credentials
from stackcheck_probes.patience import Patience

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

LIMITS = {
    "memory_bytes": 8 << 30,  # resident, all processes of one probe together
    "processes": 64,
    "file_bytes": 1 << 30,
    "printed_bytes": 16 << 20,  # what a probe and its libraries may print before it is stopped
    "facts_bytes": 8 << 20,
}
"""Default limits of one probe; a request may set each of them."""

NEVER = float("inf")
TIME_IS_UP = "no answer within the time that all probes have together (--timeout)"
TAIL_BYTES = 4096
TICK_SECONDS = 0.05
_LOOKS = 20
"""How often within a probe's time it is asked what of it was waiting for a CPU."""


def failure(kind: str, message: str, **more: object) -> dict[str, Any]:
    """Return the entry of a probe that could not do its work; empty extras are left out."""
    error: dict[str, object] = {"kind": kind, "message": without_credentials(message)[:2000]}
    error.update((key, value) for key, value in more.items() if value)
    return {"status": "error", "error": error}


def run_probes(  # noqa: PLR0913 - what to run, and under which bounds
    names: list[str],
    params: dict[str, Any],
    seconds: float,
    limits: dict[str, Any],
    private_fds: tuple[int, ...] = (),
    *,
    hidden: bool = False,
    until: float = NEVER,
) -> dict[str, Any]:
    """Run probes one after the other in as few children as it takes; return name -> entry.

    They share a child until one of them breaks it; the rest go on in a new one. `private_fds` are closed in
    the children (the real stdout, which only the agent writes to). `hidden`: they stay out of reach
    of other processes, as the agent is. At `until`, by the monotonic clock, time is up for all of them.
    """
    entries: dict[str, Any] = {}
    waiting = list(names)
    while waiting:
        if time.monotonic() > until:
            entries.update((name, failure("timeout", TIME_IS_UP)) for name in waiting)
            break
        child = Child(waiting, params, dict(LIMITS, **limits), private_fds, hidden=hidden)
        try:
            entries.update(child.collect(seconds, until))
        finally:
            processes.kill_descendants(child.pid)
        waiting = [name for name in waiting if name not in entries]
    return entries


class Child:
    """A child that runs probes: its pipes, what it has reported, and why it was stopped, if it was."""

    def __init__(
        self,
        names: list[str],
        params: dict[str, Any],
        limits: dict[str, Any],
        private_fds: tuple[int, ...],
        *,
        hidden: bool = False,
    ) -> None:
        self.hidden = hidden
        self.names = names
        self.params = params
        self.limits = limits
        self.buffer = b""
        self.tail = b""
        self.printed = 0
        self.current = names[0]
        self.entries: dict[str, Any] = {}
        self.stopped: dict[str, Any] | None = None
        self.status: int | None = None
        self.oom_kills = processes.oom_kills()
        self.reports, reports_end = os.pipe()
        self.prints, prints_end = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        agent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._live(agent, (reports_end, prints_end), private_fds)
        os.close(reports_end)
        os.close(prints_end)

    def _live(self, agent: int, ends: tuple[int, int], private_fds: tuple[int, ...]) -> None:
        """Be the forked child: report, and leave without running anybody's exit handlers."""
        status = 70
        try:
            if not self.hidden:
                processes.show_to_others()
            _enter(agent, ends[1], self.limits, (self.reports, self.prints, *private_fds))
            _report_all(self.names, self.params, ends[0], self.limits)
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def collect(self, seconds: float, until: float = NEVER) -> dict[str, Any]:
        """Read until every probe has reported, the child has died, or a limit is passed; never longer."""
        with selectors.DefaultSelector() as selector:
            for pipe in (self.reports, self.prints):
                os.set_blocking(pipe, False)
                selector.register(pipe, selectors.EVENT_READ)
            try:
                self._watch(selector, seconds, until)
                self._drain()
            finally:
                os.close(self.reports)
                os.close(self.prints)
        if self.names[-1] not in self.entries:
            self.entries.setdefault(self.current, self.stopped or self._death())
        return self.entries

    def _watch(self, selector: selectors.BaseSelector, seconds: float, until: float) -> None:
        patience = Patience(seconds, time.monotonic())
        next_look = time.monotonic() + TICK_SECONDS
        started = self.current
        while not self.stopped and self.names[-1] not in self.entries:
            for key, _ in selector.select(TICK_SECONDS):
                if self._read(key.fd) == b"":
                    selector.unregister(key.fd)
            now = time.monotonic()
            if self.current != started:
                started, patience = self.current, Patience(seconds, now)
            if now - patience.looked > seconds / _LOOKS and patience.is_over(now):
                self.stopped = failure("timeout", "no answer within %g s" % seconds, stderr_tail=self._tail())
            if now > until:
                self.stopped = failure("timeout", TIME_IS_UP, stderr_tail=self._tail())
            if now > next_look or not selector.get_map():
                next_look = now + TICK_SECONDS
                self._look_at_processes()
                if self._has_ended():
                    return

    def _read(self, pipe: int) -> bytes | None:
        """Take what is in a pipe; None when nothing is there yet, empty when its writers are gone."""
        try:
            chunk = os.read(pipe, 1 << 16)
        except BlockingIOError:
            return None
        if pipe == self.reports:
            self._take(chunk)
            return chunk
        self.tail = (self.tail + chunk)[-TAIL_BYTES:]
        self.printed += len(chunk)
        if self.printed > self.limits["printed_bytes"]:
            self._stop("oversized", "printed more than %d bytes" % self.limits["printed_bytes"])
        return chunk

    def _take(self, chunk: bytes) -> None:
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        if len(self.buffer) > self.limits["facts_bytes"] + 4096:
            self._stop("oversized", "reported more than %d bytes" % self.limits["facts_bytes"])
        for line in lines:
            try:
                report = json.loads(line.decode("ascii"))
                name, entry = report["probe"], report.get("entry")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                self._stop("garbage", "something other than the probe wrote into its report")
                return
            if name not in self.names:
                self._stop("garbage", "a report under a name that was not asked for")
                return
            self.current = name
            if entry is not None:
                self.entries[name] = entry

    def _stop(self, kind: str, message: str) -> None:
        if self.stopped is None:
            self.stopped = failure(kind, message, stderr_tail=self._tail())

    def _look_at_processes(self) -> None:
        pids = processes.descendants(os.getpid())
        if len(pids) > self.limits["processes"]:
            self._stop("processes", "started more than %d processes" % self.limits["processes"])
        if sum(map(processes.resident_bytes, pids)) > self.limits["memory_bytes"]:
            self._stop("memory", "used more than %d bytes of memory" % self.limits["memory_bytes"])

    def _has_ended(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def _drain(self) -> None:
        """Take what is left in the pipes; a grandchild may hold them open, so this waits for nothing."""
        for pipe in (self.reports, self.prints):
            for _ in range(64):  # more than a pipe can hold
                if not self._read(pipe):
                    break

    def _death(self) -> dict[str, Any]:
        status = self.status or 0
        if not os.WIFSIGNALED(status):
            code = os.WEXITSTATUS(status)
            return failure(
                "exit", "the process ended with status %d before it reported" % code, stderr_tail=self._tail()
            )
        name = processes.signal_name(os.WTERMSIG(status))
        if name == "SIGKILL" and processes.oom_kills() > self.oom_kills:
            return failure("memory", "the kernel's out-of-memory killer ended it", signal=name)
        return failure("signal", "ended by %s" % name, signal=name, stderr_tail=self._tail())

    def _tail(self) -> str:
        return without_credentials(self.tail.decode("utf-8", "backslashreplace"))


def _enter(parent: int, prints: int, limits: dict[str, Any], private_fds: tuple[int, ...]) -> None:
    """Give the forked process its session, its output pipe and its limits, and let it die with the agent."""
    os.setsid()
    processes.die_with(parent)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    for private in private_fds:
        os.close(private)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (prints, 1), (prints, 2)):
        os.dup2(source, target)
    processes.limit_self(limits)
    try:
        import faulthandler

        faulthandler.enable(2)  # names the Python line of a crash in native code
    except (ImportError, OSError, ValueError):
        pass


def _report_all(names: list[str], params: dict[str, Any], reports: int, limits: dict[str, Any]) -> None:
    from stackcheck_probes.binaries import binaryfiles

    binaryfiles.keep()
    own = os.getpid()
    for name in names:
        send(reports, json.dumps({"probe": name}))
        entry = run_here(name, params.get(name) or {})
        if os.getpid() != own:
            os._exit(0)  # a fork that the probe made has come back: it must not report as well
        text = json.dumps({"probe": name, "entry": entry})
        if len(text) > limits["facts_bytes"]:
            entry = failure("oversized", "reported more than %d bytes" % limits["facts_bytes"])
            text = json.dumps({"probe": name, "entry": entry})
        send(reports, text)


def run_here(name: str, params: dict[str, Any]) -> dict[str, Any]:
    """Run one probe in this process and return its entry; whatever it raises becomes an error entry."""
    started = time.monotonic()
    try:
        module = importlib.import_module("stackcheck_probes.probes." + name)
        facts = module.run(params)
    except MemoryError:
        return failure("memory", "out of memory (MemoryError)")
    except BaseException as error:
        return failure("exception", "%s: %s" % (type(error).__name__, error), stderr_tail=_traceback_tail())
    seconds = round(time.monotonic() - started, 4)
    try:
        json.dumps(facts, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return failure("garbage", "the facts are not JSON: %s" % error)
    if not isinstance(facts, dict):
        return failure("garbage", "the facts are not a dict but a %s" % type(facts).__name__)
    return {"status": "ok", "grade": module.GRADE, "seconds": seconds, "facts": facts}


def _traceback_tail() -> str:
    import traceback

    return without_credentials(traceback.format_exc()[-TAIL_BYTES:])


def send(pipe: int, text: str) -> None:
    """Write one line to a report pipe; JSON is ASCII here and holds no line break."""
    left = memoryview(text.encode("ascii") + b"\n")
    while left:
        try:
            left = left[os.write(pipe, left) :]
        except OSError as error:
            if error.errno != errno.EINTR:
                raise
