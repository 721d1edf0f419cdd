"""Tell whether a fatbin holds kernels at all.

A translation unit without kernels still leaves a fatbin, often for other architectures than the rest
(spconv: 195 of 606 hold an empty sm_52 cubin). Such fatbins say nothing about which GPU a library serves.
"""

from __future__ import annotations

from stackcheck_probes import cubin, unpack
from stackcheck_probes.bytesource import Slice
from stackcheck_probes.fatbin import (
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
    from stackcheck_probes.bytesource import ByteSource

SMALL = 4 << 10
"""Bytes: a larger compressed image holds kernels, an empty one has 0.9 - 1.6 KB (CUDA 12.4, 13.5)."""
_HOLDING_KERNELS = (KIND_PTX, KIND_CUBIN, KIND_OLD_CUBIN)
MAX_CHECKS = 1 << 12
"""Images looked into per binary, at most; spconv needs 400. The others count as holding kernels."""


class KernelCheck:
    """Look for kernels in the fatbins of one source, a bounded number of times."""

    __slots__ = ("left", "source")

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.left = MAX_CHECKS

    def leading_empty(self, starts: list[int]) -> int:
        """Return how many of the fatbins at `starts` hold no kernels, up to the first one that may."""
        for number, start in enumerate(starts):
            if self.fatbin_has_kernels(start) is not False:
                return number
        return len(starts)

    def fatbin_has_kernels(self, start: int) -> bool | None:
        """Return whether an image of the fatbin at `start` holds a kernel; None if that cannot be told."""
        raw = self.source.pread(start, HEADER.size)
        if len(raw) < HEADER.size:
            return None
        _, _, header_size, size = HEADER.unpack(raw)
        first = start + header_size
        small = []
        for image in iterate_images(self.source, first, first + size):
            kind, _, stored, _, _, unpacked = image
            if max(unpacked, stored) > SMALL and kind in _HOLDING_KERNELS and (unpacked or kind == KIND_PTX):
                return True
            small.append(image)
        return self._any_has_kernels(small)

    def _any_has_kernels(self, images: list[tuple[int, int, int, int, int, int]]) -> bool | None:
        answer: bool | None = False
        for image in sorted(images, key=_effort):
            self.left -= 1
            found = _image_has_kernels(self.source, image) if self.left >= 0 else None
            if found:
                return True
            answer = None if found is None else answer
        return answer


def _effort(image: tuple[int, int, int, int, int, int]) -> tuple[int, int]:
    return image[4] & (FLAG_LZ4 | FLAG_ZSTD), image[2]


def _image_has_kernels(source: ByteSource, image: tuple[int, int, int, int, int, int]) -> bool | None:
    kind, payload, stored, packed, flags, _ = image
    if kind not in _HOLDING_KERNELS:
        return None
    if stored > SMALL:
        return cubin.has_kernels(Slice(source, payload, stored))
    content = source.pread(payload, packed or stored)
    if flags & (FLAG_LZ4 | FLAG_ZSTD):
        decompress = unpack.zstd_prefix if flags & FLAG_ZSTD else unpack.lz4_block
        try:
            content = decompress(content, SMALL)
        except (unpack.DamagedError, unpack.UnavailableError):
            return None
    return b".entry" in content if kind == KIND_PTX else b".text." in content
