"""Read small files and list folders of a target; what cannot be read is empty, which is a fact too."""

from __future__ import annotations

import os


def names(folder: str) -> list[str]:
    """Return the names in a folder, sorted; none when it cannot be listed."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def text(path: str, limit: int = 1 << 20) -> str:
    """Return at most `limit` bytes of a file as text, undecodable bytes escaped; empty when unreadable."""
    try:
        with open(path, "rb") as file:
            return file.read(limit).decode("utf-8", "backslashreplace")
    except OSError:
        return ""
