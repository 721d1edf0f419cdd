"""What the loader's rules ask of a file system, and the answers of a real one.

Whoever knows the libraries of a tree without having them, answers the same questions: see `LibraryFiles`.
"""

from __future__ import annotations

import os

from stackcheck_probes.binaries.binaryfiles import files, within
from stackcheck_probes.binaries.bytesource import FileSource, SourceError
from stackcheck_probes.binaries.elf import MAGIC, Elf
from stackcheck_probes.loader.symbols import Symbols

MAX_CACHE = 32 << 20

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.binaries.elf import Dynamic
    from stackcheck_probes.loader.symbols import VersionNeed

    class Headers(Protocol):
        """The headers of one library, an `Elf` as a rule; `source` is closed when they are not needed."""

        machine: int
        bits: int
        cut: bool
        source: ByteSource

        def dynamic(self) -> Dynamic | None:
            """Return the dynamic section; None without one. Raise `ElfError`."""

    class SymbolTable(Protocol):
        """The dynamic symbols of one library, as `Symbols` reads them from an `Elf`."""

        def undefined(self, marks: tuple[bytes, ...] = ()) -> list[bytes]:
            """Return the names that must be found elsewhere."""

        def exports(self, name: bytes, hashed: int) -> bool:
            """Tell whether `name`, whose `gnu_hash` is `hashed`, is defined."""

        def versions_needed(self) -> list[VersionNeed]:
            """Return every symbol version that is wanted of others."""

        def versions_defined(self) -> frozenset[str]:
            """Return every symbol version that is given."""

        def close(self) -> None:
            """Give back what is held."""

    class LibraryFiles(Protocol):
        """A file system of libraries; paths are those of the tree."""

        def libraries(self, roots: list[str], packages: list[str] | None, skipped: list[str]) -> list[str]:
            """Return its symbols, by `headers` while they are open. Raise `ElfError`."""

        def headers(self, path: str) -> Headers | None:
            """Return the headers of a library; None for what is none. Raise `ElfError`, `SourceError`."""

        def symbols(self, path: str, headers: Headers | None, dynamic: Dynamic) -> SymbolTable:
            """Return its symbols, by `headers` while they are open. Raise ElfError."""

        def text(self, path: str, limit: int) -> str:
            """Return the start of a text file, `limit` bytes; "" when there is none."""

        def size(self, path: str) -> int:
            """Return the bytes of a file; -1 when there is none."""

        def cache(self) -> bytes:
            """Return ld.so.cache; nothing when there is none."""


class Disk:
    """The files of this machine; `root` stands before every path of the tree."""

    def __init__(self, root: str = "") -> None:
        self.root = root

    def libraries(self, roots: list[str], packages: list[str] | None, skipped: list[str]) -> list[str]:
        """Return the binaries under some folders of this machine, each folder in order."""
        places = [self.root + root for root in roots]
        return [path[len(self.root) :] for path in files(within(places, packages, skipped), skipped)]

    def headers(self, path: str) -> Elf | None:
        """Open a library; None when it is not there or is not an ELF file."""
        try:
            source = FileSource(self.root + path)
        except (OSError, SourceError, ValueError):
            return None
        try:
            if source.pread(0, 4) == MAGIC:
                return Elf(source)
        except BaseException:
            source.close()
            raise
        source.close()
        return None  # a linker script, or a text that is called .so

    def symbols(self, path: str, headers: Headers | None, dynamic: Dynamic) -> Symbols:
        """Read the dynamic symbols, from the file that is open or from the file anew."""
        elf = headers if isinstance(headers, Elf) else Elf(FileSource(self.root + path))
        return Symbols(elf, dynamic)

    def text(self, path: str, limit: int) -> str:
        """Return the start of a text file."""
        try:
            with open(self.root + path, encoding="utf-8", errors="replace") as file:
                return file.read(limit)
        except OSError:
            return ""

    def size(self, path: str) -> int:
        """Return the bytes of a file, links followed."""
        try:
            return os.stat(self.root + path).st_size
        except OSError:
            return -1

    def cache(self) -> bytes:
        """Return the start of ld.so.cache."""
        try:
            with open(self.root + "/etc/ld.so.cache", "rb") as file:
                return file.read(MAX_CACHE)
        except OSError:
            return b""
