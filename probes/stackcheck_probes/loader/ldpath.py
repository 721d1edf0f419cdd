"""Where the loader looks for a library: the search order of ld.so(8), without running it.

For a file that needs `libx.so.1`: what is loaded already under that soname; DT_RPATH of the file and of those
that brought it in (only where the file has no DT_RUNPATH); LD_LIBRARY_PATH; DT_RUNPATH of the file;
ld.so.cache; the default folders. A file of another machine or class is passed over. Sources: ld.so(8) at
man7.org; glibc's elf/dl-load.c; checked 2026-11-20.
"""

from __future__ import annotations

import os

from stackcheck_probes.binaries.bytesource import SourceError
from stackcheck_probes.binaries.elf import EM_AARCH64, EM_X86_64, Dynamic, ElfError
from stackcheck_probes.loader import ldcache
from stackcheck_probes.loader.disk import Disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.loader.disk import Headers, LibraryFiles

LOADED, RPATH, LD_LIBRARY_PATH, RUNPATH, CACHE, DEFAULT = (
    "loaded",
    "rpath",
    "LD_LIBRARY_PATH",
    "runpath",
    "ld.so.cache",
    "default",
)
"""How a library was found, in the order in which the loader tries."""

DEFAULT_FOLDERS = {
    EM_X86_64: [
        "/lib/x86_64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu",
        "/lib64",
        "/usr/lib64",
        "/lib",
        "/usr/lib",
    ],
    EM_AARCH64: [
        "/lib/aarch64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/lib64",
        "/usr/lib64",
        "/lib",
        "/usr/lib",
    ],
}
PLATFORMS = {EM_X86_64: "x86_64", EM_AARCH64: "aarch64"}
MAX_FOLDERS = 256
MAX_OPEN = 300


class Opened:
    """One library file: its path as it was found, its headers and its dynamic section.

    `open` tells whether the file behind `elf` is still open. `soname` is the name that others ask for;
    `rpath` and `runpath` are folders, `$ORIGIN` filled in. DT_RPATH does not count beside a DT_RUNPATH.
    """

    __slots__ = ("dynamic", "elf", "open", "path", "rpath", "runpath", "soname", "view")

    def __init__(self, path: str, elf: Headers, dynamic: Dynamic) -> None:
        self.path = path
        self.elf = elf
        self.dynamic = dynamic
        self.open = True
        self.soname = dynamic.soname or os.path.basename(path)
        self.runpath = self._folders(dynamic.runpath)
        self.rpath = self._folders(dynamic.rpath) if dynamic.runpath is None else []
        # Libraries with the same view find the same file under a name.
        self.view = (elf.machine, elf.bits, dynamic.runpath is None, tuple(self.rpath), tuple(self.runpath))

    def expand(self, text: str) -> str:
        """Fill in `$ORIGIN`, `$LIB` and `$PLATFORM` as the loader does for this file."""
        if "$" not in text:
            return text
        # $ORIGIN is the folder under which the file was found: glibc does not follow links here.
        origin = os.path.dirname(self.path)
        values = {"ORIGIN": origin, "LIB": "lib", "PLATFORM": PLATFORMS.get(self.elf.machine, "")}
        for name, value in values.items():
            text = text.replace("${" + name + "}", value).replace("$" + name, value)
        return os.path.normpath(text)

    def _folders(self, text: str | None) -> list[str]:
        return [self.expand(part).rstrip("/") for part in (text or "").split(":")[:MAX_FOLDERS] if part]


