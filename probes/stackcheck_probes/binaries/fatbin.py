"""Walk CUDA fatbins and count their images by what they were compiled for; read headers, never payloads.

A fatbin is a 16-byte header and a chain of images, each with a header of at least 64 bytes. NVIDIA publishes
the outer header (fatbinary.h of the toolkit); the image header is not documented: fields and flags were
checked on wheels of CUDA 11.8 - 13.5 against cuobjdump 12.4.99, 13.1.80 and 13.4.92 (2026-11-20), see also
n-eiling/cuda-fatbin-decompression and ZLUDA. The suffix flags, 0x100 (concatenated images) and 0x10000
(obfuscated LTO IR) were found in that comparison.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812

from stackcheck_probes.binaries.capability import Code, Lto, Ptx, Sass, capability_of
from stackcheck_probes.binaries.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck_probes.binaries.bytesource import ByteSource

MAGIC = 0xBA55ED50
MAX_IMAGES = 1 << 19  # images and fatbins of one library; libcufft hides 17,607
MAX_KINDS = 256  # distinct (kind, arch, flags) in one library; real ones have up to 40
MAX_FAULTS = 8

KIND_PTX, KIND_CUBIN, KIND_OLD_CUBIN, KIND_LTO, KIND_CONCAT = 1, 2, 4, 8, 0x100
FLAG_DEBUG, FLAG_LZ4, FLAG_ZSTD, FLAG_A, FLAG_F = 0x2, 0x2000, 0x8000, 0x100000, 0x200000
_FLAGS = FLAG_DEBUG | FLAG_LZ4 | FLAG_ZSTD | FLAG_A | FLAG_F

HEADER = Struct("<IHHQ")  # magic, version, header size, size of the images
# kind and version, header size, payload size, PTX ISA (minor and major), SM, flags
IMAGE = Struct("<IIQ8xII8xQ")
VERSION = 0x0101
_IMAGE_SIZES = Struct("<HHIQI20xQ8xQ")  # kind, version, header, payload, compressed, flags, unpacked
_COUNT = Struct("<II")
# What the walk itself needs of an image: kind and version, header and payload size, PTX ISA and SM, flags
_HOT = Struct("<IIQ8xQ8xI")
_BOTH = HEADER.size + _HOT.size


class ImageKind(Frozen):
    """What images have in common: the code target, the compression ('', 'lz4', 'zstd'), debug or not.

    `code` is None for a kind of image that this reader does not know; `kind` is then its number, else 0.
    """

    fields = ("code", "compression", "debug", "kind")
    __slots__ = fields

    code: Code | None
    compression: str
    debug: bool
    kind: int

    def __init__(self, code: Code | None, compression: str, debug: bool, kind: int) -> None:
        self._set(code, compression, debug, kind)


class Count:
    """How many images of a kind, and their bytes in the file (headers included; 0 inside a concat image)."""

    __slots__ = ("bit", "bytes", "images")

    def __init__(self, bit: int) -> None:
        self.bit = bit
        self.images = 0
        self.bytes = 0


class Walk:
    """What a walk over fatbins has found so far.

    counts: by (kind, PTX ISA, SM, flags), see `kinds`. groups: where the fatbins are that hold exactly the
    same kinds; the key is the sum of the kinds' bits. faults: what did not fit the format. limited: there is
    more than is read.
    """

    __slots__ = ("by_header", "counts", "fatbins", "faults", "groups", "images", "limited")

    def __init__(self) -> None:
        self.counts: dict[tuple[int, int, int, int], Count] = {}
        self.by_header: dict[tuple[int, int, int], Count] = {}
        self.groups: dict[int, list[int]] = {}
        self.fatbins = 0
        self.images = 0
        self.faults: list[str] = []
        self.limited = False

    def kinds(self) -> list[tuple[ImageKind, Count]]:
        """Return the kinds of images with their counts, in the order met."""
        return [(_kind(*key), count) for key, count in self.counts.items()]

    def count_for(self, kind: int, isa: int, sm: int, flags: int) -> Count:
        """Return the count of images with these header fields; flags that do not matter are left out."""
        key = (kind, isa if kind == KIND_PTX else 0, sm, flags & _FLAGS)
        count = self.counts.get(key)
        if count is not None:
            return count
        if len(self.counts) >= MAX_KINDS:
            self.limit(f"more than {MAX_KINDS} kinds of images: the rest was not read")
            return Count(0)
        if not _plausible(*key):
            self.fault(f"image of kind {kind} for sm_{sm}: no such architecture")
        count = Count(1 << len(self.counts))
        self.counts[key] = count
        return count

    def limit(self, text: str) -> None:
        """Stop walking, and keep why, first of all faults."""
        if not self.limited:
            self.faults.insert(0, text)
        self.limited = True

    def fault(self, text: str) -> None:
        """Keep what did not fit the format, the first few."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(text)


