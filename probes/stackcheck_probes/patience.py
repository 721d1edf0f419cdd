"""How long a probe had: the clock, without the time that it stood ready and no CPU was free.

On a busy machine the clock alone calls slow what only had to wait. Linux counts for each thread how long it
was runnable and did not run (the second number of /proc/PID/task/TID/schedstat); a probe that sleeps or hangs
waits for no CPU, so its time runs as ever. Source: Documentation/scheduler/sched-stats.rst, read 2026-11-30.
"""

from __future__ import annotations

import os

from stackcheck_probes import processes

MOST_STRETCHED = 10.0
"""Past so many times its limit by the clock, a probe is stopped whatever it waited for."""
_MOST_THREADS = 64
_NS = 1e-9


class Patience:
    """Counts what of the clock the processes below this one had; with `pid`, that one and those below it."""

    def __init__(self, seconds: float, now: float, pid: int | None = None) -> None:
        self.seconds, self.pid = seconds, pid
        self.started = self.looked = now
        self.waited = 0.0
        self._seen = self._waiting()

    def is_over(self, now: float) -> bool:
        """Tell whether the time is up."""
        self.look(now)
        gone = now - self.started
        return gone - self.waited > self.seconds or gone > self.seconds * MOST_STRETCHED

    def look(self, now: float) -> None:
        """Count what was waited since the last look: that of the thread that waited longest, at most all."""
        seen = self._waiting()
        gained = [value - self._seen.get(thread, 0.0) for thread, value in seen.items()]
        self.waited += min(max(gained, default=0.0), now - self.looked)
        self._seen, self.looked = seen, now

    def _waiting(self) -> dict[str, float]:
        below = processes.descendants(self.pid or os.getpid())
        return waiting([*below, self.pid] if self.pid else below)


def waiting(pids: list[int]) -> dict[str, float]:
    """Return how many seconds each thread of some processes has waited for a CPU, by its path in /proc."""
    found = {}
    for each in pids:
        folder = "/proc/%d/task" % each
        try:
            threads = os.listdir(folder)[:_MOST_THREADS]
        except OSError:
            continue
        for thread in threads:
            path = "%s/%s/schedstat" % (folder, thread)
            try:
                with open(path) as file:
                    found[path] = int(file.read().split()[1]) * _NS
            except (OSError, IndexError, ValueError):  # gone, or a kernel without CONFIG_SCHED_INFO
                continue
    return found
