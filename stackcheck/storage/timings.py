"""How long a stack took when it was verified last: with a build, and without one."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.storage.folders import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


class Timing(NamedTuple):
    """Seconds of wall time, and when that was, as ISO 8601."""

    seconds: float
    when: str


def _path(cache: Path, stack: str, *, built: bool) -> Path:
    name = f"{stack}\0{'built' if built else 'ready'}"
    return cache / "timings" / f"{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:32]}.json"


def keep_timing(cache: Path, stack: str, timing: Timing, *, built: bool) -> None:
    """Keep how long a stack (its whole title) took; that it cannot be kept is no fault."""
    with suppress(OSError):
        write_atomically(_path(cache, stack, built=built), json.dumps(timing._asdict()).encode(), mode=0o600)


def last_timing(cache: Path, stack: str, *, built: bool) -> Timing | None:
    """Return how long it took the last time; None where that is not known."""
    try:
        row = json.loads(_path(cache, stack, built=built).read_bytes())
        seconds, when = float(row["seconds"]), str(row["when"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Timing(seconds, when) if 0 <= seconds < float("inf") else None
