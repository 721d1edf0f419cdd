"""Read a zstd layer of an image: a stream that only goes onwards, and copies of the members worth reading.

A reader of libraries goes back and forth, and a zstd decompressor cannot be rewound; so each binary of the
layer is copied to a file without a name, one at a time, and never the layer. Format: RFC 8878; OCI Image
Specification 1.1 (`application/vnd.oci.image.layer.v1.tar+zstd`).
"""

from __future__ import annotations

import io
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stackcheck_probes.binaries.bytesource import ByteSource, FileSource, SourceError
from stackcheck_probes.binaries.inflate import UNKNOWN

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck_probes.binaries.inflate import Budget

MAGIC = b"\x28\xb5\x2f\xfd"
_CHUNK = 1 << 20


class Onwards(ByteSource):
    """The decompressed bytes of a zstd layer, to be read from front to back."""

    __slots__ = ("_at", "_budget", "_held", "_stream", "size")

    def __init__(self, packed: ByteSource, budget: Budget) -> None:
        self.size = UNKNOWN
        self._stream = zstd.ZstdFile(io.BufferedReader(_Packed(packed), _CHUNK))
        self._budget = budget
        self._held = b""  # the bytes that end at _at
        self._at = 0

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; raise `SourceError` for damage, and for going back."""
        if offset < self._at - len(self._held):
            raise SourceError(f"a zstd layer cannot be read backwards, to {offset:#x}")
        while self._at < offset + size:
            chunk = self._read()
            if not chunk:
                break
            self._budget.spend(len(chunk))
            kept = self._held[max(0, offset - (self._at - len(self._held))) :] if offset < self._at else b""
            self._held = kept + chunk
            self._at += len(chunk)
        start = offset - (self._at - len(self._held))
        return self._held[start : start + size]

    def _read(self) -> bytes:
        try:
            return self._stream.read(_CHUNK)
        except (zstd.ZstdError, EOFError) as error:
            raise SourceError(f"damaged zstd layer: {error}") from error


@contextmanager
def settled(content: ByteSource) -> Iterator[ByteSource]:
    """Give a member of such a layer as a file that can be read back and forth."""
    with tempfile.TemporaryFile() as file:
        for at in range(0, content.size, _CHUNK):
            file.write(content.pread(at, _CHUNK))
        file.flush()
        source = FileSource(f"/dev/fd/{file.fileno()}")
        try:
            yield source
        finally:
            source.close()


class _Packed(io.RawIOBase):
    """A `ByteSource` as a raw stream."""

    def __init__(self, source: ByteSource) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._source.pread(self._at, len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
