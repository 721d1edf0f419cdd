"""What came back, wherever it lies: a folder, archives, a log on stdin. Bounded; no link is followed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from stackcheck.model.errors import UsageError
from stackcheck.model.escape import one_line
from stackcheck.storage.confinement import real_path
from stackcheck.storage.reading import open_file, stands

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 1 << 29
"""Of one file, and of all members of one archive."""
MOST_FILES = 100_000
_TAR_MAGIC = b"ustar"
_COMPRESSED: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
"""What compressed files begin with, and what reads them: of archives, and of logs that were rotated."""
_DAMAGE = (tarfile.TarError, lzma.LZMAError, zlib.error, OSError, EOFError, ValueError)


@dataclass(frozen=True, slots=True)
class Source:
    """One file: what it is called, and its bytes; `fault` says why there are none."""

    name: str
    content: bytes = b""
    fault: str = ""


def sources(place: str, but: Path | None = None) -> Iterator[Source]:
    """Yield what a folder, a file, an archive or "-" (standard input) holds, `but` what lies below a folder.

    What cannot be read is yielded with its fault. Raises UsageError for a place that is not there.
    """
    if place == "-":
        yield from _opened(Source("-", *_stdin()))
        return
    path = Path(place)
    if not stands(path):
        raise UsageError(f"{one_line(place, 200)}: there is no such folder or file.")
    if not path.is_dir():
        yield from _opened(_file(path, place))
        return
    own = real_path(but) if but else None
    names = sorted(
        each
        for each in path.rglob("*")
        if (each.is_symlink() or not each.is_dir()) and not (own and real_path(each).is_relative_to(own))
    )
    for each in names[:MOST_FILES]:
        yield from _opened(_file(each, str(each)))
    if len(names) > MOST_FILES:
        yield Source(
            place, fault=f"{len(names) - MOST_FILES:,} more files than the {MOST_FILES:,} that are read"
        )


def _stdin() -> tuple[bytes, str]:
    if sys.stdin is None:
        raise UsageError("-: stdin is closed; pipe a log or an archive into it.")
    return _bounded(sys.stdin.buffer)


def _file(path: Path, shown: str) -> Source:
    if path.is_symlink():
        return Source(shown, fault="it is a link, and links are not followed")
    try:
        with open_file(path) as file:
            return Source(shown, *_bounded(file))
    except UsageError as error:
        return Source(shown, fault=str(error).removeprefix(f"{path}: ").removesuffix("."))
    except OSError as error:
        return Source(shown, fault=f"it cannot be read: {error.strerror}")


def _bounded(file: IO[bytes]) -> tuple[bytes, str]:
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        return b"", f"it has more than the {MOST_BYTES >> 20} MiB that are read"
    return content, ""


def _opened(source: Source) -> Iterator[Source]:
    """Yield the members of an archive, what a compressed log says, and anything else as it is."""
    opener = next((each for magic, each in _COMPRESSED.items() if source.content.startswith(magic)), None)
    if source.content[257:262] == _TAR_MAGIC or (opener and _is_tar(source.content, opener)):
        yield from _members(source)
    elif opener:
        try:
            with opener(io.BytesIO(source.content)) as file:
                yield Source(source.name, *_bounded(file))
        except _DAMAGE as error:
            yield _damaged(source, error)
    else:
        yield source


def _is_tar(content: bytes, opener: Any) -> bool:
    try:
        with opener(io.BytesIO(content)) as file:
            return bytes(file.read(262)[257:]) == _TAR_MAGIC
    except _DAMAGE:
        return False


def _members(source: Source) -> Iterator[Source]:
    left = MOST_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(source.content), mode="r:*") as archive:
            for number, member in enumerate(archive):
                name = f"{source.name}:{member.name}"
                left -= member.size
                if number >= MOST_FILES or left < 0:
                    yield Source(source.name, fault="what it holds is more than what is read of an archive")
                    return
                file = archive.extractfile(member) if member.isreg() else None
                if file is not None:
                    yield Source(name, file.read())
                elif not member.isdir():
                    yield Source(name, fault="it is not a file")
    except _DAMAGE as error:
        yield _damaged(source, error)


def _damaged(source: Source, error: Exception) -> Source:
    return Source(source.name, fault=f"it is damaged ({one_line(error, 120)})")
