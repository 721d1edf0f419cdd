"""Read the facts of wheels from the folder that they were unpacked into, and keep them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.wheels.binary import library_facts
from stackcheck.wheels.facts import LibraryFacts, WheelFacts
from stackcheck.wheels.keep import keep, kept
from stackcheck.wheels.read import MAX_TEXT, TEXTS, recorded
from stackcheck_probes.binaries.binaryfiles import files, walked
from stackcheck_probes.binaries.bytesource import FileSource, SourceError
from stackcheck_probes.probes import distributions, recorded_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.model.lock import Lock
    from stackcheck.model.resolution import LockedPackage, Resolution
    from stackcheck.wheels.facts import Recorded

_OF_INSTALLERS = frozenset(("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"))


def keep_unpacked(lock: Lock | Resolution, folder: str, environ: Mapping[str, str]) -> int:
    """Keep the facts of the wheels of a lock that lie unpacked in `folder`; return how many were new.

    A wheel is left out when another one wrote over its files; all are when a binary is in nobody's RECORD.
    """
    found = {distributions.canonical(_name(info)): info for info in distributions.metadata(folder)}
    records = {name: tuple(_record(info)) for name, info in found.items()}
    mixed = _mixed(records)
    if _of_nobody(folder, records):
        return 0
    number = 0
    for package in lock.packages:
        info = found.get(package.name) if package.is_wheel and package.name not in mixed else None
        if info and kept(package.sha256, environ) is None:
            number += keep(_facts(folder, info, records[package.name], package), environ)
    return number


def unpacked_facts(folder: str, info: str, package: LockedPackage) -> WheelFacts:
    """Return the facts of one distribution of a folder; `info` is the path of its metadata."""
    return _facts(folder, info, tuple(_record(info)), package)


def _facts(folder: str, info: str, record: tuple[Recorded, ...], package: LockedPackage) -> WheelFacts:
    row = distributions.read_metadata(info)
    assert row is not None  # noqa: S101 - a .dist-info always has an answer
    paths = {each.path for each in record}
    return WheelFacts(
        filename=package.filename,
        sha256=package.sha256,
        size=package.size or 0,
        name=row["name"],
        version=row["version"],
        metadata=row["metadata"],
        complete=row["complete"],
        tags=tuple(row["tags"]),
        requires=tuple(row["requires"]),
        requires_python=row.get("requires_python"),
        extras=tuple(row["extras"]),
        record=record,
        unlike=tuple(_unlike(folder, record)),
        libraries=tuple(_libraries(folder, walked(paths))),
        texts={
            name: distributions.read(f"{folder}/{name}", MAX_TEXT) or "" for name in TEXTS if name in paths
        },
    )


def _name(info: str) -> str:
    row = distributions.read_metadata(info)
    return row["name"] if row else ""


def _record(info: str) -> Iterator[Recorded]:
    """Yield what the RECORD of a distribution claims, without what the installer added of its own."""
    text = distributions.read(f"{info}/RECORD", recorded_files.MAX_RECORD) or ""
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


def _libraries(folder: str, paths: list[str]) -> Iterator[LibraryFacts]:
    for path in paths:
        try:
            source = FileSource(f"{folder}/{path}")
        except (OSError, SourceError):
            continue
        try:
            source.random_access()
            found = library_facts(source, path)
        finally:
            source.close()
        if found is not None:
            yield found
