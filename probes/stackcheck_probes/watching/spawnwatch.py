"""Notice every process that is started meanwhile: compilers at run time, `nvcc --version` at import.

Two ways, because each has a blind side: Python's audit events name the command (PEP 578) but do not see
native code; the page faults of reaped children (getrusage) and the children list (proc(5)) see what native
code starts, but not its name.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackcheck_probes.facts.spconv import Processes

_EVENTS = {
    "subprocess.Popen": 1,
    "os.system": 0,
    "os.posix_spawn": 1,
    "os.exec": 1,
    "os.fork": None,
    "os.forkpty": None,
}
MAX_COMMANDS = 50


class SpawnWatch:
    """Records between `start()` and `stop()`; an audit hook cannot be removed, so it goes quiet instead."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self._on = False
        self._faults = 0
        self._children = 0
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: Any) -> None:
        if self._on and event in _EVENTS and len(self.commands) < MAX_COMMANDS:
            index = _EVENTS[event]
            self.commands.append(event if index is None else _command(arguments[index]))

    def start(self) -> None:
        """Begin to record."""
        self._faults, self._children = _reaped_faults(), len(running_children())
        self._on = True

    def stop(self) -> Processes:
        """Stop, and return `commands`, whether any child was reaped meanwhile, and how many more run now."""
        self._on = False
        return {
            "commands": list(self.commands),
            "reaped": _reaped_faults() > self._faults,
            "running": len(running_children()) - self._children,
        }


def notices_native_children() -> bool:
    """Start one process past Python's audit events and tell whether the page faults show it."""
    watch = _reaped_faults()
    words = [sys.executable, "-S", "-E", "-c", ""]
    os.waitpid(os.posix_spawn(sys.executable, words, dict(os.environ)), 0)
    return _reaped_faults() > watch


def _reaped_faults() -> int:
    """Return the page faults of all reaped children: every process has some, so the sum grows with each."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


def running_children() -> list[int]:
    """Return the process ids of the children of all threads; empty where the kernel does not list them."""
    found: list[int] = []
    try:
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children", encoding="ascii") as children:
                found += map(int, children.read().split())
    except (OSError, ValueError):
        return []
    return found


def _command(argument: Any) -> str:
    words = argument if isinstance(argument, (list, tuple)) else [argument]
    return " ".join(
        os.fsdecode(word) if isinstance(word, (str, bytes, os.PathLike)) else "?" for word in words
    )[:300]
