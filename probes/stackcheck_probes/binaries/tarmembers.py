"""List the entries of a tar archive (an image layer), plain or gzipped, and read its files in place.

Format: POSIX.1-2001 pax and GNU tar. Nothing is unpacked: absolute names, `..` and links are only text.
"""

from __future__ import annotations

from stackcheck_probes.binaries.bytesource import Slice, SourceError
from stackcheck_probes.binaries.inflate import GZIP, UNKNOWN, Inflated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.binaries.inflate import Budget

BLOCK = 512
MAX_MEMBERS = 1 << 22
MAX_HEADER = 1 << 20
MAX_MAP = 1 << 16
MAX_NAME = 4096
"""No longer name can be unpacked on Linux (PATH_MAX)."""
HARD_LINK, LINK, FOLDER, SPARSE = b"1", b"2", b"5", b"S"
SPECIAL = (b"3", b"4", b"6")
"""Character device, block device, named pipe."""
_REGULAR = (b"0", b"\0", b"7")
_EXTRA = (b"x", b"X", b"L", b"K")  # they say something of the next entry
_HEADER_ONLY = (HARD_LINK, LINK, FOLDER, *SPECIAL)  # whatever size they state, no bytes follow them


class TarMember:
    """One entry: its name as written, its type (b'0' file, b'1' hard link, b'2' link, b'5' folder, ...).

    A sparse file is of type b'S': its content is its pieces, not the file's bytes.
    """

    __slots__ = ("content", "link", "mode", "name", "type")

    def __init__(self, name: str, kind: bytes, link: str, content: ByteSource, mode: int = 0) -> None:
        self.name = name
        self.type = kind
        self.link = link
        self.content = content
        self.mode = mode

    @property
    def is_file(self) -> bool:
        """Whether the entry holds the bytes of a regular file."""
        return self.type in _REGULAR

    @property
    def is_known(self) -> bool:
        """Whether the entry is of a type that this reader knows the meaning of."""
        return self.type in _REGULAR or self.type in _HEADER_ONLY


def is_tar(start: bytes) -> bool:
    """Tell whether 512 bytes are the header of a tar entry."""
    return len(start) >= BLOCK and bool(start.strip(b"\0")) and _sum_fits(start[:BLOCK])


def layer(source: ByteSource, budget: Budget) -> ByteSource:
    """Return the tar stream of a layer: inflated when it is gzipped; raise `SourceError` for zstd.

    zstd wants a library that the standard library has from Python 3.14 on: the host reads such layers.
    """
    start = source.pread(0, 4)
    if start[:2] == b"\x1f\x8b":
        return Inflated(source, UNKNOWN, budget, GZIP)
    if start == b"\x28\xb5\x2f\xfd":
        raise SourceError("a zstd archive is not read: decompress it first")
    return source


def tar_members(source: ByteSource) -> Iterator[TarMember]:
    """Yield the entries in order; raise `SourceError` at the first header that does not fit."""
    at = 0
    told: dict[str, str] = {}
    for _ in range(MAX_MEMBERS):
        header = source.pread(at, BLOCK)
        if not header.strip(b"\0"):
            return
        kind, size = header[156:157], _number(header[124:136])
        if len(header) < BLOCK or size < 0 or not _sum_fits(header):
            raise SourceError(f"no tar header at {at:#x}")
        size = 0 if kind in _HEADER_ONLY else int(told.get("size", size)) if kind not in _EXTRA else size
        start = at + BLOCK * (1 + (_map_blocks(source, at, header) if kind == SPARSE else 0))
        content = Slice(source, start, size)
        if content.size < size:
            raise SourceError(f"tar entry at {at:#x}: cut off, its {size} bytes end past the archive")
        at = start + -(-size // BLOCK) * BLOCK
        if kind in _EXTRA:
            told.update(_told(kind, content))
        elif kind != b"g":
            name = told.get("path") or _header_name(header)
            kind = SPARSE if "GNU.sparse.major" in told else kind
            link = told.get("linkpath") or _text(header[157:257])
            yield TarMember(name, kind, link, content, max(0, _number(header[100:108])))
            told = {}
    raise SourceError(f"more than {MAX_MEMBERS} tar entries: the rest was not read")


def _map_blocks(source: ByteSource, at: int, header: bytes) -> int:
    """Return how many blocks of a sparse file's map follow its header (GNU tar, old form)."""
    more = header[482:483]
    for blocks in range(MAX_MAP):
        if more in (b"", b"\0"):
            return blocks
        more = source.pread(at + BLOCK * (blocks + 1) + 504, 1)
    raise SourceError(f"tar entry at {at:#x}: a sparse file of more than {MAX_MAP} map blocks")


def _told(kind: bytes, content: ByteSource) -> dict[str, str]:
    """Return what an extra header says of the next entry: path, linkpath, size, whether it is sparse."""
    if content.size > MAX_HEADER:
        raise SourceError(f"tar header of {content.size} bytes, more than the {MAX_HEADER} that are read")
    raw = content.pread(0, content.size)
    if kind in (b"L", b"K"):
        return {"path" if kind == b"L" else "linkpath": _text(raw)}
    found = {}
    while raw:
        length, _, _ = raw[:20].partition(b" ")
        if not length.isdigit() or not len(length) < int(length) <= len(raw):
            raise SourceError("damaged pax header")
        key, _, value = raw[len(length) + 1 : int(length)].rstrip(b"\n").partition(b"=")
        if key in (b"path", b"linkpath", b"GNU.sparse.major") or (
            key == b"size" and value.isdigit() and len(value) < 20
        ):
            found[key.decode()] = _text(value)
        raw = raw[int(length) :]
    return found


def _header_name(header: bytes) -> str:
    prefix = _text(header[345:500]) if header[257:262] == b"ustar" and header[262:263] != b" " else ""
    name = _text(header[:100])
    return f"{prefix}/{name}" if prefix else name


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _number(raw: bytes) -> int:
    """Return a size field: octal text, or GNU's base 256; -1 when it is neither."""
    if raw[:1] and raw[0] & 0x80:
        return int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
    digits = raw.strip(b" \0")
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        return -1


def _sum_fits(header: bytes) -> bool:
    return sum(header[:148]) + 8 * 32 + sum(header[156:]) == _number(header[148:156])
