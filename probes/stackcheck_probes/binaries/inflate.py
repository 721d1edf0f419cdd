"""Random access to deflated bytes without unpacking them: a member of a wheel, a layer of an image.

A library's section headers stand at its end, its fatbins before them, so a forward stream alone does not do.
Instead the decompressor's state is copied every few megabytes (64 copies of 50 KB at most): a read starts at
the nearest copy before it. Chosen over a temporary file because a library of 1 GB would need 1 GB of /tmp,
which in a container is memory as often as not; the price is that what lies between is inflated twice.
"""

from __future__ import annotations

import zlib

from stackcheck_probes.binaries.bytesource import ByteSource, SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 128 << 10
STRIDE = 8 << 20
MAX_COPIES = 64
RAW, GZIP = -15, 31
UNKNOWN = 1 << 62
"""The size of a stream that does not say it."""


class Budget:
    """How many bytes may be inflated from one archive in all; a bomb ends here."""

    __slots__ = ("left", "total")

    def __init__(self, total: int) -> None:
        self.total = total
        self.left = total

    def spend(self, size: int) -> None:
        """Take `size` bytes; raise `SourceError` when none are left."""
        self.left -= size
        if self.left < 0:
            raise SourceError(f"more than {self.total} bytes would have to be inflated")


def budget_for(source: ByteSource) -> Budget:
    """Return a budget that real archives stay below: wheels inflate 2 to 5 times, each library twice."""
    return Budget(max(1 << 30, 40 * source.size))


class Inflated(ByteSource):
    """The inflated bytes of a deflate stream (`RAW`) or of gzip members one after the other (`GZIP`)."""

    __slots__ = (
        "_at",
        "_budget",
        "_copies",
        "_held",
        "_packed",
        "_stride",
        "_taken",
        "_wbits",
        "_zlib",
        "size",
    )

    def __init__(self, packed: ByteSource, size: int, budget: Budget, wbits: int = RAW) -> None:
        self.size = size
        self._packed = packed
        self._budget = budget
        self._wbits = wbits
        self._stride = STRIDE
        self._copies: list[tuple[int, int, zlib._Decompress]] = []
        self._held = b""  # the inflated bytes that end at _at
        self._at = 0
        self._taken = 0
        self._zlib = zlib.decompressobj(wbits)
        self._copies.append((0, 0, self._zlib.copy()))

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; raise `SourceError` for a damaged stream."""
        size = min(size, self.size - offset)
        if offset < 0 or size <= 0:
            return b""
        if offset < self._at - len(self._held) or offset > self._at + self._stride:
            self._rewind(offset)
        parts = []
        while size > 0:
            skip = offset - (self._at - len(self._held))
            if skip < len(self._held):
                parts.append(self._held[skip : skip + size])
                offset += len(parts[-1])
                size -= len(parts[-1])
            elif not self._step():
                break
        return b"".join(parts)

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes, first to last; no `pread` meanwhile. Raise `SourceError` for damage."""
        self._rewind(0)
        yield self._held
        while self._step():
            yield self._held

    def _rewind(self, offset: int) -> None:
        """Go to the nearest copy before `offset`, unless the present state is nearer."""
        at, taken, state = max((copy for copy in self._copies if copy[0] <= offset), key=_place)
        if at > self._at or offset < self._at - len(self._held):
            self._at, self._taken, self._zlib, self._held = at, taken, state.copy(), b""

    def _step(self) -> bool:
        """Inflate the next chunk into `_held`; False at the end of the stream."""
        if self._zlib.eof and not (self._wbits == GZIP and self._next_member()):
            return False
        packed = self._packed.pread(self._taken, CHUNK)
        try:
            chunk = self._zlib.decompress(packed, CHUNK)
        except zlib.error as error:
            raise SourceError(f"damaged deflate stream at byte {self._taken}: {error}") from error
        self._budget.spend(len(chunk))
        taken = len(packed) - len(self._zlib.unconsumed_tail) - len(self._zlib.unused_data)
        if not chunk and not taken:
            if not packed and not self._zlib.eof:
                raise SourceError(f"cut off: the deflate stream ends at byte {self._taken}")
            return False
        self._taken += taken
        self._held = chunk
        self._at += len(chunk)
        self._keep_copy()
        return True

    def _next_member(self) -> bool:
        if self._packed.pread(self._taken, 2) != b"\x1f\x8b":
            return False
        self._zlib = zlib.decompressobj(self._wbits)
        return True

    def _keep_copy(self) -> None:
        if self._zlib.eof or self._at < self._copies[-1][0] + self._stride:
            return
        self._copies.append((self._at, self._taken, self._zlib.copy()))
        if len(self._copies) > MAX_COPIES:
            self._copies = self._copies[::2]
            self._stride *= 2


def _place(copy: tuple[int, int, zlib._Decompress]) -> int:
    return copy[0]
