"""Fatbins that no section names: where they are known to hide, and a search for them.

Such a library keeps its kernels as data and loads them through the driver interface, so the sections tell
nothing, or something wrong: libcufft shows one empty sm_52 cubin and holds 17,607 fatbins in .data.
"""

from __future__ import annotations

from stackcheck_probes.binaries.fatbin import HEADER, MAGIC, walk_fatbin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.binaries.fatbin import Walk

# Start of the file's name, section: counted with the search below in wheels of CUDA 12.4 - 13.x, 2026-11-20
# (libcufft 17,607 fatbins, libcusparseLt 2,494, libcusparse 34, libcupti 3). libcublasLt of CUDA 13 keeps 299
# in a section of its own, the one of CUDA 12.4 keeps none: the section tells them apart. libcurand 10.4.5
# hides 1,747, 10.3.7 none, under one name; libtensorflow_cc 2.21.0 hides 1,149.
KNOWN = (
    ("libcufft.so", ".data"),
    ("libcufftXt.so", ".data"),
    ("libcusparseLt", ".rodata"),
    ("libcusparse.so", ".rodata"),
    ("libcupti.so", ".data"),
    ("libcupti_static", ".data"),
    ("libcheckpoint.so", ".data"),
    ("libcurand.so", ".data"),
    ("libtensorflow_cc.so", ".rodata"),
)
SECTION = ".cask_resource"
MAX_MISSES = 1 << 17
_CHUNK = 4 << 20
_START = MAGIC.to_bytes(4, "little") + b"\x01\x00\x10\x00"  # version 1, 16-byte header


def known_place(filename: str) -> str:
    """Return the section where a library of this name is known to hide fatbins, or ''."""
    return next((section for start, section in KNOWN if filename.startswith(start)), "")


def search(source: ByteSource, span: tuple[int, int], skip: list[tuple[int, int]], walk: Walk) -> int:
    """Find fatbins anywhere in `span` but in the ranges `skip`, into `walk`; return how many.

    Reads the whole span (2 GB/s when cached). A hit counts when a whole fatbin with an image follows.
    """
    found = misses = 0
    at, stop = span[0], min(span[1], source.size)
    chunk, start = b"", at
    while at < stop and not walk.limited:
        inside = next((end for begin, end in skip if begin <= at < end), 0)
        if inside:
            at = inside
            continue
        if at + len(_START) > start + len(chunk):
            chunk, start = source.pread(at, _CHUNK), at
            if len(chunk) < len(_START):
                break
        hit = chunk.find(_START, at - start)
        if hit < 0:
            at = max(at, start + len(chunk) - len(_START)) + 1
            continue
        at = start + hit
        if any(begin <= at < end for begin, end in skip):
            continue
        size = _walk_hit(source, at, stop, walk)
        found += size > 0
        misses += size == 0
        if misses > MAX_MISSES:
            walk.limit(f"more than {MAX_MISSES} false starts of fatbins: the rest was not searched")
        at += size or len(_START)
    return found


def _walk_hit(source: ByteSource, start: int, stop: int, walk: Walk) -> int:
    raw = source.pread(start, HEADER.size + 4)
    if len(raw) < HEADER.size + 4 or raw[HEADER.size + 2 :] != b"\x01\x01":
        return 0
    if HEADER.unpack_from(raw)[3] > stop - start:
        return 0
    return walk_fatbin(source, start, stop, walk)
