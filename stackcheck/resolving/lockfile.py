"""Write lock files whole or not at all, and read them."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from stackcheck.cachedir import write_atomically
from stackcheck.errors import LockError
from stackcheck.resolving.lock import Lock, parse_lock

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.resolving.resolution import Resolution

MOST_BYTES = 16 * 2**20


def write_lock(resolution: Resolution, path: Path) -> Lock:
    """Write a lock, whole or not at all, and read it back.

    Raises LockError when the place cannot be written, or what was read back is not what was meant.
    """
    parse_lock(resolution.lock_text, path=str(path))
    _validate(resolution.lock_text, path)
    try:
        write_atomically(path, resolution.lock_text.encode())
    except OSError as error:
        raise LockError(
            f"{path}: the lock cannot be written ({error.strerror}); name another folder"
        ) from None
    lock = read_lock(path)
    if lock.text != resolution.lock_text:
        raise LockError(f"{path}: the lock that was read back is not the one that was written")
    return lock


def _validate(text: str, path: Path) -> None:
    """Have packaging's own reader of PEP 751 look at a lock, where it is new enough to have one (26.1)."""
    try:
        from packaging.pylock import Pylock, PylockValidationError  # noqa: PLC0415 - newer than our floor
    except ImportError:
        return
    try:
        Pylock.from_dict(tomllib.loads(text))
    except PylockValidationError as error:
        raise LockError(f"{path}: what was resolved makes no valid PEP 751 lock: {error}") from None


def read_lock(path: Path) -> Lock:
    """Read a lock file.

    Raises LockError for a file that cannot be read, is no PEP 751 lock, or names a file without a hash.
    """
    try:
        raw = path.read_bytes()[: MOST_BYTES + 1]
        text = raw.decode("utf-8")
    except OSError as error:
        raise LockError(f"{path}: the lock cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise LockError(f"{path}: this is no text in UTF-8; run `stackcheck lock` again") from None
    if len(raw) > MOST_BYTES:
        raise LockError(f"{path}: larger than any lock (16 MB); run `stackcheck lock` again")
    return parse_lock(text, path=str(path))
