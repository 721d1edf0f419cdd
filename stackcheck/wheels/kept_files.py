"""The file system that the wheels of a lock would make, as the loader's rules ask for it, from facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.wheels.facts import MACHINES, export_hash, exported
from stackcheck_probes.binaries.binaryfiles import is_binary_name, walked
from stackcheck_probes.binaries.bytesource import BytesSource
from stackcheck_probes.binaries.elf import Dynamic, ElfError
from stackcheck_probes.loader.symbols import VersionNeed

if TYPE_CHECKING:
    from stackcheck.wheels.compose import Composed
    from stackcheck.wheels.facts import LibraryFacts
    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.loader.disk import Headers

_NUMBERS = {name: number for number, name in MACHINES.items()}


class KeptFiles:
    """The libraries and texts of composed wheels: see `disk.LibraryFiles`.

    The libraries are whole: what is damaged is not composed.
    """

    def __init__(self, seen: Composed) -> None:
        self._libraries, self._texts = seen.binaries, seen.texts
        self._start = f"{seen.place.packages}/"

    def libraries(self, roots: list[str], packages: list[str] | None, skipped: list[str]) -> list[str]:
        """Return the binaries among the packages in the order in which a walk finds them."""
        del roots
        start = len(self._start)
        paths = walked([path[start:] for path in self._libraries if path.startswith(self._start)])
        if packages is not None:
            skipped.append(f"only the packages {', '.join(packages)} were asked for")
        return [self._start + path for path in _of_packages(paths, packages)]

    def programs(self, packages: list[str] | None) -> list[str]:
        """Return the binaries among the packages that are not called like one."""
        start = len(self._start)
        paths = [path[start:] for path in sorted(self._libraries) if path.startswith(self._start)]
        others = [path for path in paths if not is_binary_name(path)]
        return [self._start + path for path in _of_packages(others, packages)]

    def headers(self, path: str) -> KeptHeaders | None:
        """Return the headers of a library; None for what the loader does not take for one."""
        facts = self._libraries.get(path)
        if facts is None or not facts.machine:
            return None
        return KeptHeaders(facts)

    def symbols(self, path: str, headers: Headers | None, dynamic: Dynamic) -> KeptSymbols:
        """Return the symbols of a library."""
        del headers, dynamic
        facts = self._libraries.get(path)
        if facts is None:
            raise ElfError("not there")
        return KeptSymbols(facts)

    def text(self, path: str, limit: int) -> str:
        """Return the start of a text that was kept."""
        return self._texts.get(path.removeprefix(self._start), "")[:limit]

    def size(self, path: str) -> int:
        """Return the bytes of a library; -1 for what is not one."""
        facts = self._libraries.get(path)
        return facts.size if facts else -1

    def cache(self) -> bytes:
        """Return nothing: wheels bring no ld.so.cache."""
        return b""


def _of_packages(paths: list[str], packages: list[str] | None) -> list[str]:
    """Return the paths that lie in the folders of some packages; all of them for None."""
    if packages is None:
        return paths
    wanted = tuple(f"{name}{end}/" for name in packages for end in ("", ".libs"))
    return [path for path in paths if path.startswith(wanted)]


class KeptHeaders:
    """The headers of a library of which facts are kept."""

    def __init__(self, facts: LibraryFacts) -> None:
        self.machine = _NUMBERS.get(facts.machine) or int(facts.machine.rpartition(" ")[2])
        self.bits = facts.bits
        self.cut = False
        self.source: ByteSource = BytesSource(b"")
        self._facts = facts

    def dynamic(self) -> Dynamic | None:
        """Return the dynamic section, without its tags."""
        facts = self._facts
        if not facts.dynamic:
            return None
        return Dynamic({}, facts.needed, facts.soname, facts.rpath, facts.runpath)


class KeptSymbols:
    """The dynamic symbols of a library of which facts are kept."""

    def __init__(self, facts: LibraryFacts) -> None:
        self._facts = facts
        self._answers: dict[bytes, bool] = {}

    def undefined(self, marks: tuple[bytes, ...] = ()) -> list[bytes]:
        """Return the undefined names that decide whether it fits: no others are kept."""
        del marks
        return [name.encode("utf-8", "surrogateescape") for name in self._facts.undefined]

    def exports(self, name: bytes, hashed: int) -> bool:
        """Tell whether the library defines a name."""
        del hashed
        known = self._answers.get(name)
        if known is None:
            known = self._answers[name] = exported(self._facts.exports, export_hash(name))
        return known

    def versions_needed(self) -> list[VersionNeed]:
        """Return every symbol version that the library wants of others."""
        return [VersionNeed(*row) for row in self._facts.versions_needed]

    def versions_defined(self) -> frozenset[str]:
        """Return every symbol version that the library gives."""
        return frozenset(self._facts.versions_defined)

    def close(self) -> None:
        """Hold nothing."""