def walk_region(source: ByteSource, start: int, end: int, walk: Walk, resume: list[int]) -> None:
    """Walk the fatbins that lie back to back in `start`..`end` (file offsets) into `walk`.

    resume: offsets of known fatbins in order (from the wrappers); where the chain breaks, the walk goes on
    at the next of them, with a fault. What lies past the end of the file is a fault.
    """
    at = start
    known = iter(resume)
    while at < end and not walk.limited:
        size = walk_fatbin(source, at, end, walk)
        if size == 0:
            following = next((offset for offset in known if offset > at), None)
            if following is None:
                return
            at = following
        else:
            at += size


def walk_fatbin(source: ByteSource, start: int, end: int, walk: Walk) -> int:
    """Walk one fatbin into `walk`; return its size with its header, or 0 with a fault if there is none."""
    raw = source.pread(start, _BOTH)
    if len(raw) < HEADER.size:
        walk.fault(f"cut off: fatbin at {start:#x} lies past the end of the file ({source.size} bytes)")
        return 0
    magic, _, header_size, size = HEADER.unpack_from(raw)
    whole: int = header_size + size
    if magic != MAGIC or header_size < HEADER.size:
        if raw.strip(b"\0"):
            walk.fault(f"no fatbin at {start:#x}, magic {magic:#x}")
        return 0
    stop = start + whole
    if stop > source.size:
        walk.fault(f"cut off: fatbin at {start:#x} of {whole} bytes ends past the file ({source.size} bytes)")
        stop = source.size
    elif stop > end:
        walk.fault(f"fatbin at {start:#x}: {whole} bytes do not fit into its section")
    at = start + header_size
    first = raw[HEADER.size :] if header_size == HEADER.size else source.pread(at, _HOT.size)
    group = _walk_images(source, at, min(stop, end), walk, first) if size else 0
    walk.fatbins += 1
    if walk.images + walk.fatbins > MAX_IMAGES:
        walk.limit(f"more than {MAX_IMAGES} images and fatbins: the rest was not read")
    if group in walk.groups or len(walk.groups) < MAX_IMAGES >> 3:
        walk.groups.setdefault(group, []).append(start)
    return whole


