"""Fatbins that no section names: a look whether there are any, and a search for all of them.

Such a library keeps its kernels as data and loads them through the driver interface, so the sections tell
nothing, or something wrong: libcufft shows one empty sm_52 cubin and holds 17,607 fatbins in .data.

The look reads pieces of the large data sections; it goes by no name. Held against the search on 2026-11-30,
over 73 libraries of 25 wheels: it finds what libcufft (18,215 to 24,453 fatbins), libcufftMp (24,021),
libcurand of CUDA 12 (1,747), libcusparse (34 and 36), libcupti and libcheckpoint (3 each) hide, and nothing
in the others: libcudf, libcuvs and warp hide LTO IR alone, which serves no device.
"""

from __future__ import annotations

from stackcheck_probes.binaries.fatbin import HEADER, KIND_LTO, MAGIC, Walk, walk_fatbin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.binaries.elf import Elf

SECTIONS = (".data", ".rodata", ".ldata", ".lrodata")
SECTION = ".cask_resource"
"""Where libcublasLt, libcusparseLt and libcutensor keep theirs: the name says it."""
LEAST = 256 << 10
"""Bytes of a section that is looked into: of 451 libraries without GPU code 32 have one."""
WHOLE = 4 << 20
"""Bytes up to which a section is read as a whole; of a larger one `PIECES` pieces, spread evenly, are."""
PIECE, PIECES = 64 << 10, 64
MAX_HITS = 1 << 12
MAX_MISSES = 1 << 17
_CHUNK = 4 << 20
_START = MAGIC.to_bytes(4, "little") + b"\x01\x00\x10\x00"  # version 1, 16-byte header


def place(source: ByteSource, elf: Elf, base: int, skip: list[tuple[int, int]]) -> str:
    """Return a section that holds fatbins which no section lists, "" where none was seen.

    base: where the ELF file starts in `source`. skip: ranges of `source` whose fatbins are known.
    """
    if elf.section(SECTION):
        return SECTION
    for section in elf.sections_of(LEAST):
        if section.name in SECTIONS:
            start = base + section.offset
            if _seen(source, start, start + section.size, skip):
                return section.name
    return ""


def _seen(source: ByteSource, start: int, stop: int, skip: list[tuple[int, int]]) -> bool:
    """Tell whether a range holds a fatbin with code that runs, as far as its pieces show."""
    walk = Walk()
    stop = min(stop, source.size)
    whole = stop - start <= WHOLE
    step = PIECE if whole else (stop - start) // PIECES
    hits, follows = 0, start
    for at in range(start, stop, step):
        piece = source.pread(at, PIECE + (len(_START) if whole else 0))
        hit = piece.find(_START)
        while hit >= 0 and hits < MAX_HITS:
            hits += 1
            where = at + hit
            known = where < follows or any(begin <= where < end for begin, end in skip)
            size = 0 if known else _walk_hit(source, where, stop, walk)
            if any(kind != KIND_LTO for kind, _, _, _ in walk.counts):
                return True
            follows = max(follows, where + size)
            hit = piece.find(_START, hit + len(_START))
    return False


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
