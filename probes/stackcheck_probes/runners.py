"""Run groups of probes side by side, each group in a runner: a process that starts and watches its children.

Importing torch takes a second or more, and most probes that import anything import it first. A runner can
import it once and fork each probe from there: every probe still has a process of its own, and costs only what
it adds. When that import fails, crashes or hangs, the group is run again from fresh processes, so that each
probe meets the failure itself and reports it. Probes that look at the import of torch itself never share it.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import sys
import time

from stackcheck_probes import isolation, processes
from stackcheck_probes.patience import Patience

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

GRACE_SECONDS = 5.0
"""How long a runner may take to tell, after the time of all probes, which of them had no answer."""
SPARE_SECONDS = 30.0
"""How long a runner may take beyond its probes' own time: it kills them itself, so it never should."""


class Group:
    """Probes that one runner runs: together in one child (`together`), or after importing `preload`."""

    def __init__(self, names: list[str], together: bool = False, preload: str = "") -> None:
        self.names, self.together, self.preload = names, together, preload


def run_groups(groups: list[Group], request: dict[str, Any], private_fds: tuple[int, ...]) -> dict[str, Any]:
    """Run all groups at once; return name -> entry. `private_fds` are closed in the runners."""
    entries: dict[str, Any] = {}
    runners = [Runner(group, request, private_fds) for group in groups if group.names]
    try:
        with selectors.DefaultSelector() as selector:
            for runner in runners:
                selector.register(runner.pipe, selectors.EVENT_READ, runner)
            while selector.get_map():
                ready = {key.data for key, _ in selector.select(1.0)}
                for runner in [key.data for key in list(selector.get_map().values())]:
                    if (runner in ready and not runner.read()) or runner.is_late():
                        selector.unregister(runner.pipe)
                        again = runner.finish(entries)
                        if again:
                            runners.append(Runner(again, request, private_fds))
                            selector.register(runners[-1].pipe, selectors.EVENT_READ, runners[-1])
    finally:
        processes.kill_descendants()
    return entries


class Runner:
    """A runner seen from the agent: the pipe on which it sends entries, one JSON line each."""

    def __init__(self, group: Group, request: dict[str, Any], private_fds: tuple[int, ...]) -> None:
        self.group = group
        self.buffer = b""
        self.entries: dict[str, Any] = {}
        self.ready = not group.preload
        self.until: float = request["until"]
        seconds: float = min(request["timeout_s"], max(1.0, self.until - time.monotonic()))
        limit = dict(isolation.LIMITS, **request["limits"])["facts_bytes"]
        self.most = len(group.names) * (limit + 4096) + 4096
        self.pipe, reports = os.pipe()
        sys.stderr.flush()
        agent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.pipe)
            _be_runner(agent, group, request, reports, private_fds)
        os.close(reports)
        now, whole = time.monotonic(), seconds * (len(group.names) + 1) + SPARE_SECONDS
        self.preloading, self.working = Patience(seconds, now, self.pid), Patience(whole, now, self.pid)

    def read(self) -> bool:
        """Take what the runner has sent; False when it has ended."""
        chunk = os.read(self.pipe, 1 << 16)
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        for line in lines:
            self._take(line)
        return chunk != b"" and len(self.buffer) <= self.most

    def _take(self, line: bytes) -> None:
        """Keep the entries of the group's own probes: an import in the runner may write here as well."""
        try:
            report = json.loads(line.decode("ascii"))
            self.entries.update((name, report[name]) for name in report if name in self.group.names)
        except (ValueError, TypeError, RecursionError):
            return
        self.ready = True

    def is_late(self) -> bool:
        """Tell whether the import before the probes, or everything, has taken too long."""
        now = time.monotonic()
        late = self.working.is_over(now) or now > self.until + GRACE_SECONDS
        return late if self.ready else self.preloading.is_over(now)

    def finish(self, entries: dict[str, Any]) -> Group | None:
        """Hand over the entries; return the group to run again without the import that broke the runner."""
        os.close(self.pipe)
        processes.end(self.pid)
        entries.update(self.entries)
        left = [name for name in self.group.names if name not in entries]
        if left and self.group.preload:
            return Group(left)
        for name in left:
            entries[name] = isolation.failure("exit", "the agent's runner ended before this probe")
        return None


def _be_runner(
    agent: int, group: Group, request: dict[str, Any], reports: int, private_fds: tuple[int, ...]
) -> None:
    """Live as a runner: import what the group shares, run its probes, send each entry, leave."""
    status = 70
    try:
        processes.die_with(agent)
        processes.adopt_orphans()
        for private in private_fds:
            os.close(private)
        if group.preload:
            _preload(group.preload)
        isolation.send(reports, "{}")
        for names in [group.names] if group.together else [[name] for name in group.names]:
            limits, seconds = request["limits"], request["timeout_s"]
            # What imports nothing of the target stays hidden from what does.
            entries = isolation.run_probes(
                names,
                request["params"],
                seconds,
                limits,
                (reports,),
                hidden=group.together,
                until=request["until"],
            )
            isolation.send(reports, json.dumps(entries))
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _preload(name: str) -> None:
    """Import a package quietly; whatever it raises ends the runner, and its probes run without it."""
    quiet = os.open(os.devnull, os.O_RDWR)
    kept = [os.dup(number) for number in (0, 1, 2)]
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    try:
        importlib.import_module(name)
    except BaseException:
        os._exit(71)
    for number, fd in enumerate(kept):
        os.dup2(fd, number)
        os.close(fd)
    os.close(quiet)
