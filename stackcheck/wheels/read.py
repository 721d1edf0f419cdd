"""Read what a wheel says of itself, in place or by range: nothing unpacked, no path followed, all bounded."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from stackcheck.model.errors import WheelError
from stackcheck.wheels.binary import library_facts
from stackcheck.wheels.facts import LibraryFacts, Recorded, WheelFacts
from stackcheck.wheels.spool import at_hand
from stackcheck_probes.binaries import zipmembers
from stackcheck_probes.binaries.binaryfiles import is_binary_name, may_be_binary, may_be_walked
from stackcheck_probes.binaries.bytesource import READ_LIMIT, ByteSource, FileSource, SourceError
from stackcheck_probes.binaries.inflate import Budget, budget_for
from stackcheck_probes.binaries.leftout import SUFFIXES as OTHER_KINDS
from stackcheck_probes.binaries.libraryfile import MAX_LIBRARIES
from stackcheck_probes.binaries.magic import ELF
from stackcheck_probes.probes import distributions, recorded_files

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator

    from stackcheck_probes.binaries.zipmembers import ZipMember

TEXTS = ("torch/version.py", "torch/__init__.py")
"""The small files that static probes read beside METADATA, WHEEL and RECORD."""
MAX_TEXT = 1 << 20


class SeekableSource(ByteSource):
    """A file object that can seek, as random access; who gives it closes it."""

    __slots__ = ("file", "size")

    def __init__(self, file: IO[bytes] | io.RawIOBase) -> None:
        self.file = file
        self.size = file.seek(0, os.SEEK_END)

    def pread(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        if not 0 <= offset < self.size or size <= 0:
            return b""
        try:
            self.file.seek(offset)
            return self.file.read(min(size, READ_LIMIT)) or b""
        except (OSError, ValueError) as error:
            raise SourceError(f"cannot be read at offset {offset}: {error}") from error


def read_wheel(
    file: IO[bytes] | io.RawIOBase,
    *,
    filename: str = "",
    sha256: str = "",
    wanted: Callable[[str, int], bool] = lambda _path, _size: True,
) -> WheelFacts:
    """Read the facts of a wheel from a binary file that can seek: a local one, or a `RangeFile`.

    filename: default the name of the file. sha256: kept as it is given; nothing is hashed here. wanted: asked
    with path and size in bytes of each binary, whether to read it; the others are noted in `left_out`. Raises
    WheelError for what is not a wheel, or is damaged; a `RangeFile` raises ResolveError of its own.
    """
    name = filename or Path(str(getattr(file, "name", ""))).name
    try:
        return _Reading(SeekableSource(file), name, sha256).facts(wanted)
    except SourceError as error:
        raise WheelError(f"{name or 'this file'} cannot be read as a wheel: {error}.") from None


def read_library_facts(path: str | os.PathLike[str]) -> LibraryFacts:
    """Read the facts of a lone library; its `path` is the file's name. Raises WheelError for what is none."""
    try:
        source = FileSource(os.fspath(path))
    except (OSError, SourceError) as error:
        raise WheelError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    try:
        source.random_access()
        found = library_facts(source, Path(path).name)
    finally:
        source.close()
    if found is None:
        raise WheelError(f"{path} is not a binary: neither an ELF file nor one that holds GPU code.")
    return found


