"""List the members of a zip file (a wheel) and read them in place; nothing is unpacked, no path is followed.

Format: PKWARE APPNOTE 6.3.10 with zip64. The central directory is streamed, so that 10^6 members cost time
and not memory; `zipfile` builds an object of 500 bytes for each and raises a dozen kinds of exceptions.
"""

from __future__ import annotations

from struct import Struct

from stackcheck_probes.binaries.bytesource import Slice, SourceError
from stackcheck_probes.binaries.frozen import Frozen
from stackcheck_probes.binaries.inflate import RAW, Inflated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.binaries.inflate import Budget

MAGIC = b"PK\x03\x04"
MAX_MEMBERS = 1 << 20
MAX_NAME = 4096
_END = Struct("<4s4H2IH")  # of central directory: ..., size, offset, comment length
_END64_AT = Struct("<4sIQI")
_END64 = Struct("<4sQ2H2I4Q")
_ENTRY = Struct("<4s6H3I5H2I")
_LOCAL = Struct("<4s5H3I2H")
_BUFFER = 256 << 10
_FULL = 0xFFFFFFFF


class ZipMember(Frozen):
    """One member: its name, compression method, sizes in bytes and where its local header stands.

    `mode` is the Unix mode of the file, 0 where the zip file does not say it. A name of more than `MAX_NAME`
    bytes is cut after one more.
    """

    fields = ("name", "method", "packed", "size", "offset", "encrypted", "mode")
    __slots__ = fields

    name: str
    method: int
    packed: int
    size: int
    offset: int
    encrypted: bool
    mode: int

    def __init__(
        self, name: str, place: tuple[int, int, int, int], *, encrypted: bool, mode: int = 0
    ) -> None:
        self._set(name, *place, encrypted, mode)


def zip_members(source: ByteSource) -> Iterator[ZipMember]:
    """Yield the members in the central directory's order; raise `SourceError` for damage."""
    at, end, number = _directory(source)
    if number > MAX_MEMBERS:
        raise SourceError(f"zip file of {number} members, more than the {MAX_MEMBERS} that are read")
    buffer, start = b"", at
    for _ in range(number):
        if at + _ENTRY.size + 3 * 0xFFFF > start + len(buffer):
            buffer, start = source.pread(at, min(_BUFFER, end - at)), at
        member, size = _member(buffer, at - start, at)
        yield member
        at += size


def open_member(source: ByteSource, member: ZipMember, budget: Budget) -> ByteSource:
    """Return the member's bytes, read in place; raise `SourceError` when it is encrypted or damaged."""
    raw = source.pread(member.offset, _LOCAL.size)
    if len(raw) < _LOCAL.size or not raw.startswith(MAGIC):
        raise SourceError(f"{member.name}: no local header at {member.offset:#x}")
    if member.encrypted:
        raise SourceError(f"{member.name}: encrypted")
    *_, name_length, extra_length = _LOCAL.unpack(raw)
    start = member.offset + _LOCAL.size + name_length + extra_length
    if start + member.packed > source.size:
        raise SourceError(f"{member.name}: cut off, its {member.packed} bytes end past the zip file")
    packed = Slice(source, start, member.packed)
    if member.method == 0:
        return packed
    if member.method == 8:
        return Inflated(packed, member.size, budget, RAW)
    raise SourceError(f"{member.name}: compression method {member.method} is not read")


def _directory(source: ByteSource) -> tuple[int, int, int]:
    """Return where the central directory starts and ends and how many members it lists."""
    tail_at = max(0, source.size - _END.size - 0xFFFF)
    tail = source.pread(tail_at, source.size - tail_at)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise SourceError("no zip file, or cut off: there is no end of central directory")
    _, _, _, _, number, size, offset, _ = _END.unpack_from(tail, at)
    if number == 0xFFFF or _FULL in (size, offset):
        number, size, offset = _directory64(source, tail_at + at, (number, size, offset))
    if offset + size > source.size:
        raise SourceError(f"central directory at {offset:#x} of {size} bytes ends past the zip file")
    return offset, offset + size, number


def _directory64(source: ByteSource, end_at: int, plain: tuple[int, int, int]) -> tuple[int, int, int]:
    locator = source.pread(end_at - _END64_AT.size, _END64_AT.size) if end_at >= _END64_AT.size else b""
    if not locator.startswith(b"PK\x06\x07"):
        return plain
    raw = source.pread(_END64_AT.unpack(locator)[2], _END64.size)
    if len(raw) < _END64.size or not raw.startswith(b"PK\x06\x06"):
        raise SourceError("zip64 end of central directory is damaged")
    *_, number, size, offset = _END64.unpack(raw)
    return number, size, offset


def _member(buffer: bytes, at: int, offset: int) -> tuple[ZipMember, int]:
    if at + _ENTRY.size > len(buffer) or buffer[at : at + 4] != b"PK\x01\x02":
        raise SourceError(f"central directory is damaged at {offset:#x}")
    row = _ENTRY.unpack_from(buffer, at)
    flags, method, packed, size, name_length, extra_length, comment_length = (row[3], row[4], *row[8:13])
    header = row[16]
    name_at = at + _ENTRY.size
    extra = buffer[name_at + name_length : name_at + name_length + extra_length]
    if _FULL in (packed, size, header):
        size, packed, header = _sizes64(extra, (size, packed, header))
    name = buffer[name_at : name_at + min(name_length, MAX_NAME + 1)].decode("utf-8", "backslashreplace")
    place = (method, packed, size, header)
    member = ZipMember(name, place, encrypted=bool(flags & 1), mode=row[15] >> 16)
    return member, _ENTRY.size + name_length + extra_length + comment_length


def _sizes64(extra: bytes, plain: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return size, packed size and header offset with the 64-bit ones of extra field 1 put in."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = (
            int.from_bytes(extra[at : at + 2], "little"),
            int.from_bytes(extra[at + 2 : at + 4], "little"),
        )
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            wide = iter([int.from_bytes(field[i : i + 8], "little") for i in range(0, len(field) - 7, 8)])
            size, packed, header = (next(wide, old) if old == _FULL else old for old in plain)
            return size, packed, header
        at += 4 + length
    return plain
