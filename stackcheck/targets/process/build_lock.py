"""Let one process at a time build a thing; the others wait and find it built."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from stackcheck.model.errors import EngineError
from stackcheck.storage.writable import not_written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stackcheck.targets.engine import Progress


@contextmanager
def once_at_a_time(cache: Path, fingerprint: str, progress: Progress) -> Iterator[None]:
    """Hold the lock of a fingerprint; the kernel lets go of it when the process ends, however it ends."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 30 ms that only a build pays

    path = cache / "locks" / fingerprint
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress("another run is building the same; waiting for it")
            lock.acquire()
    except OSError as error:
        raise EngineError(not_written(path, error)) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(cache: Path, fingerprint: str) -> bool:
    """Tell whether somebody holds the lock of a fingerprint right now, or may."""
    path = cache / "locks" / fingerprint
    if not path.exists():
        return False
    from filelock import FileLock  # noqa: PLC0415 - see above

    try:
        with FileLock(path, timeout=0):
            return False
    except OSError:
        return True