def iterate_images(source: ByteSource, at: int, stop: int) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield kind, payload offset, stored size, compressed size, flags and unpacked size of each image.

    Sizes in bytes; compressed and unpacked size are 0 for an image that is not compressed.
    """
    while at < stop:
        raw = source.pread(at, 64)
        if len(raw) < 64:
            return
        kind, version, header_size, size, packed, flags, unpacked = _IMAGE_SIZES.unpack(raw)
        if version != VERSION or header_size < 64 or at + header_size + size > stop:
            return
        yield kind, at + header_size, size, packed, flags, unpacked
        at += header_size + size


def _walk_images(source: ByteSource, at: int, stop: int, walk: Walk, raw: bytes) -> int:
    """Count the images of one fatbin, `raw` the header of the first; return the sum of their kinds' bits.

    The hot loop, 23,000 times in a torch stack: one system call, one unpack, one look-up by raw header. A
    header that was met before is known to be of a kind that is read; only its sizes are judged again.
    """
    pread, handle = source.positional()
    unpack, size_of_read, known = _HOT.unpack, _HOT.size, walk.by_header
    group = found = 0
    try:
        for found in range(1, MAX_IMAGES + 1):  # noqa: B007 - how many there were counts after the loop
            kind, header_size, size, target, flags = unpack(raw)
            step = header_size + size
            count = known.get((kind, target, flags)) or _new_kind(source, at, walk, (kind, target, flags))
            if count is None or not 64 <= step <= stop - at:
                walk.fault(
                    f"image at {at:#x}: version {kind >> 16:#x}, {header_size} + {size} bytes do not fit"
                )
                break
            count.images += 1
            count.bytes += step
            group |= count.bit
            at += step
            if at >= stop or walk.limited:
                break
            raw = pread(handle, size_of_read, at)
    except StructError:
        walk.fault(f"cut off: image at {at:#x} lies past the end of the file ({source.size} bytes)")
    walk.images += found
    return group


def _new_kind(source: ByteSource, at: int, walk: Walk, header: tuple[int, int, int]) -> Count | None:
    """Return the count of a header not met before, None for a version that is not read.

    An image that holds several stands for what it holds: a count of its own, with all their bits.
    """
    kind, target, flags = header
    if kind >> 16 != VERSION:
        return None
    if kind & 0xFFFF == KIND_CONCAT:
        return Count(_walk_concat(source, at, walk))
    count = walk.count_for(kind & 0xFFFF, target & 0xFFFFFFFF, target >> 32, flags)
    if len(walk.by_header) < MAX_KINDS:
        walk.by_header[header] = count
    return count


def _walk_concat(source: ByteSource, at: int, walk: Walk) -> int:
    """Count the images that one concat image holds: their headers stand uncompressed in its own header."""
    header_size = _COUNT.unpack(source.pread(at, _COUNT.size))[1]
    table = source.pread(at + 64, min(header_size - 64, 1 << 16))
    number = _COUNT.unpack_from(table)[0] if len(table) >= _COUNT.size else 0
    if number == 0 or _COUNT.size + number * 64 > len(table):
        walk.fault(f"concat image at {at:#x}: its table of {number} images is not whole")
        return 0
    group = 0
    for index in range(number):
        kind, _, size, isa, sm, flags = IMAGE.unpack_from(table, _COUNT.size + index * 64)
        count = walk.count_for(kind & 0xFFFF, isa, sm, flags | FLAG_ZSTD)
        count.images += 1
        count.bytes += size
        group |= count.bit
    walk.images += number
    return group


def _plausible(kind: int, isa: int, sm: int, flags: int) -> bool:  # noqa: ARG001
    """Whether the header's numbers can be an architecture at all: damage must not become a code target."""
    return 10 <= sm <= 999 and (isa >> 16) < 100 and (isa & 0xFFFF) < 100


def _kind(kind: int, isa: int, sm: int, flags: int) -> ImageKind:
    compression = "zstd" if flags & FLAG_ZSTD else "lz4" if flags & FLAG_LZ4 else ""
    suffix = "a" if flags & FLAG_A else "f" if flags & FLAG_F else ""
    code: Code | None = None
    if not _plausible(kind, isa, sm, flags):
        return ImageKind(None, compression, bool(flags & FLAG_DEBUG), kind)
    if kind == KIND_PTX:
        code = Ptx(capability_of(sm), suffix, (isa >> 16, isa & 0xFFFF))
    elif kind in (KIND_CUBIN, KIND_OLD_CUBIN):
        code = Sass(capability_of(sm), suffix)
    elif kind == KIND_LTO:
        code = Lto(capability_of(sm), suffix)
    return ImageKind(code, compression, bool(flags & FLAG_DEBUG), 0 if code else kind)
