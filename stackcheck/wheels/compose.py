"""Facts of wheels as one folder: that which they would be unpacked into. `answers` asks it what probes ask.

What lies on the disk when two wheels bring different code under one path depends on who came last; of such a
set, and of damaged libraries, nothing is composed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from stackcheck.wheels.keep import kept
from stackcheck_probes.binaries.binaryfiles import is_binary_name
from stackcheck_probes.probes import recorded_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.model.lock import Lock
    from stackcheck.model.resolution import Resolution
    from stackcheck.wheels.facts import LibraryFacts, WheelFacts


@dataclass(frozen=True, slots=True)
class Place:
    """Where wheels are unpacked: the folder of packages, and the prefix of the environment around it."""

    packages: str
    prefix: str

    def of(self, path: str, wheel: WheelFacts) -> str:
        """Return where a file of a wheel lies, as uv places it (0.13.9, seen 2026-11-30)."""
        start = wheel.metadata.removesuffix(".dist-info") + ".data/"
        if not path.startswith(start):
            return f"{self.packages}/{path}"
        kind, _, rest = path[len(start) :].partition("/")
        python = PurePosixPath(self.packages).parent.name
        folders = {
            "data": self.prefix,
            "scripts": f"{self.prefix}/bin",
            "headers": f"{self.prefix}/include/site/{python}/{wheel.name}",
        }
        return f"{folders.get(kind, self.packages)}/{rest}"

    def recorded(self, path: str, wheel: WheelFacts) -> str:
        """Return the path by which the RECORD has a file after unpacking; "" for one beside the packages."""
        placed = self.of(path, wheel)
        inside = placed.startswith(f"{self.packages}/")
        return placed[len(self.packages) + 1 :] if inside else ""


@dataclass(frozen=True, slots=True)
class Composed:
    """The wheels of a lock as if they were unpacked; `binaries` by absolute path.

    texts: the small files that probes read, by path among the packages, as in all that follows. claims: who
    recorded each file; contested: what several did; unlike: the sizes of files that are not as they were
    recorded, -1 for those that are not there.
    """

    place: Place
    wheels: tuple[WheelFacts, ...]
    binaries: Mapping[str, LibraryFacts]
    texts: Mapping[str, str]
    claims: dict[str, recorded_files.Claim]
    contested: dict[str, list[recorded_files.Claim]]
    unlike: Mapping[str, int]

    @property
    def size_bytes(self) -> int:
        """Return the bytes of all files that the wheels recorded."""
        return sum(max(row.size, 0) for wheel in self.wheels for row in wheel.record)


def facts_of(lock: Lock | Resolution, place: Place, environ: Mapping[str, str]) -> Composed | None:
    """Return the composed facts of the wheels of a lock when all of them are kept, else None.

    place: where they would be unpacked, absolute; nothing needs to be there. Source archives are left out,
    as they are when wheels are unpacked. No wheel is opened.
    """
    wheels = []
    for package in lock.packages:
        if package.is_wheel:
            facts = kept(package.sha256, environ, package.filename)
            if facts is None:
                return None
            wheels.append(facts)
    return composed(wheels, place)


def composed(wheels: Sequence[WheelFacts], place: Place) -> Composed | None:
    """Return wheels as one folder; None when that folder depends on more than the wheels: see the module."""
    ordered = tuple(sorted(wheels, key=lambda each: each.metadata))
    claims, contested = recorded_files.claimed(_claims(each, place) for each in ordered)
    if any(_is_code(path) for path, _ in recorded_files.differing(contested)):
        return None
    binaries: dict[str, LibraryFacts] = {}
    texts: dict[str, str] = {}
    for wheel in ordered:
        for each in wheel.libraries:
            path = place.of(each.path, wheel)
            if (each.error and ".so" in path.rpartition("/")[2]) or binaries.get(path, each) != each:
                return None
            binaries[path] = each
        texts.update(wheel.texts)
    unlike = {place.recorded(row.path, wheel): row.size for wheel in ordered for row in wheel.unlike}
    return Composed(place, ordered, binaries, texts, claims, contested, unlike)


def _is_code(path: str) -> bool:
    return recorded_files.is_code(path) or is_binary_name(path)


def _claims(wheel: WheelFacts, place: Place) -> tuple[str, Iterable[tuple[str, str, str]]]:
    """Return the name of a wheel, and the (path, hash, size) of its files among the packages."""
    moved = any(".data/" in row.path for row in wheel.record)
    rows = [
        (place.recorded(path, wheel) if moved else path, digest, "" if size < 0 else str(size))
        for path, size, digest in wheel.record
    ]
    return wheel.name, [row for row in rows if row[0]] if moved else rows
