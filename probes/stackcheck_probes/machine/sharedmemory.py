"""The shared memory of a machine or container: how large it is, and whether that does."""

from __future__ import annotations

import os

from stackcheck_probes.judging.judgement import PASS, WARN, Judgement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.facts.machine import SharedMemory

DOCKER_BYTES = 64 << 20
"""What Docker gives a container that asks for nothing (docs.docker.com, `docker run --shm-size`,
checked 2026-11-20)."""


def look(path: str) -> SharedMemory:
    """Return size and free space in bytes; `bytes` is None, with the reason, where there is none."""
    try:
        status = os.statvfs(path)
    except OSError as error:
        return {"path": path, "bytes": None, "error": error.strerror}
    frame = status.f_frsize
    return {"path": path, "bytes": frame * status.f_blocks, "free": frame * status.f_bavail}


def large_enough(seen: SharedMemory, hint: str = "docker run --shm-size=8g (or --ipc=host)") -> Judgement:
    """Judge the size: the workers of a DataLoader hand their batches over through it. hint: how to get it."""
    if seen["bytes"] is None:
        return Judgement(
            WARN,
            f"{seen['path']} is not there ({seen.get('error')}): workers of a DataLoader need it",
            "a tmpfs",
            "nothing",
            "mount a tmpfs there; in a container use --shm-size",
        )
    size = f"{seen['bytes'] // (1 << 20)} MiB"
    if seen["bytes"] > DOCKER_BYTES:
        return Judgement(PASS, f"{seen['path']} has {size}", "more than 64 MiB", size)
    return Judgement(
        WARN,
        f"{seen['path']} has only {size}: workers of a DataLoader die of `Bus error` there",
        "more than 64 MiB",
        size,
        hint,
    )
