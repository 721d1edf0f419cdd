"""Read small files and list folders of a target; what cannot be read is empty, which is a fact too."""

from __future__ import annotations

import os
import stat


def names(folder: str) -> list[str]:
    """Return the names in a folder, sorted; none when it cannot be listed."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def text(path: str, limit: int = 1 << 20) -> str:
    """Return at most `limit` bytes of a file as text, undecodable bytes escaped; empty when unreadable."""
    return (content(path, limit) or b"").decode("utf-8", "backslashreplace")


def content(path: str, limit: int) -> bytes | None:
    """Return at most `limit` bytes of a regular file; None for what is none: a pipe would never answer."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        with open(fd, "rb", closefd=False) as file:
            return file.read(limit)
    except OSError:
        return None
    finally:
        os.close(fd)
