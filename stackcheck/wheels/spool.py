"""Bytes of a deflated member at hand while it is read: inflated once, in memory or in a temporary file.

A reader goes back and forth: section headers stand at the end of a library, symbols at its start, GPU code
between. In place that inflates a library two to five times. The file has no name and is gone with the source,
or with the process; what the disk has no room for is read in place after all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stackcheck_probes.binaries.bytesource import READ_LIMIT, ByteSource, BytesSource, pread
from stackcheck_probes.binaries.inflate import Inflated

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_MEMORY = 16 << 20


class Spooled(ByteSource):
    """A temporary file without a name, of bytes that were written once."""

    __slots__ = ("fd", "size")

    def __init__(self, chunks: Iterator[bytes]) -> None:
        import tempfile  # noqa: PLC0415 - only for what memory is too small for

        with tempfile.TemporaryFile() as file:
            file.writelines(chunks)
            file.flush()
            self.size = file.tell()
            self.fd = os.dup(file.fileno())

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        if not 0 <= offset < self.size or size <= 0:
            return b""
        data: bytes = pread(self.fd, min(size, READ_LIMIT), offset)
        return data

    def close(self) -> None:
        """Give the file back."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def at_hand(source: ByteSource) -> ByteSource:
    """Return a source of the same bytes that reads quickly anywhere; raise `SourceError` for damage.

    One that is not deflated is returned as it is.
    """
    if not isinstance(source, Inflated):
        return source
    chunks = _within(source)
    if source.size <= IN_MEMORY:
        return BytesSource(b"".join(chunks))
    try:
        return Spooled(chunks)
    except OSError:
        return source


def _within(source: Inflated) -> Iterator[bytes]:
    """Yield the bytes, no more than the archive's directory says there are."""
    left = source.size
    for chunk in source.chunks():
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return
