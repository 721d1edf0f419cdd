"""Tell whose a container, an image or a temporary folder is, and whether that run is still alive.

An owner is written into labels and folder names. Whether it lives can be told only in the same boot and the
same PID namespace; what cannot be told counts as alive until it is a day old.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LABEL = "stackcheck.owner"
NOBODY = ""
"""The value of the label on finished images: containers of the user inherit it, and are never ours."""
FORGOTTEN_AFTER_S = 24 * 3600.0
"""No run lasts this long: what is older belongs to nobody."""


@dataclass(frozen=True, slots=True)
class Owner:
    """One process: kernel boot, PID namespace, PID, and start time in clock ticks since boot."""

    boot: str
    namespace: str
    pid: int
    start: str

    def __str__(self) -> str:
        return f"{self.boot}.{self.namespace}.{self.pid}.{self.start}"


def parse_owner(text: str) -> Owner | None:
    """Read what `str(owner)` wrote; None for anything else."""
    parts = text.split(".")
    if len(parts) != 4 or not parts[2].isdecimal():
        return None
    return Owner(parts[0], parts[1], int(parts[2]), parts[3])


def this_process() -> Owner:
    """Return the running process as an owner."""
    pid = os.getpid()
    return Owner(_boot(), _namespace(), pid, start_time(pid) or "0")


def start_time(pid: int) -> str | None:
    """Return when a process started, in clock ticks since boot; None when there is no such process.

    Source: field 22 of /proc/PID/stat, proc(5). Without /proc (macOS) all processes say "0".
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except OSError:
        return None if Path("/proc/self").exists() or not _exists(pid) else "0"
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]


def is_gone(
    owner: Owner | None, mine: Owner, age_s: float, started: Callable[[int], str | None] = start_time
) -> bool:
    """Tell whether what `owner` left may be removed; `age_s` is how old it is. What is nobody's stays."""
    if owner is None:
        return False
    if (owner.boot, owner.namespace) != (mine.boot, mine.namespace):
        return age_s > FORGOTTEN_AFTER_S
    return started(owner.pid) != owner.start


def age_of(path: Path) -> float:
    """Return the seconds since a file was last written; 0 when it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip().replace("-", "")
    except OSError:
        return "noboot"


def _namespace() -> str:
    try:
        return "".join(filter(str.isdigit, str(Path("/proc/self/ns/pid").readlink()))) or "0"
    except OSError:
        return "0"
