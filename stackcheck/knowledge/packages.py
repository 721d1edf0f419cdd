"""Packages around torch: what they declare, what they only assert, what breaks a build.

`declared` rows come from METADATA; `asserted` rows from the package's own `__init__`, where METADATA says
nothing. A version that no row names is "no data".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import FOLDER, Row, only_keys, read_rows, read_table, require, unique
from stackcheck.model.versions import release_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs(Row):
    """What some versions of a distribution need of others: canonical name -> accepted versions."""

    dist: str
    versions: tuple[Version, ...]
    needs: Mapping[str, SpecifierSet]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest(Row):
    """The newest release on the index on the day it was checked: what `latest` installed then."""

    dist: str
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTrap(Row):
    """A tool version that breaks source builds of a distribution.

    env: a variable that lifts it. breaks: tool versions that break it.
    """

    dist: str
    versions: SpecifierSet
    tool: str
    breaks: SpecifierSet
    fault: str
    fix: str
    env: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolkitTrap(Row):
    """CUDA versions that some versions of a distribution cannot be compiled with.

    built: "source" where it is about builds that the stack states, since others may find a wheel.
    """

    dist: str
    versions: SpecifierSet
    cuda: SpecifierSet
    fault: str
    fix: str
    built: Literal["", "source"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionTrap(Row):
    """A tool version that breaks every extension that is built with the build scripts of some torch."""

    torch: SpecifierSet
    tool: str
    breaks: SpecifierSet
    fault: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTrap(Row):
    """Versions of a build tool that do not run on some Pythons."""

    tool: str
    breaks: SpecifierSet
    python: SpecifierSet
    fault: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchImport(Row):
    """A distribution whose build needs an installed torch: an isolated build does not have one."""

    dist: str
    versions: SpecifierSet
    fault: str


@dataclass(frozen=True)
class PackageTable:
    """Everything in `packages.toml`, indexed."""

    checked: date
    newest: Mapping[str, Newest]
    build_traps: tuple[BuildTrap, ...]
    toolkit_traps: tuple[ToolkitTrap, ...]
    extension_traps: tuple[ExtensionTrap, ...]
    python_traps: tuple[PythonTrap, ...]
    torch_imports: Mapping[str, TorchImport]
    _declared: Mapping[str, tuple[Needs, ...]] = field(repr=False)
    _declared_by: Mapping[tuple[str, str], Needs] = field(repr=False)
    _asserted: Mapping[str, tuple[Needs, ...]] = field(repr=False)
    _asserted_by: Mapping[tuple[str, str], Needs] = field(repr=False)

    @property
    def declared_dists(self) -> frozenset[str]:
        """Return the distributions that have declared rows."""
        return frozenset(self._declared)

    @property
    def asserting_dists(self) -> frozenset[str]:
        """Return the distributions that assert ranges when they are imported."""
        return frozenset(self._asserted)

    def declared(self, dist: str, accepted: SpecifierSet) -> tuple[tuple[Version, Needs], ...]:
        """Return (version, row) for every known version of `dist` that a pin or range accepts."""
        return _matching(self._declared.get(dist, ()), accepted)

    def declared_by(self, dist: str, version: Version) -> Needs | None:
        """Return what one version declares, its local part left aside; None is "no data"."""
        return self._declared_by.get((dist, release_key(version)))

    def asserted(self, dist: str, version: Version) -> Needs | None:
        """Return what a version asserts at import; None is "no data"."""
        return self._asserted_by.get((dist, release_key(version)))

    def asserted_versions(self, dist: str) -> frozenset[Version]:
        """Return the versions of a distribution whose asserted ranges are known."""
        return frozenset(version for row in self._asserted.get(dist, ()) for version in row.versions)

    def accepted(self, dist: str) -> tuple[SpecifierSet, ...]:
        """Return every range of a distribution that a row of another one names."""
        groups = (*self._declared.values(), *self._asserted.values())
        return tuple(row.needs[dist] for rows in groups for row in rows if dist in row.needs)


def _matching(rows: Iterable[Needs], accepted: SpecifierSet) -> tuple[tuple[Version, Needs], ...]:
    return tuple(
        (version, row)
        for row in rows
        for version in row.versions
        if accepted.contains(version, prereleases=True)
    )


def load(folder: Path = FOLDER) -> PackageTable:
    """Return the table, read once and proven. Raises TableError naming file, row and key."""
    return _load(folder)


_ARRAYS = (
    "declared", "asserted", "newest", "build_trap", "toolkit_trap", "extension_trap",
    "python_trap", "torch_import",
)  # fmt: skip


@cache
def _load(folder: Path) -> PackageTable:
    table = read_table("packages", folder)
    only_keys(table, _ARRAYS)
    declared, asserted = read_rows(table, "declared", Needs), read_rows(table, "asserted", Needs)
    for rows in (declared, asserted):
        _prove_once(rows)
    return PackageTable(
        checked=table["checked"],
        newest=unique(read_rows(table, "newest", Newest, same=_dist), _dist, "dist"),
        build_traps=read_rows(table, "build_trap", BuildTrap),
        toolkit_traps=read_rows(table, "toolkit_trap", ToolkitTrap),
        extension_traps=read_rows(table, "extension_trap", ExtensionTrap),
        python_traps=read_rows(table, "python_trap", PythonTrap),
        torch_imports=unique(read_rows(table, "torch_import", TorchImport, same=_dist), _dist, "dist"),
        _declared=_grouped(declared),
        _declared_by=_by_version(declared),
        _asserted=_grouped(asserted),
        _asserted_by=_by_version(asserted),
    )


def _dist(row: Newest | TorchImport) -> str:
    return row.dist


def _grouped(rows: Iterable[Needs]) -> dict[str, tuple[Needs, ...]]:
    groups: dict[str, list[Needs]] = defaultdict(list)
    for row in rows:
        groups[row.dist].append(row)
    return {dist: tuple(each) for dist, each in groups.items()}


def _by_version(rows: Iterable[Needs]) -> dict[tuple[str, str], Needs]:
    return {(row.dist, release_key(version)): row for row in rows for version in row.versions}


def _prove_once(rows: Iterable[Needs]) -> None:
    seen: dict[tuple[str, Version], str] = {}
    for row in rows:
        for version in row.versions:
            key = (row.dist, version)
            says = f"{row.dist} {version} stands in {seen.get(key)} already"
            require(row, "versions", holds=key not in seen, else_say=says)
            seen[key] = row.where