class _Reading:
    """One wheel that is being read."""

    def __init__(self, source: ByteSource, filename: str, sha256: str) -> None:
        self.source = source
        self.filename = filename
        self.sha256 = sha256
        self.budget: Budget = budget_for(source)
        self.left_out: list[str] = []
        self.texts: dict[str, ZipMember] = {}
        self.binaries: list[ZipMember] = []
        self.sizes: dict[str, int] = {}
        for member in zipmembers.zip_members(source):
            self.sizes[member.name] = member.size
            if member.name in TEXTS or _in_metadata(member.name):
                self.texts.setdefault(member.name, member)
            elif is_binary_name(member.name) or is_program(member.name, member.mode, member.size):
                self.binaries.append(member)

    def facts(self, wanted: Callable[[str, int], bool]) -> WheelFacts:
        """Return all that is read."""
        info = self.metadata_folder()
        row = distributions.described(self.text(f"{info}/METADATA", MAX_TEXT), info)
        rows = recorded_files.rows_of(self.text(f"{info}/RECORD", recorded_files.MAX_RECORD))
        record = tuple(map(recorded, rows))
        return WheelFacts(
            filename=self.filename,
            sha256=self.sha256,
            size=self.source.size,
            name=row["name"],
            version=row["version"],
            metadata=info,
            complete=row["complete"],
            tags=tuple(distributions.tags_in(self.text(f"{info}/WHEEL", 1 << 16))),
            requires=tuple(row["requires"]),
            requires_python=row.get("requires_python"),
            extras=tuple(row["extras"]),
            record=record,
            unlike=tuple(self.unlike(record)),
            libraries=tuple(self.libraries(wanted)),
            texts={name: self.text(name, MAX_TEXT) for name in TEXTS if name in self.texts},
            left_out=tuple(self.left_out),
        )

    def metadata_folder(self) -> str:
        """Return the name of the .dist-info folder; raise WheelError when there is none, or not one alone."""
        found = {PurePosixPath(name).parent.name for name in self.texts if name.endswith("/METADATA")}
        if len(found) != 1:
            number = "no" if not found else f"{len(found)} files"
            raise WheelError(f"{self.filename or 'this file'} is not a wheel: it has {number} METADATA.")
        return found.pop()

    def text(self, name: str, limit: int) -> str:
        """Return the text of a member, at most `limit` bytes of it; "" when there is none."""
        member = self.texts.get(name)
        if member is None:
            return ""
        content = zipmembers.open_member(self.source, member, self.budget).pread(0, limit)
        if member.size > limit:
            self.left_out.append(f"{name}: {member.size} bytes, more than the {limit} that are read")
        return content.decode("utf-8", "backslashreplace")

    def unlike(self, record: tuple[Recorded, ...]) -> Iterator[Recorded]:
        """Yield the recorded files that are not in the archive, or not of the size that is stated."""
        for row in record:
            size = self.sizes.get(row.path, -1)
            if size < 0 or row.size not in (-1, size):
                yield row._replace(size=size)

    def libraries(self, wanted: Callable[[str, int], bool]) -> Iterator[LibraryFacts]:
        """Yield the facts of each binary that is wanted."""
        for number, member in enumerate(self.binaries):
            if number >= MAX_LIBRARIES:
                self.left_out.append(f"more than {MAX_LIBRARIES} binaries: the rest was not read")
                return
            if not wanted(member.name, member.size):
                self.left_out.append(f"{member.name}: not asked for")
                continue
            found = self.library(member)
            if found is not None:
                yield found

    def library(self, member: ZipMember) -> LibraryFacts | None:
        """Return the facts of one binary, also when it is damaged; None when its bytes are not a binary's."""
        try:
            source = zipmembers.open_member(self.source, member, self.budget)
            if not is_binary_name(member.name) and source.pread(0, len(ELF)) != ELF:
                return None
            with closing(at_hand(source)) as source:
                return library_facts(source, member.name)
        except SourceError as error:
            return LibraryFacts(member.name, member.size, error=str(error), code={"error": str(error)})


def is_program(path: str, mode: int, size: int) -> bool:
    """Tell whether a file with another name is worth a look at its first bytes, as in a walk."""
    kind = path.endswith(OTHER_KINDS)
    return not kind and may_be_walked(path) and may_be_binary(PurePosixPath(path).name, mode, size)


def _in_metadata(name: str) -> bool:
    folder, _, file = name.partition("/")
    return folder.endswith(".dist-info") and file in ("METADATA", "WHEEL", "RECORD")


def recorded(row: tuple[str, str, str]) -> Recorded:
    """Return a row of `recorded_files.rows_of` with its size as a number."""
    path, digest, size = row
    return Recorded(path, int(size) if size.isascii() and size.isdecimal() else -1, digest)
