"""Which file serves which: the libraries of a tree, and what Python and `import torch` have loaded before.

A Python package loads its own libraries in an order that only its code knows. So what lies in the same
package or in one that it requires, and what `import torch` brings, counts as served to a library that the
loader alone would not serve.
Of the CUDA wheels that is what torch's libraries need, and what torch/__init__.py loads by name.
"""

from __future__ import annotations

import os
import sys

from stackcheck_probes.binaries.bytesource import SourceError
from stackcheck_probes.binaries.elf import ElfError
from stackcheck_probes.loader.ldpath import LOADED, Opened, Search
from stackcheck_probes.loader.preloads import MAX_SOURCE, preloaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.loader.disk import SymbolTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.loader.requirements import Requirements

PACKAGE = "package"
"""How a library is served when its package (or torch, for the CUDA wheels) has to load the other first."""
LAZY = ("libtorch_cuda_linalg",)
"""Libraries of torch that it loads when they are first used, and not at import."""
MAX_OPEN = 300
MAX_PARENTS = 8


class Tree:
    """The libraries under some folders: `opened`, by soname, and what is `loaded` before them.

    packages: names of folders in the roots, to open the libraries of these alone. requirements: which of the
    distributions there requires which, where that is known.
    """

    def __init__(
        self,
        roots: list[str],
        search: Search,
        packages: list[str] | None = None,
        requirements: Requirements | None = None,
    ) -> None:
        self.roots = [root.rstrip("/") for root in roots]
        self.search = search
        self.requirements = requirements
        self.skipped: list[str] = []
        self.opened: list[Opened] = []
        self.by_soname: dict[str, list[Opened]] = {}
        self._packages: dict[str, str] = {}
        self._symbols: dict[str, tuple[Opened, SymbolTable | None]] = {}
        for path in search.files.libraries(roots, packages, self.skipped):
            if ".so" in os.path.basename(path):
                self._add(path)
        self.interpreter = self.closure(self._executable(), {})
        self.torch = self._torch()

    def _add(self, path: str) -> None:
        found = self.search.open(path)
        if found is not None:
            self.opened.append(found)
            for name in {found.soname, os.path.basename(path)}:
                self.by_soname.setdefault(name, []).append(found)

    def serve(self, name: str, library: Opened) -> tuple[Opened | None, str]:
        """Return the file that serves `name` for a library and how; (None, "") when nothing does."""
        package = self.package(library.path)
        part_of_torch = package in ("torch", "nvidia")
        loaded = self.interpreter if part_of_torch else self.torch
        if name in loaded:
            return loaded[name], LOADED
        hit = self.search.find(name, library, ())
        if hit:
            return hit
        for other in self.by_soname.get(name, ()):
            theirs = self.package(other.path)
            if _grafted(other.path) and os.path.basename(other.path) != name:
                continue
            if (other.elf.machine, other.elf.bits) != (library.elf.machine, library.elf.bits):
                continue
            if theirs and (theirs == package or (part_of_torch and theirs == "nvidia")):
                return other, PACKAGE
            known = theirs and not _grafted(other.path) and self.requirements
            if known and known.leads(library.path, other.path):
                return other, PACKAGE
        return None, ""

    def closure(self, start: Opened | None, loaded: dict[str, Opened]) -> dict[str, Opened]:
        """Return everything that loading `start` brings beyond what is loaded, by soname."""
        found: dict[str, Opened] = {}
        queue: list[tuple[Opened, tuple[Opened, ...]]] = [(start, ())] if start else []
        while queue:
            library, parents = queue.pop()
            if library.soname in found:
                continue
            found[library.soname] = library
            for name in library.dynamic.needed:
                hit = None if name in loaded or name in found else self.search.find(name, library, parents)
                if hit:
                    queue.append((hit[0], (library, *parents)[:MAX_PARENTS]))
        return found

    def package(self, path: str) -> str:
        """Return the top folder of a file under a root; a wheel's `x.libs` belongs to its package x."""
        known = self._packages.get(path)
        if known is None:
            known = self._packages[path] = self._package(path)
        return known

    def _package(self, path: str) -> str:
        for root in self.roots:
            if path.startswith(root + "/"):
                return path[len(root) + 1 :].split("/", maxsplit=1)[0].partition(".")[0]
        return ""

    def of_torch(self, path: str) -> bool:
        """Tell whether a file is one of the libraries that `import torch` brings from its own wheel."""
        return self.package(path) == "torch" and "/torch/lib/" in path

    def symbols(self, library: Opened) -> SymbolTable | None:
        """Return the symbols of a library, None when they cannot be read.

        Those asked for last stay open: more of them than any one library has to search.
        """
        known = self._symbols.pop(library.path, None)
        if known is None:
            while len(self._symbols) >= MAX_OPEN:
                _shut(*self._symbols.pop(next(iter(self._symbols))))
            known = (library, self._read_symbols(library))
        self._symbols[library.path] = known
        return known[1]

    def close(self) -> None:
        """Close every file that symbols were read from, and those that are open for their headers."""
        for library, symbols in self._symbols.values():
            _shut(library, symbols)
        self._symbols.clear()
        self.search.close()

    def _read_symbols(self, library: Opened) -> SymbolTable | None:
        try:
            headers = library.elf if library.open else None
            return self.search.files.symbols(library.path, headers, library.dynamic)
        except (ElfError, SourceError, OSError):
            return None

    def _executable(self) -> Opened | None:
        return None if self.search.root else self.search.open(os.path.realpath(sys.executable))

    def _torch(self) -> dict[str, Opened]:
        """Return what is loaded after `import torch`, by soname."""
        loaded = dict(self.interpreter)
        own = [each for each in self.opened if self.of_torch(each.path) and each.path.endswith(".so")]
        for library in own:
            name = os.path.basename(library.path)
            if name.startswith(("libtorch", "libc10")) and not name.startswith(LAZY):
                loaded.update(self.closure(library, loaded))
        if own:
            self._add_missed(loaded)
            starts = self._preloaded(own[0])
            for library in self._of_nvidia() if starts else ():
                if os.path.basename(library.path).startswith(starts):
                    loaded.update(self.closure(library, loaded))
        return loaded

    def _add_missed(self, loaded: dict[str, Opened]) -> None:
        """Add what torch's libraries need and their search path misses: torch takes it from the wheels."""
        queue = list(loaded.values())
        while queue:
            for name in queue.pop().dynamic.needed:
                found = self.by_soname.get(name, ()) if name not in loaded else ()
                library = next((each for each in found if self.package(each.path) == "nvidia"), None)
                if library is not None:
                    loaded[name] = library
                    queue.append(library)

    def _of_nvidia(self) -> list[Opened]:
        return [each for each in self.opened if self.package(each.path) == "nvidia"]

    def _preloaded(self, library: Opened) -> tuple[str, ...]:
        path = os.path.dirname(os.path.dirname(library.path)) + "/__init__.py"
        return preloaded(self.search.files.text(path, MAX_SOURCE))


def _grafted(path: str) -> bool:
    """Tell whether a file is a copy that a wheel carries for itself, loaded under its own file name."""
    return os.path.dirname(path).endswith(".libs")


def _shut(library: Opened, symbols: SymbolTable | None) -> None:
    if symbols is not None:
        symbols.close()
        library.open = False