class Search:
    """The loader of one file system: `root` stands before every path, `library_path` is LD_LIBRARY_PATH.

    `within` is the only folder that files are taken from, where the rest is of another machine or Python.
    `files` answers for the file system, `Disk` by default. `faults` gathers the ELF files that could not be
    read, by path.
    """

    def __init__(
        self,
        root: str = "",
        library_path: str = "",
        within: str | None = None,
        files: LibraryFiles | None = None,
    ) -> None:
        self.root = root.rstrip("/")
        self.within = None if within is None else os.path.normpath(within) + "/"
        self.files = files or Disk(self.root)
        # An empty entry means the current folder, which belongs to whoever starts the program.
        self.library_path = [part.rstrip("/") for part in library_path.replace(";", ":").split(":") if part][
            :MAX_FOLDERS
        ]
        self.faults: dict[str, str] = {}
        self._open: list[Opened] = []
        self._cache: dict[str, list[str]] | None = None
        self._opened: dict[str, Opened | None] = {}
        self._found: dict[tuple[object, ...], tuple[Opened, str] | None] = {}

    def open(self, path: str) -> Opened | None:
        """Open a library; None when it is not there or is no ELF file with a dynamic section."""
        if path not in self._opened:
            outside = self.within is not None and not os.path.normpath(path).startswith(self.within)
            self._opened[path] = None if outside else self._read(path)
        return self._opened[path]

    def find(self, name: str, wanted_by: Opened, parents: tuple[Opened, ...]) -> tuple[Opened, str] | None:
        """Return the file that serves `name` for a library, and how it was found; None when nothing does.

        `parents` are those that brought `wanted_by` in, nearest first: their DT_RPATH counts too.
        """
        if "/" in name:
            found = self.open(wanted_by.expand(name))
            return (found, DEFAULT) if found else None
        key = (name, wanted_by.view, tuple(each.path for each in parents) if wanted_by.view[2] else ())
        if key not in self._found:
            self._found[key] = self._look_for(name, wanted_by, parents)
        return self._found[key]

    def _look_for(
        self, name: str, wanted_by: Opened, parents: tuple[Opened, ...]
    ) -> tuple[Opened, str] | None:
        for how, folders in self._places(wanted_by, parents):
            paths = self.cache.get(name, []) if how == CACHE else [f"{folder}/{name}" for folder in folders]
            for path in paths:
                found = self.open(path)
                if found and (found.elf.machine, found.elf.bits) == (
                    wanted_by.elf.machine,
                    wanted_by.elf.bits,
                ):
                    return found, how
        return None

    @property
    def cache(self) -> dict[str, list[str]]:
        """What ld.so.cache says; empty when there is none."""
        if self.within is not None:
            return {}
        if self._cache is None:
            self._cache = ldcache.parse(self.files.cache())
        return self._cache

    def _places(self, wanted_by: Opened, parents: tuple[Opened, ...]) -> tuple[tuple[str, list[str]], ...]:
        rpath = wanted_by.rpath
        if wanted_by.dynamic.runpath is None and parents:
            rpath = [folder for each in (wanted_by, *parents) for folder in each.rpath]
        default = DEFAULT_FOLDERS.get(wanted_by.elf.machine, ["/lib", "/usr/lib"])
        return (
            (RPATH, rpath),
            (LD_LIBRARY_PATH, self.library_path),
            (RUNPATH, wanted_by.runpath),
            (CACHE, []),
            (DEFAULT, default),
        )

    def _read(self, path: str) -> Opened | None:
        try:
            elf = self.files.headers(path)
        except (ElfError, SourceError, OSError) as error:
            self.faults[path] = str(error)
            return None
        if elf is None:
            return None
        try:
            dynamic = elf.dynamic()
            if elf.cut:
                self.faults[path] = "the file is cut off"
        except (ElfError, SourceError, OSError) as error:
            elf.source.close()
            self.faults[path] = str(error)
            return None
        found = Opened(os.path.normpath(path), elf, dynamic) if dynamic else None
        if found is None:
            elf.source.close()
        elif len(self._open) < MAX_OPEN:
            self._open.append(found)
        else:  # a tree has more libraries than a process may have files open
            elf.source.close()
            found.open = False
        return found

    def close(self) -> None:
        """Close every file that is still open."""
        for each in self._open:
            each.elf.source.close()
            each.open = False
        self._open.clear()
