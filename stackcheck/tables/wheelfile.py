"""Read single files out of a wheel on an index, without downloading the wheel.

A wheel is a zip archive: its directory lies at the end, so a few range requests (RFC 9110, section 14) serve.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from stackcheck.errors import ResolveError

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 1 << 17
LIMIT = 64 << 20
"""Bytes that may be fetched of one wheel, and that one file in it may unpack to."""


class RangeFile(io.RawIOBase):
    """A file of `size` bytes of which `fetch(start, stop)` returns a piece; pieces are kept.

    Reading raises ResolveError once more than `limit` bytes were fetched: a wheel whose directory lies
    cannot make us download it whole.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, limit: int = LIMIT) -> None:
        super().__init__()
        self._fetch, self._size, self._left, self._at = fetch, size, limit, 0
        self._blocks: dict[int, bytes] = {}

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the file."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move as `io.IOBase.seek` does."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, all of the rest for -1."""
        stop = self._size if size < 0 else min(self._size, self._at + size)
        if stop <= self._at:
            return b""
        first, last = self._at // BLOCK, (stop - 1) // BLOCK
        self._fill(first, last)
        data = b"".join(self._blocks[number] for number in range(first, last + 1))
        data = data[self._at - first * BLOCK : stop - first * BLOCK]
        self._at += len(data)
        return data

    def _fill(self, first: int, last: int) -> None:
        missing = [number for number in range(first, last + 1) if number not in self._blocks]
        if not missing:
            return
        start, stop = missing[0] * BLOCK, min(self._size, (missing[-1] + 1) * BLOCK)
        self._left -= stop - start
        if self._left < 0:
            raise ResolveError(
                "the wheel asks for more than 64 MiB to be read; its directory cannot be right"
            )
        data = self._fetch(start, stop)
        if len(data) != stop - start:
            raise ResolveError(f"asked for bytes {start}-{stop - 1} of a wheel, got {len(data)} bytes")
        for number in range(missing[0], missing[-1] + 1):
            offset = number * BLOCK - start
            self._blocks[number] = data[offset : offset + BLOCK]


def read_member(wheel: io.RawIOBase, name: str) -> bytes | None:
    """Return one file of a wheel, found by the end of its name; None when it has none.

    Raises ResolveError when the wheel is no zip archive or the file unpacks to more than 64 MiB.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = next((info for info in archive.infolist() if info.filename.endswith(name)), None)
            if found is None:
                return None
            if found.file_size > LIMIT:
                raise ResolveError(f"{found.filename} unpacks to {found.file_size} bytes: more than 64 MiB")
            return archive.read(found)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        raise ResolveError(f"this wheel cannot be read: {error}") from None
