"""Make rows of what METADATA of new versions declares of its neighbours."""

from __future__ import annotations

from email.parser import HeaderParser
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcheck.knowledge.unstated import EVERYTHING
from stackcheck.knowledge.wheelfile import read_member
from stackcheck.knowledge.wheelrows import Addition, NotStatedError, addition, file_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from stackcheck.knowledge.packages import PackageTable
    from stackcheck.knowledge.wheelrows import IndexFile, Source

ALWAYS = frozenset({"torch", "torchvision", "torchaudio", "triton"})
"""Neighbours that are looked for whatever the rows of a package name."""


def neighbours(table: PackageTable, dist: str) -> frozenset[str]:
    """Return the names that rows of a package speak of, and those that are looked for in any."""
    return frozenset({each for _, row in table.declared(dist, EVERYTHING) for each in row.needs} | ALWAYS)


def newest_declared(table: PackageTable, dist: str) -> Version:
    """Return the last version whose requirements are told."""
    return max((version for version, _ in table.declared(dist, EVERYTHING)), default=Version("0"))


def newer_wheels(files: Iterable[IndexFile], dist: str, last: Version) -> dict[Version, IndexFile]:
    """Return a wheel of each final release after `last`, oldest first."""
    found: dict[Version, IndexFile] = {}
    for file in files:
        version = file_version(file.name, dist) if file.name.endswith(".whl") else None
        final = version is not None and not version.is_prerelease and not version.local
        if version is not None and final and file.yanked is None and version > last:
            found.setdefault(version, file)
    return dict(sorted(found.items()))


def requires(metadata: bytes) -> tuple[str, ...]:
    """Return the requirements of METADATA or PKG-INFO as text."""
    return tuple(HeaderParser().parsestr(metadata.decode("utf-8", "replace")).get_all("Requires-Dist") or [])


def needs(lines: Iterable[str], names: frozenset[str]) -> dict[str, str]:
    """Return name -> range of what is required with a version, and without a marker or an extra."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, lines)):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        name = canonicalize_name(requirement.name)
        if name in names and requirement.marker is None and str(requirement.specifier):
            found[name] = str(requirement.specifier)
    return dict(sorted(found.items()))


def written_needs(found: Mapping[str, str]) -> str:
    """Return needs as TOML."""
    pairs = ", ".join(f'{key} = "{value}"' for key, value in found.items())
    return f"needs = {{ {pairs} }}" if pairs else "needs = {}"


def declared_row(
    source: Source, file: IndexFile, version: Version, names: frozenset[str], today: date
) -> Addition:
    """Return the row of a version by METADATA of a wheel; raise NotStatedError or ResolveError without."""
    dist = canonicalize_name(file.name.partition("-")[0])
    metadata = read_member(source.open(file.url), ".dist-info/METADATA")
    if metadata is None:
        raise NotStatedError(f"{file.name} has no METADATA")
    lines = [f'versions = ["{version}"]', written_needs(needs(requires(metadata), names))]
    where = f"METADATA of {file.name}, https://pypi.org/project/{dist}/{version}/"
    return addition(dist, "declared", f"{dist} {version} declares", version, lines, where, today)
