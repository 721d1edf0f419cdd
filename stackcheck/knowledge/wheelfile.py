"""Read single files out of a wheel on an index, without downloading the wheel.

A wheel is a zip archive: its directory lies at the end, so a few range requests (RFC 9110, section 14) serve.
remotezip 0.12 does it over requests alone, without a bound on what a lying directory makes it fetch; a
buffered reader of the standard library asks for pieces five times where this one asks twice.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from time import monotonic
from typing import IO, TYPE_CHECKING

from stackcheck.model.errors import ResolveError

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 1 << 17
MOST_AHEAD = 256
SLOW_S = 2.0
"""A piece that took longer is followed by a smaller one."""
LIMIT = 64 << 20
"""Bytes that may be fetched of one wheel, and that one file in it may unpack to."""
_NO_WHEEL = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError)
"""What the standard library raises for a zip file that is none, or is damaged or encrypted."""


class RangeFile(io.RawIOBase):
    """A file of `size` bytes of which `fetch(start, stop)` returns a piece; what was fetched is kept on disk.

    Who reads on and on gets larger and larger pieces, up to 32 MiB while they come quickly: a server is given
    up that takes long over one. `fetched` counts the bytes. Reading raises ResolveError once more than
    `limit` bytes were fetched: a wheel whose directory lies cannot make us download it whole.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], bytes],
        size: int,
        limit: int = LIMIT,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._fetch, self._size, self._limit, self._at = fetch, size, limit, 0
        self._kept = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this file
        self._blocks: set[int] = set()
        self._next, self._ahead, self._took_s = -1, 1, 0.0
        self.fetched = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close it, and drop what was fetched."""
        self._kept.close()
        super().close()

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
        self._fill(self._at // BLOCK, (stop - 1) // BLOCK)
        self._kept.seek(self._at)
        data = self._kept.read(stop - self._at)
        self._at += len(data)
        return data

    def _fill(self, first: int, last: int) -> None:
        """Fetch what is missing of the blocks from `first` to `last`, and some more for who reads on."""
        missing = [number for number in range(first, last + 1) if number not in self._blocks]
        if not missing:
            return
        first, last = missing[0], missing[-1]
        self._ahead = self._grown() if first == self._next else 1
        further = last
        while further - first + 1 < self._ahead and further + 1 not in self._blocks:
            further += 1
        try:
            self._take(first, further)
        except ResolveError:
            if further == last:
                raise
            self._ahead = 1
            self._take(first, last)

    def _take(self, first: int, last: int) -> None:
        """Fetch the blocks from `first` to `last`, and keep them."""
        start, stop = first * BLOCK, min(self._size, (last + 1) * BLOCK)
        self.fetched += stop - start
        if self.fetched > self._limit:
            more = f"more than {self._limit >> 20} MiB to be read"
            raise ResolveError(f"the wheel asks for {more}; its directory cannot be right")
        began = self._clock()
        data = self._fetch(start, stop)
        self._took_s = self._clock() - began
        if len(data) != stop - start:
            raise ResolveError(f"asked for bytes {start}-{stop - 1} of a wheel, got {len(data)} bytes")
        self._kept.seek(start)
        self._kept.write(data)
        self._blocks.update(range(first, last + 1))
        self._next = last + 1

    def _grown(self) -> int:
        """Return how many blocks are fetched next in a row: fewer where the last ones took long."""
        if self._took_s > SLOW_S:
            return max(1, self._ahead // 4)
        return min(4 * self._ahead, MOST_AHEAD)


def read_member(wheel: io.RawIOBase | IO[bytes], name: str, most_bytes: int = LIMIT) -> bytes | None:
    """Return one file of a wheel; None when it has none. ".dist-info/METADATA" is that of the wheel itself.

    Raises ResolveError when the wheel is not a zip archive, or the file unpacks to more than `most_bytes`.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = next((info for info in archive.infolist() if _is_named(info.filename, name)), None)
            if found is None:
                return None
            if found.file_size > most_bytes:
                more = f"{found.file_size} bytes: more than {most_bytes >> 20} MiB"
                raise ResolveError(f"{found.filename} unpacks to {more}")
            return archive.read(found)
    except _NO_WHEEL as error:
        raise ResolveError(f"this wheel cannot be read: {error}") from None


def _is_named(path: str, name: str) -> bool:
    return path == name or (name.startswith(".") and path.endswith(name) and path.count("/") == 1)
