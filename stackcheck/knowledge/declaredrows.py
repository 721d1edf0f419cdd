"""Make rows of what METADATA of new versions declares of its neighbours."""

from __future__ import annotations

from email.parser import HeaderParser
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcheck.knowledge.unstated import EVERYTHING
from stackcheck.knowledge.wheelfile import read_member
from stackcheck.knowledge.wheelrows import Addition, NotStatedError, addition, file_version
from stackcheck.model.versions import spelled

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from datetime import date
    from email.message import Message

    from stackcheck.knowledge.packages import PackageTable
    from stackcheck.knowledge.wheelrows import IndexFile, Source


F = TypeVar("F", bound="IndexFile")


class Bounds(NamedTuple):
    """What is required with a version: name -> range, as text what depends on a marker, and of Python."""

    needs: dict[str, str]
    conditional: tuple[str, ...]
    python: str = ""


def newest_declared(table: PackageTable, dist: str) -> Version:
    """Return the last version whose requirements are told."""
    return max((version for version, _ in table.declared(dist, EVERYTHING)), default=Version("0"))


def newer_wheels(files: Iterable[IndexFile], dist: str, last: Version) -> dict[Version, IndexFile]:
    """Return a wheel of each final release after `last`, oldest first."""
    return {
        version: file
        for version, file in stating(files, dist).items()
        if version > last and file.name.endswith(".whl")
    }


def stating(files: Iterable[F], dist: str) -> dict[Version, F]:
    """Return the file of each final release whose METADATA is read, oldest first.

    That is the wheel for Linux on x86_64, else one for any machine, another one, the sdist: the wheels of
    torch for macOS require no triton, and those for arm64 other libraries.
    """
    found: dict[Version, F] = {}
    for file in sorted(files, key=_distance):
        version = file_version(file.name, dist)
        if version is not None and not version.is_prerelease and not version.local and file.yanked is None:
            found.setdefault(version, file)
    return dict(sorted(found.items()))


def _distance(file: IndexFile) -> int:
    name = file.name
    if not name.endswith(".whl"):
        return 3
    return 0 if "linux" in name and "x86_64" in name else 1 if name.endswith("-any.whl") else 2


def requires(metadata: bytes) -> tuple[str, ...]:
    """Return the requirements of METADATA or PKG-INFO as text."""
    return tuple(_headers(metadata).get_all("Requires-Dist") or [])


def _headers(metadata: bytes) -> Message:
    return HeaderParser().parsestr(metadata.decode("utf-8", "replace"))


def bounds(lines: Iterable[str], names: Container[str], python: str = "") -> Bounds:
    """Return every bound of requirements on some names; what an extra asks for is left out.

    `python` is Requires-Python: an installer passes over one that cannot be read.
    """
    found: dict[str, SpecifierSet] = {}
    conditional: set[str] = set()
    for line in filter(None, map(str.strip, lines)):
        try:
            each = Requirement(line)
        except InvalidRequirement:
            continue
        name, marker = canonicalize_name(each.name), str(each.marker or "")
        if name not in names or not str(each.specifier) or "extra" in marker:
            continue
        if marker:
            conditional.add(f"{name}{each.specifier}; {marker.replace(chr(34), chr(39))}")
        else:
            found[name] = found.get(name, EVERYTHING) & each.specifier
    needs = {name: str(found[name]) for name in sorted(found)}
    return Bounds(needs, tuple(sorted(conditional)), _pythons(python))


def _pythons(text: str) -> str:
    """Return Requires-Python as rows spell it; "" for what is not a range, and for `===` with any text."""
    try:
        return "" if "===" in text else spelled(SpecifierSet(text))
    except InvalidSpecifier:
        return ""


def written(found: Bounds) -> list[str]:
    """Return bounds as the lines of a row in TOML."""
    pairs = ", ".join(f'{key} = "{value}"' for key, value in found.needs.items())
    lines = [f"needs = {{ {pairs} }}" if pairs else "needs = {}"]
    listed = ", ".join(f'"{each}"' for each in found.conditional)
    python = [f'python = "{found.python}"'] if found.python else []
    return [*lines, *([f"conditional = [{listed}]"] if listed else []), *python]


def declared_row(
    source: Source, file: IndexFile, version: Version, names: Container[str], today: date
) -> Addition:
    """Return the row of a version by METADATA of a wheel; raise NotStatedError or ResolveError without."""
    dist = canonicalize_name(file.name.partition("-")[0])
    metadata = read_member(source.open(file.url), ".dist-info/METADATA")
    if metadata is None:
        raise NotStatedError(f"{file.name} has no METADATA")
    found = bounds(requires(metadata), names, _headers(metadata).get("Requires-Python", ""))
    lines = [f'versions = ["{version}"]', *written(found)]
    where = f"METADATA of {file.name}, https://pypi.org/project/{dist}/{version}/"
    return addition(dist, "declared", f"{dist} {version} declares", version, lines, where, today)
