"""Ask the kernel for the headers of a cold library ahead of reading them.

Images form a chain, so reading them one after the other waits for the disk once per image. The fatbins are
known from the wrappers: asking for one header of every fatbin at a time makes a few waits of thousands.
Measured on a cold libtorch_cuda.so of 900 MB: 130 ms without, 25 ms with (2026-11-20). Changes nothing that
is read; a file that is cached already, or a source that is no file, is left alone.
"""

from __future__ import annotations

import os

from stackcheck_probes.binaries.bytesource import FileSource
from stackcheck_probes.binaries.fatbin import HEADER, IMAGE, MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.bytesource import ByteSource

MAX_WAVES = 64
_SAMPLES = 8
_AHEAD = HEADER.size + 64


def prefetch(source: ByteSource, starts: list[int], end: int) -> None:
    """Bring the image headers of the fatbins at `starts` into the page cache, if they are not there."""
    fd = source.fd if isinstance(source, FileSource) else -1
    starts = [start for start in starts if 0 <= start < min(end, source.size)]
    if fd < 0 or not starts or not _is_cold(fd, starts):
        return
    try:
        _waves(fd, starts, min(end, source.size))
    except OSError:  # advice only: reading will report what is wrong
        return


def _is_cold(fd: int, starts: list[int]) -> bool:
    """Whether any of a few samples would have to be read from disk (RWF_NOWAIT: Linux 4.14)."""
    flag = getattr(os, "RWF_NOWAIT", None)
    if flag is None:
        return False
    buffer = bytearray(1)
    for start in starts[:: max(1, len(starts) // _SAMPLES)]:
        try:
            os.preadv(fd, [buffer], start, flag)
        except BlockingIOError:
            return True
        except OSError:  # the file system does not say
            return True
    return False


def _waves(fd: int, starts: list[int], end: int) -> None:
    advise, pread, willneed = os.posix_fadvise, os.pread, os.POSIX_FADV_WILLNEED
    for start in starts:
        advise(fd, start, _AHEAD, willneed)
    wave = []
    for start in starts:
        raw = pread(fd, HEADER.size, start)
        if len(raw) == HEADER.size:
            magic, _, header_size, size = HEADER.unpack(raw)
            if magic == MAGIC:
                wave.append((start + header_size, min(start + header_size + size, end)))
    for _ in range(MAX_WAVES):
        following = []
        for at, stop in wave:
            raw = pread(fd, 64, at)
            if len(raw) == 64:
                _, header_size, size, *_ = IMAGE.unpack_from(raw)
                step = header_size + size
                if header_size >= 64 and at + step < stop:
                    advise(fd, at + step, 64, willneed)
                    following.append((at + step, stop))
        if not following:
            return
        wave = following
