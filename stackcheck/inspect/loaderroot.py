"""What the loader's rules ask for of an image that was never unpacked: a small copy of its file system.

A library is copied as a file of its full size that holds its headers, its dynamic symbols and the tables that
go with them, and nothing else: libtorch_cuda.so costs some megabytes. Everything is bounded, and nothing of
the archive decides where a file is written: every path was resolved in the tree, and links lead inside it.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from stackcheck.inspect import loadability
from stackcheck.inspect.layertree import File, Folder
from stackcheck.targets.process.temp_dirs import scratch_folder
from stackcheck_probes.binaries.bytesource import ByteSource, SourceError
from stackcheck_probes.binaries.elf import SHT_NOBITS, Elf, ElfError
from stackcheck_probes.loader.symbols import MAX_STRINGS, Symbols

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from stackcheck.inspect.filesystem import FileSystem

MAX_BYTES = 1 << 30
PREFIX = "stackcheck-inspect-"
MAX_FILES = 20_000
MAX_NAMES = 50_000
"""Hard links and symbolic links count as well: Debian has some three for each library."""
_MOST_TEXT = 4 << 20
_MOST_SIZE = 1 << 40
_PIECE = 1 << 20
_MOST_DATA = 128 << 20
_UNNAMED = 64 << 20
"""What is copied of a library without section headers: its symbols come first, as linkers lay it out."""
_TEXTS = ("METADATA", "PKG-INFO", "WHEEL", "INSTALLER", "RECORD", "direct_url.json", "top_level.txt")
_OTHER_TEXTS = ("torch/__init__.py", "etc/ld.so.cache")
_SYMBOLS = (3, 5, 6, 11, 0x6FFFFFF6, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF)
"""Section types: STRTAB, HASH, DYNAMIC, DYNSYM, GNU_HASH, and the three of symbol versions."""
_ALLOCATED = 2
_OF_PYTHON = (b"PyCapsule_", b"PyImport_Import")
"""What a module calls to get at NumPy: which NumPy it was built with stands in its read-only data."""
_PACKAGES = re.compile(r"(?P<prefix>.*)/lib(?:64)?/python3[^/]*/(?P<kind>site|dist)-packages")


class LoaderRoot:
    """A temporary folder; use it as a context, `keep_...` while layers are read, then `look` once."""

    def __init__(self) -> None:
        self._folder = scratch_folder(PREFIX)
        self._store = self._folder / "store"
        self._root = self._folder / "root"
        self._store.mkdir()
        self._root.mkdir()
        self._files = self._bytes = self._names = 0
        self.full = ""
        """Why not all was kept, if it was not."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def keep_text(self, path: str, content: ByteSource) -> str:
        """Keep a file of metadata or settings; return where, "" for a file that nobody asks for."""
        above, name = posixpath.split(path)
        wanted = name in _TEXTS and above.endswith((".dist-info", ".egg-info"))
        if not (wanted or path.endswith(_OTHER_TEXTS)) or content.size > _MOST_TEXT:
            return ""
        return self._keep([(0, content.pread(0, content.size))], content.size)

    def keep_library(self, binary: ByteSource) -> str:
        """Keep what the loader's rules read of a library; return where, "" for what is none or is damaged."""
        try:
            return self._keep(_loaded_parts(binary), binary.size)
        except (ElfError, SourceError):
            return ""

    def _keep(self, pieces: Iterator[tuple[int, bytes]] | list[tuple[int, bytes]], size: int) -> str:
        if self.full:
            return ""
        self._files += 1
        path = self._store / str(self._files)
        try:
            with path.open("wb") as file:
                for offset, piece in pieces:
                    self._bytes += len(piece)
                    if self._files > MAX_FILES or self._bytes > MAX_BYTES:
                        self.full = f"more than {MAX_FILES} libraries or {MAX_BYTES >> 20} MB of symbols"
                        return ""
                    if piece:  # what a damaged file claims to have lies anywhere
                        file.seek(offset)
                        file.write(piece)
                file.truncate(max(file.tell(), min(size, _MOST_SIZE)))
        except OSError as error:
            self.full = f"temporary folder: {error.strerror}"
            return ""
        return str(path)

    def look(self, system: FileSystem, environ: Mapping[str, str]) -> Looked | None:
        """Return what the probes see in the package folders; None when there are no libraries.

        One environment is looked at, that of torch or else the one of most libraries.
        """
        self._lay_out(system)
        found = _environments(system)
        ranked = sorted(found.values(), key=lambda each: (each.has_torch, each.libraries), reverse=True)
        if not ranked or not ranked[0].libraries:
            return None
        roots = ranked[0].roots
        params = {
            "roots": roots,
            "root": str(self._root),
            "library_path": environ.get("LD_LIBRARY_PATH", ""),
            "sys_path": [f"{self._root}{root}" for root in roots],
        }
        probes = [import_module(f"stackcheck_probes.probes.{name}") for name in loadability.PROBES]
        seen = {probe.NAME: probe.run(params) for probe in probes}
        real = os.path.realpath(self._root)
        for row in seen["distributions"]["distributions"]:
            row["location"] = row["location"].removeprefix(real)
        return Looked(seen, tuple(roots), tuple(root for each in ranked[1:] for root in each.roots))

    def _lay_out(self, system: FileSystem) -> None:
        """Give what was kept its names."""
        places: dict[int, str] = {}
        for path, file in system.files():
            if file.copy and self._put(path, hard_link=file.copy):
                places.setdefault(id(file), path)
        for path, folder in system.folders():
            if (self._root / path.lstrip("/")).is_dir():
                places[id(folder)] = path
        for path, target in system.links():
            end = places.get(id(target)) if isinstance(target, (File, Folder)) else None
            if end is not None and (isinstance(target, Folder) or ".so" in posixpath.basename(path)):
                self._put(path, link=posixpath.relpath(end or "/", posixpath.dirname(path)))

    def _put(self, path: str, *, hard_link: str = "", link: str = "") -> bool:
        self._names += 1
        if self._names > MAX_NAMES:
            self.full = f"more than {MAX_NAMES} names of libraries"
            return False
        place = self._root / path.lstrip("/")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if hard_link:
                place.hardlink_to(hard_link)
            else:
                place.symlink_to(link)
        except (OSError, ValueError):  # a name that cannot be one here
            return False
        return True


