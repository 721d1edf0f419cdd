"""List the members of a static library (`ar` archive), without unpacking it.

Format: System V / GNU `ar`, a 60-byte text header before each member (ar(5)). Names do not matter here.
"""

from __future__ import annotations

from stackcheck_probes.binaries.bytesource import Slice
from stackcheck_probes.binaries.magic import ARCHIVE, THIN_ARCHIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck_probes.binaries.bytesource import ByteSource

MAX_MEMBERS = 1 << 16
_TABLES = (b"/", b"//", b"/SYM64/", b"__.SYMDEF")


class ArchiveError(ValueError):
    """The archive is damaged or of a kind that is not read: what and where."""


def members(source: ByteSource) -> Iterator[Slice]:
    """Yield the object files of an archive; raise `ArchiveError` at the first header that does not fit."""
    if source.pread(0, len(THIN_ARCHIVE)) == THIN_ARCHIVE:
        raise ArchiveError("a thin archive only names its members: inspect those")
    at = len(ARCHIVE)
    for _ in range(MAX_MEMBERS):
        header = source.pread(at, 60)
        if not header.strip():
            return
        digits = header[48:58].strip()
        if len(header) < 60 or header[58:] != b"`\n" or not digits.isdigit():
            raise ArchiveError(f"no archive member at {at:#x}")
        size = int(digits)
        if at + 60 + size > source.size:
            raise ArchiveError(f"cut off: archive member at {at:#x} of {size} bytes ends past the file")
        if header[:16].rstrip() not in _TABLES:
            yield Slice(source, at + 60, size)
        at += 60 + size + size % 2
    raise ArchiveError(f"more than {MAX_MEMBERS} archive members: the rest was not read")
