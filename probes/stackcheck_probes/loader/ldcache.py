"""The loader's cache, /etc/ld.so.cache: the one reader, for probes and the entrypoint.

Sources: glibc's sysdeps/generic/dl-cache.h (checked 2026-11-20). ldconfig lets strings share their ends: the
name `libx.so.1` is often the tail of its path, so that no byte before it can be relied on.
"""

from __future__ import annotations

import os
from struct import Struct

PATH = "etc/ld.so.cache"
MAX_BYTES = 32 << 20
_OLD, _NEW = b"ld.so-1.7.0\0", b"glibc-ld.so.cache1.1"
_ENTRY = Struct("<iIIIQ")


def parse(raw: bytes) -> dict[str, list[str]]:
    """Parse a cache: soname -> paths, best first. Empty for bytes that are no cache of a known format."""
    start = 0
    if raw.startswith(_OLD):
        start = -(-(16 + int.from_bytes(raw[12:16], "little") * 12) // 8) * 8
    if raw[start : start + len(_NEW)] != _NEW:
        return {}
    count = int.from_bytes(raw[start + 20 : start + 24], "little")
    found: dict[str, list[str]] = {}
    for number in range(min(count, len(raw) // _ENTRY.size)):
        at = start + 48 + number * _ENTRY.size
        if at + _ENTRY.size > len(raw):
            break
        _, key, value, _, hwcap = _ENTRY.unpack_from(raw, at)
        if hwcap == 0:  # builds for newer processors give the same symbols
            found.setdefault(_text(raw, start + key), []).append(_text(raw, start + value))
    return found


def _text(raw: bytes, at: int) -> str:
    end = raw.find(b"\0", at, at + 4096)
    return os.fsdecode(raw[at:end]) if end >= 0 else ""


def paths(root: str, soname: str) -> list[str]:
    """Return the paths that the cache below `root` has for a soname; none without a cache."""
    try:
        with open(os.path.join(root, PATH), "rb") as file:
            raw = file.read(MAX_BYTES)
    except OSError:
        return []
    if soname.encode() + b"\0" not in raw:
        return []
    return parse(raw).get(soname, [])