@dataclass(frozen=True, slots=True)
class Looked:
    """What the probes saw in the package folders `roots`; `others` are those that were not looked at."""

    seen: Mapping[str, Any]
    roots: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(slots=True)
class _Environment:
    roots: list[str]
    libraries: int = 0
    has_torch: bool = False


def _environments(system: FileSystem) -> dict[str, _Environment]:
    """Return the package folders by the Python that they belong to, as far as their paths tell."""
    found: dict[str, _Environment] = {}
    owner: dict[str, _Environment] = {}
    for path, folder in system.folders():
        above = posixpath.dirname(path)
        environment = owner.get(above)
        if environment is None and any(name.endswith(".dist-info") for name in folder.entries):
            match = _PACKAGES.fullmatch(path)
            # Debian's Python takes the dist-packages of /usr and those of /usr/local.
            key = path if match is None else "dist" if match["kind"] == "dist" else match["prefix"]
            environment = found.setdefault(key, _Environment([]))
            environment.roots.append(path)
            environment.has_torch |= "torch" in folder.entries
        if environment is not None:
            owner[path] = environment
            environment.libraries += sum(
                isinstance(node, File) and bool(node.copy) and ".so" in name
                for name, node in folder.entries.items()
            )
    return found


def _loaded_parts(binary: ByteSource) -> Iterator[tuple[int, bytes]]:
    """Yield what the loader's rules read of a library: headers, dynamic section, symbols, versions."""
    source = _Recorded(binary)
    elf = Elf(source)
    if elf.dynamic() is None:
        raise ElfError("the loader has nothing to do with it")
    source.recording = False
    yield from source.seen
    places = [
        (section.offset, section.size)
        for section in elf.sections
        if section.type in _SYMBOLS and section.flags & _ALLOCATED and section.size <= MAX_STRINGS
    ]
    if Symbols(elf).undefined(_OF_PYTHON):
        data = elf.section(".rodata")
        places += [(data.offset, min(data.size, _MOST_DATA))] if data and data.type != SHT_NOBITS else []
    for start, size in places if elf.has_sections else [(0, _UNNAMED)]:
        for at in range(start, min(start + size, binary.size), _PIECE):
            yield at, binary.pread(at, min(_PIECE, start + size - at))


class _Recorded(ByteSource):
    """A source that remembers what was read of it while it is `recording`."""

    __slots__ = ("_source", "recording", "seen", "size")

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.size = source.size
        self.seen: list[tuple[int, bytes]] = []
        self.recording = True

    def pread(self, offset: int, size: int) -> bytes:
        """Return what the source returns."""
        piece = self._source.pread(offset, size)
        if self.recording:
            self.seen.append((offset, piece))
        return piece
