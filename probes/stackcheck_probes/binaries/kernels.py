"""Tell whether a fatbin holds kernels at all.

A translation unit without kernels still leaves a fatbin, often for other architectures than the rest
(spconv: 195 of 606 hold an empty sm_52 cubin). Such fatbins say nothing about which GPU a library serves.
"""

from __future__ import annotations

from stackcheck_probes.binaries import cubin
from stackcheck_probes.binaries.bytesource import BytesSource, Slice
from stackcheck_probes.binaries.fatbin import (
    FLAG_LZ4,
    FLAG_ZSTD,
    HEADER,
    KIND_CUBIN,
    KIND_OLD_CUBIN,
    KIND_PTX,
    iterate_images,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.bytesource import ByteSource

SMALL = 4 << 10
"""Bytes: a larger compressed image holds kernels, an empty one has 0.9 - 1.6 KB (CUDA 12.4, 13.5)."""
_HOLDING_KERNELS = (KIND_PTX, KIND_CUBIN, KIND_OLD_CUBIN)
MAX_CHECKS = 1 << 12
"""Images looked into per binary, at most; spconv needs 400. The others count as holding kernels."""


class KernelCheck:
    """Look for kernels in the fatbins of one source, a bounded number of times."""

    __slots__ = ("left", "seen", "source")

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.left = MAX_CHECKS
        self.seen: dict[bytes, bool | None] = {}  # empty units often leave the very same compressed bytes

    def leading_empty(self, starts: list[int]) -> int:
        """Return how many of the fatbins at `starts` hold no kernels, up to the first one that may."""
        for number, start in enumerate(starts):
            if self.fatbin_has_kernels(start) is not False:
                return number
        return len(starts)

    def fatbin_has_kernels(self, start: int) -> bool | None:
        """Return whether an image of the fatbin at `start` holds a kernel; None if that cannot be told."""
        source = self.source
        raw = source.pread(start, SMALL)
        if len(raw) < HEADER.size:
            return None
        _, _, header_size, size = HEADER.unpack_from(raw)
        if header_size + size <= len(raw):  # an empty one as a rule: one read is all
            source, start = BytesSource(raw), 0
        small = []
        for image in iterate_images(source, start + header_size, start + header_size + size):
            kind, _, stored, _, _, unpacked = image
            if max(unpacked, stored) > SMALL and kind in _HOLDING_KERNELS and (unpacked or kind == KIND_PTX):
                return True
            small.append(image)
            if len(small) > self.left:
                return None
        return self._any_has_kernels(source, small)

    def _any_has_kernels(
        self, source: ByteSource, images: list[tuple[int, int, int, int, int, int]]
    ) -> bool | None:
        answer: bool | None = False
        for image in sorted(images, key=_effort):
            self.left -= 1
            found = self._image_has_kernels(source, image) if self.left >= 0 else None
            if found:
                return True
            answer = None if found is None else answer
        return answer

    def _image_has_kernels(
        self, source: ByteSource, image: tuple[int, int, int, int, int, int]
    ) -> bool | None:
        kind, payload, stored, packed, flags, _ = image
        if kind not in _HOLDING_KERNELS:
            return None
        if stored > SMALL:
            return cubin.has_kernels(Slice(source, payload, stored))
        wanted = b".entry" if kind == KIND_PTX else b".text."
        content = source.pread(payload, packed or stored)
        if not flags & (FLAG_LZ4 | FLAG_ZSTD):
            return wanted in content
        if content not in self.seen:
            self.seen[content] = _holds(content, wanted, zstd=bool(flags & FLAG_ZSTD))
        return self.seen[content]


def _effort(image: tuple[int, int, int, int, int, int]) -> tuple[int, int]:
    return image[4] & (FLAG_LZ4 | FLAG_ZSTD), image[2]


def _holds(packed: bytes, wanted: bytes, *, zstd: bool) -> bool | None:
    from stackcheck_probes.binaries import unpack

    try:
        content = unpack.zstd_prefix(packed, SMALL) if zstd else unpack.lz4_block(packed, SMALL)
    except (unpack.DamagedError, unpack.UnavailableError):
        return None
    return wanted in content
