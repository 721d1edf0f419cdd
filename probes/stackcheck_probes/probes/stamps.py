"""Probe: a stamp of every binary, by which a later look tells cheaply whether it is still the same file.

A stamp is the size and a checksum of both ends: an ELF file has its build id, its program headers and the
start of its tables at one end, and the section headers at the other. A change between the two that keeps
the size is not seen.
"""

from __future__ import annotations

import os
from binascii import crc32
from stat import S_ISREG

from stackcheck_probes.binaries import binaryfiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from stackcheck_probes.facts.binaries import Stamps

NAME = "stamps"
GRADE = "static"

END_BYTES = 4096
MAX_FILES = 20_000


def run(params: dict[str, Any]) -> Stamps:
    """Return `stamps`: path -> [bytes, checksum] of the binaries under `roots` (default: site-packages)."""
    roots = list(params.get("roots") or binaryfiles.site_packages())
    rows: dict[str, list[int]] = {}
    skipped: list[str] = []
    for path in binaryfiles.files(roots, skipped):
        if len(rows) >= MAX_FILES:
            skipped.append(f"more than {MAX_FILES} files: the rest has no stamp")
            break
        found = stamp(path)
        if found is not None:
            rows[path] = list(found)
    return {"roots": roots, "stamps": rows, "skipped": skipped}


def stamp(path: str) -> tuple[int, int] | None:
    """Return size and checksum of a regular file, None for what is none or cannot be read."""
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to must not wait.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(fd)
        if not S_ISREG(status.st_mode):
            return None
        size = status.st_size
        checksum = crc32(os.pread(fd, END_BYTES, 0))
        return size, crc32(os.pread(fd, END_BYTES, max(0, size - END_BYTES)), checksum)
    except OSError:
        return None
    finally:
        os.close(fd)
