"""Read the facts of wheels from the folder that they were unpacked into, and keep them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.wheels.binary import library_facts
from stackcheck.wheels.facts import LibraryFacts, WheelFacts
from stackcheck.wheels.keep import keep, kept
from stackcheck.wheels.read import MAX_TEXT, TEXTS, is_program, recorded
from stackcheck_probes.binaries.binaryfiles import files, is_binary_name, walked
from stackcheck_probes.binaries.bytesource import FileSource, SourceError
from stackcheck_probes.binaries.magic import ELF
from stackcheck_probes.probes import distributions, recorded_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.model.lock import Lock
    from stackcheck.model.resolution import LockedPackage, Resolution
    from stackcheck.wheels.compose import Place
    from stackcheck.wheels.facts import Recorded

_OF_INSTALLERS = frozenset(("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"))


def keep_unpacked(lock: Lock | Resolution, place: Place, environ: Mapping[str, str]) -> int:
    """Keep the facts of the wheels of a lock that lie unpacked in a place; return how many were new.

    A wheel is left out when another one wrote over its files; all are when a binary is in nobody's RECORD.
    """
    infos = distributions.metadata(place.packages)
    found = {name: info for info in infos if (name := _name(info))}
    records = {name: tuple(_record(info)) for name, info in found.items()}
    if _of_nobody(place.packages, records):
        return 0
    mixed = _mixed(records)
    number = 0
    for package in lock.packages:
        info = found.get(package.name) if package.is_wheel and package.name not in mixed else None
        if info and kept(package.sha256, environ) is None:
            number += keep(_facts(place, info, records[package.name], package), environ)
    return number


def _facts(place: Place, info: str, record: tuple[Recorded, ...], package: LockedPackage) -> WheelFacts:
    row = distributions.described(_text(info, "METADATA", distributions.MAX_METADATA), info)
    folder, paths = place.packages, {each.path for each in record}
    beside = dict(_beside(place, info))
    inside = {path: f"{folder}/{path}" for path in (*walked(paths), *_programs(folder, paths))}
    return WheelFacts(
        filename=package.filename,
        sha256=package.sha256,
        size=package.size or 0,
        name=row["name"],
        version=row["version"],
        metadata=row["metadata"],
        complete=row["complete"],
        tags=tuple(distributions.tags_in(_text(info, "WHEEL", 1 << 16))),
        requires=tuple(row["requires"]),
        requires_python=row.get("requires_python"),
        extras=tuple(row["extras"]),
        record=record,
        unlike=tuple(_unlike(folder, record)),
        libraries=tuple(_libraries(inside | beside)),
        texts={path: _text(folder, path, MAX_TEXT) for path in TEXTS if path in paths},
    )


def _programs(folder: str, paths: set[str]) -> Iterator[str]:
    """Yield the ELF files that only their mode or size speaks for, as a walk finds them."""
    for path in sorted(paths):
        if is_binary_name(path) or path.startswith("../"):
            continue
        try:
            status = os.lstat(f"{folder}/{path}")
            if is_program(path, status.st_mode, status.st_size):
                with Path(folder, path).open("rb") as file:
                    start = file.read(len(ELF))
            else:
                continue
        except OSError:
            continue
        if start == ELF:
            yield path


def _text(folder: str, name: str, limit: int) -> str:
    return distributions.read(f"{folder}/{name}", limit) or ""


def _beside(place: Place, info: str) -> Iterator[tuple[str, str]]:
    """Yield path in the wheel and on the disk of the binaries that lie beside the packages: lib/libmkl.so."""
    start = Path(info).name.removesuffix(".dist-info") + ".data/data"
    for line in _text(info, "RECORD", recorded_files.MAX_RECORD).splitlines():
        path = line.partition(",")[0]
        if path.startswith("../") and is_binary_name(path):
            there = os.path.normpath(f"{place.packages}/{path}")
            if there.startswith(f"{place.prefix}/"):
                yield start + there[len(place.prefix) :], there


def _name(info: str) -> str:
    row = distributions.read_metadata(info)
    return row["name"] if row else ""


def _record(info: str) -> Iterator[Recorded]:
    """Yield what the RECORD of a distribution claims, without what the installer added of its own."""
    text = _text(info, "RECORD", recorded_files.MAX_RECORD)
    start = Path(info).name + "/"
    for row in recorded_files.rows_of(text):
        if not (row[0].startswith(start) and row[0][len(start) :] in _OF_INSTALLERS):
            yield recorded(row)


def _of_nobody(folder: str, records: Mapping[str, tuple[Recorded, ...]]) -> bool:
    """Tell whether a binary lies here that is in nobody's RECORD, or the folder could not be walked."""
    skipped: list[str] = []
    there = {path[len(folder.rstrip("/")) + 1 :] for path in files([folder], skipped)}
    return bool(skipped) or not there <= {row.path for record in records.values() for row in record}


def _mixed(records: Mapping[str, tuple[Recorded, ...]]) -> set[str]:
    """Return the distributions that recorded a file with different content."""
    rows = (
        (name, [(row.path, row.digest, str(row.size)) for row in record]) for name, record in records.items()
    )
    _, contested = recorded_files.claimed(rows)
    return {each.owner for _, owners in recorded_files.differing(contested) for each in owners}


def _unlike(folder: str, record: tuple[Recorded, ...]) -> Iterator[Recorded]:
    for row in record:
        try:
            size = Path(folder, row.path).stat().st_size
        except OSError:
            size = -1
        if size < 0 or row.size not in (-1, size):
            yield row._replace(size=size)


def _libraries(places: Mapping[str, str]) -> Iterator[LibraryFacts]:
    """Yield the facts of binaries, given by path in the wheel and on the disk."""
    for path, there in places.items():
        try:
            source = FileSource(there)
        except (OSError, SourceError):
            continue
        try:
            source.random_access()
            found = library_facts(source, path)
        finally:
            source.close()
        if found is not None:
            yield found
