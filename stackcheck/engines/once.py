"""Let one process at a time build a thing; the others wait and find it built."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stackcheck.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stackcheck.engines.contract import Progress


@contextmanager
def once_at_a_time(cache: Path, fingerprint: str, progress: Progress) -> Iterator[None]:
    """Hold the lock of a fingerprint; the kernel lets go of it when the process ends, however it ends."""
    path = cache / "locks" / fingerprint
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a")
    except OSError as error:
        raise EngineError(
            f"cannot write {path}: {error.strerror}. Name another folder in STACKCHECK_CACHE."
        ) from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another run is building the same; waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def is_locked(cache: Path, fingerprint: str) -> bool:
    """Tell whether somebody holds the lock of a fingerprint right now."""
    try:
        with (cache / "locks" / fingerprint).open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
