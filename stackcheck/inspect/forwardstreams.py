"""Read what zstd, bzip2 or xz has packed: a stream that only goes onwards, and copies of what is worth it.

A reader of libraries goes back and forth, and these decompressors cannot be rewound; so each binary of such a
layer or archive is copied (`storage.settled`), one at a time, and never the whole. Formats: RFC 8878;
OCI Image Specification 1.1 (`application/vnd.oci.image.layer.v1.tar+zstd`); conda's packages.
"""

from __future__ import annotations

import bz2
import lzma
import sys
from typing import TYPE_CHECKING, Protocol

from stackcheck_probes.binaries.bytesource import ByteSource, SourceError
from stackcheck_probes.binaries.inflate import UNKNOWN

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackcheck_probes.binaries.inflate import Budget

_CHUNK = 1 << 20
_BLOCK = 64 << 10
_MOST_BLOCKS = 64
_XZ_MEMORY = 160 << 20
"""xz -9 wants 65 MB; a header may ask for 4 GB."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


FORMATS: dict[bytes, tuple[str, Callable[[], _Decompressor]]] = {
    b"\x28\xb5\x2f\xfd": ("zstd", zstd.ZstdDecompressor),
    b"BZh": ("bzip2", bz2.BZ2Decompressor),
    b"\xfd7zXZ\0": ("xz", _xz),
}
"""How a packed stream begins, what that is called, and what unpacks it."""


def packed_by(start: bytes) -> bytes:
    """Return the key of `FORMATS` that some bytes begin with; b"" for none of them."""
    return next((magic for magic in FORMATS if start.startswith(magic)), b"")


class Onwards(ByteSource):
    """The unpacked bytes of a stream of `FORMATS`, to be read from front to back."""

    __slots__ = ("_at", "_budget", "_held", "_magic", "_packed", "_stream", "_taken", "size")

    def __init__(self, packed: ByteSource, budget: Budget) -> None:
        self.size = UNKNOWN
        self._packed = packed
        self._magic = packed_by(packed.pread(0, 8))
        if not self._magic:
            raise SourceError("a stream that is packed neither by zstd nor by bzip2 or xz")
        self._stream = FORMATS[self._magic][1]()
        self._budget = budget
        self._held = b""  # the bytes that end at _at
        self._at = 0
        self._taken = 0

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; raise `SourceError` for damage, and for going back."""
        name = FORMATS[self._magic][0]
        if offset < self._at - len(self._held):
            raise SourceError(f"a {name} layer cannot be read backwards, to {offset:#x}")
        while self._at < offset + size:
            chunk = self._read(name)
            if not chunk:
                break
            self._budget.spend(len(chunk))
            kept = self._held[max(0, offset - (self._at - len(self._held))) :] if offset < self._at else b""
            self._held = kept + chunk
            self._at += len(chunk)
        start = offset - (self._at - len(self._held))
        return self._held[start : start + size]

    def _read(self, name: str) -> bytes:
        """Return the next bytes; none at the end of the last frame."""
        try:
            while True:
                packed = b""
                if self._stream.eof and not self._next_frame():
                    return b""
                if self._stream.needs_input:
                    packed = self._packed.pread(self._taken, _CHUNK)
                    self._taken += len(packed)
                    if not packed:
                        raise SourceError(f"damaged {name} layer: it is cut off")
                chunk = self._stream.decompress(packed, _CHUNK)
                if chunk:
                    return chunk
        except (zstd.ZstdError, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            if isinstance(error, SourceError):
                raise
            raise SourceError(f"damaged {name} layer: {error}") from error

    def _next_frame(self) -> bool:
        end = self._taken - len(self._stream.unused_data)
        if packed_by(self._packed.pread(end, 8)) != self._magic:
            return False
        self._taken = end
        self._stream = FORMATS[self._magic][1]()
        return True


class FirstReads(ByteSource):
    """A member of a gzipped layer whose small reads are kept: headers are asked for by each reader anew.

    Every way back in the layer costs inflating it again from the nearest copy of the decompressor's state.
    """

    __slots__ = ("_blocks", "_source", "size")

    def __init__(self, source: ByteSource) -> None:
        self.size = source.size
        self._source = source
        self._blocks: dict[int, bytes] = {}

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        number = offset // _BLOCK
        if offset < 0 or size <= 0 or offset + size > (number + 1) * _BLOCK:
            return self._source.pread(offset, size)
        block = self._blocks.get(number)
        if block is None:
            if len(self._blocks) >= _MOST_BLOCKS:
                return self._source.pread(offset, size)
            block = self._blocks[number] = self._source.pread(number * _BLOCK, _BLOCK)
        start = offset - number * _BLOCK
        return block[start : start + size]
