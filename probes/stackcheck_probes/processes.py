"""Processes as the agent needs them: descendants, their memory, limits, and an end for all of them. Linux."""

from __future__ import annotations

import os
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36  # linux/prctl.h
_REAP_SECONDS = 5.0


def _prctl(option: int, value: int) -> bool:
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except Exception:  # an interpreter without ctypes: weaker, not broken
        return False


def adopt_orphans() -> bool:
    """Become the parent of whatever a probe leaves behind, so that it can be found and ended (prctl(2))."""
    return _prctl(PR_SET_CHILD_SUBREAPER, 1)


def hide_from_others() -> bool:
    """Keep other processes of this user out of this one's memory and pipes, its forks included (prctl(2)).

    What imports code of the target runs as the same user: without this it could read the agent's memory and
    write into its pipes through /proc. Root with CAP_SYS_PTRACE still can; containers of probes lack it.
    """
    return _prctl(PR_SET_DUMPABLE, 0)


def show_to_others() -> bool:
    """Undo `hide_from_others` in a fork, whose own /proc files would belong to root otherwise."""
    return _prctl(PR_SET_DUMPABLE, 1)


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent dies, however it dies (prctl(2))."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(70)


def limit_self(limits: dict[str, int]) -> None:
    """Set the limits that hold without anybody watching: file size, no core file, a far bound on memory.

    No RLIMIT_AS: a CUDA context reserves far more address space than it uses. No RLIMIT_NPROC: it counts
    every thread of that user on the host, so it would fail good stacks; the agent counts the processes.
    """
    import resource

    memory = limits["memory_bytes"]
    bounds = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_DATA, memory * 4),
    )
    for name, value in bounds:
        _, hard = resource.getrlimit(name)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (bound, bound))
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # under pressure the kernel takes the probe, not the agent or its neighbours
    except OSError:
        pass


def children(pid: int) -> list[int]:
    """Return the process ids of the direct children of a process; none when it is gone."""
    found = []
    try:
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, thread)) as file:
                found += [int(word) for word in file.read().split()]
    except FileNotFoundError:
        if not os.path.exists("/proc/self/task/%d/children" % os.getpid()):
            return _children_by_stat(pid)  # a kernel without CONFIG_PROC_CHILDREN
    except OSError:
        pass
    return found


def _children_by_stat(pid: int) -> list[int]:
    found = []
    try:
        names = list(filter(str.isdigit, os.listdir("/proc")))
    except OSError:  # no /proc: nothing can be watched, the time-out still holds
        return []
    for name in names:
        try:
            with open("/proc/%s/stat" % name) as file:
                parent = file.read().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == pid:
            found.append(int(name))
    return found


def descendants(pid: int) -> list[int]:
    """Return the process ids of all descendants, each once."""
    found: dict[int, bool] = {}
    waiting = children(pid)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found[each] = True
            waiting += children(each)
    return list(found)


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 when it is gone."""
    try:
        with open("/proc/%d/statm" % pid) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


_OOM_COUNTERS = (
    "/sys/fs/cgroup/memory.events",  # cgroup v2, of this container
    "/sys/fs/cgroup/memory/memory.oom_control",  # cgroup v1
    "/proc/vmstat",  # the whole machine, Linux 4.13
)


def oom_kills() -> int:
    """Return how often the kernel has ended a process for lack of memory, as far as this one can see.

    A number to compare with a later one: the counters of this cgroup and of the machine are added.
    """
    found = 0
    for path in _OOM_COUNTERS:
        try:
            with open(path) as file:
                rows = dict(line.split(None, 1) for line in file)
            found += int(rows.get("oom_kill", "0"))
        except (OSError, ValueError):
            continue
    return found


def kill_descendants(group: int | None = None) -> None:
    """End a process group (of a probe) and everything else below this process, and reap it all."""
    deadline = time.monotonic() + _REAP_SECONDS
    if group:
        _kill(-group)  # one call for the whole group: no fork can slip through
    while True:
        for pid in descendants(os.getpid()):
            _kill(pid)
        if not _reap():
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.001)
    sys.stderr.write("stackcheck agent: a probe left processes that cannot be ended\n")


def end(pid: int) -> None:
    """End one child and reap it; its own children come to this process, or die with it."""
    _kill(pid)
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _reap() -> bool:
    """Take every child that has ended; False when there is none left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def signal_name(number: int) -> str:
    """Return "SIGKILL" for 9, and the number of a signal that has no name here."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number
