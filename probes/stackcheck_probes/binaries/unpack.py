"""Decompress the start of a payload: zlib, LZ4 blocks, and zstd with what the machine has.

Only prefixes are ever wanted (a list of names, one small cubin), so every function takes a limit and gives
back at most that many bytes. zstd: `compression.zstd` of Python 3.14, else libzstd.so.1 through ctypes
(a dependency of dpkg and systemd, hence on nearly every Debian and Ubuntu), else `UnavailableError`.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes


class UnavailableError(Exception):
    """This machine has nothing that decompresses the format; the message says what is missing."""


class DamagedError(ValueError):
    """The compressed bytes are not what they claim."""


def zlib_prefix(packed: bytes, limit: int) -> bytes:
    """Inflate up to `limit` bytes from a zlib stream that may be cut; raise `DamagedError`."""
    import zlib

    try:
        return zlib.decompressobj().decompress(packed, limit)
    except zlib.error as error:
        raise DamagedError(f"zlib: {error}") from error


def zstd_prefix(packed: bytes, limit: int) -> bytes:
    """Decompress up to `limit` bytes of a zstd frame that may be cut.

    Raise `DamagedError`, or `UnavailableError` when this machine cannot.
    """
    if sys.version_info >= (3, 14):
        from compression import zstd

        try:
            unpacked: bytes = zstd.ZstdDecompressor().decompress(packed, limit)
        except zstd.ZstdError as error:
            raise DamagedError(f"zstd: {error}") from error
        return unpacked
    return _zstd_by_ctypes(packed, limit)


def lz4_block(packed: bytes, limit: int) -> bytes:
    """Decompress a raw LZ4 block, stopping at `limit` bytes; raise `DamagedError`.

    Format: github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md.
    """
    out = bytearray()
    at = 0
    try:
        while at < len(packed) and len(out) < limit:
            token = packed[at]
            literals, at = _lz4_length(packed, at + 1, token >> 4)
            out += packed[at : at + literals]
            at += literals
            if at >= len(packed):
                break
            distance = packed[at] | packed[at + 1] << 8
            length, at = _lz4_length(packed, at + 2, token & 15)
            if not 0 < distance <= len(out):
                raise DamagedError(f"LZ4: a match {distance} bytes back, with {len(out)} bytes written")
            length = min(length + 4, limit)
            piece = bytes(out[-distance:])[:length]
            out += (piece * (length // len(piece) + 1))[:length]
    except IndexError:
        raise DamagedError("LZ4: the block ends inside a sequence") from None
    return bytes(out[:limit])


def _lz4_length(packed: bytes, at: int, length: int) -> tuple[int, int]:
    if length == 15:
        while True:
            more = packed[at]
            at += 1
            length += more
            if more != 255:
                break
    return length, at


_libzstd: ctypes.CDLL | None = None


def _load_libzstd() -> ctypes.CDLL:
    global _libzstd  # noqa: PLW0603
    if _libzstd is None:
        try:
            import ctypes

            library = ctypes.CDLL("libzstd.so.1")
        except (ImportError, OSError) as error:
            raise UnavailableError("zstd needs Python 3.14 or libzstd.so.1 (package libzstd1)") from error
        library.ZSTD_createDStream.restype = ctypes.c_void_p
        library.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
        library.ZSTD_decompressStream.restype = ctypes.c_size_t
        library.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        library.ZSTD_isError.argtypes = [ctypes.c_size_t]
        library.ZSTD_getErrorName.argtypes = [ctypes.c_size_t]
        library.ZSTD_getErrorName.restype = ctypes.c_char_p
        _libzstd = library
    return _libzstd


def _zstd_by_ctypes(packed: bytes, limit: int) -> bytes:
    library = _load_libzstd()
    import ctypes

    # ZSTD_inBuffer and ZSTD_outBuffer are each {pointer, size, position} (zstd.h).
    source = ctypes.create_string_buffer(packed, len(packed))
    target = ctypes.create_string_buffer(limit)
    buffers = ctypes.c_size_t * 3
    taken = buffers(ctypes.addressof(source), len(packed), 0)
    given = buffers(ctypes.addressof(target), limit, 0)
    stream = library.ZSTD_createDStream()
    try:
        while taken[2] < taken[1] and given[2] < limit:
            before = (taken[2], given[2])
            code = library.ZSTD_decompressStream(stream, ctypes.addressof(given), ctypes.addressof(taken))
            if library.ZSTD_isError(code):
                raise DamagedError(f"zstd: {library.ZSTD_getErrorName(code).decode()}")
            if code == 0 or before == (taken[2], given[2]):
                break
    finally:
        library.ZSTD_freeDStream(stream)
    return target.raw[: given[2]]
