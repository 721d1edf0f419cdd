"""Packages around torch: what they declare, what they only assert, what breaks a build.

`declared` rows come from METADATA; `asserted` rows from the package's own `__init__`, where METADATA says
nothing. A version that no row names is "no data".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require
from stackcheck.knowledge.told import ByPackage, Told, table
from stackcheck.model.markers import holds
from stackcheck.model.versions import parse_specifier, ranges_meet, release_key

if TYPE_CHECKING:
    from packaging.requirements import Requirement

R = TypeVar("R", bound=Row)


class Needs(Row, frozen=True, kw_only=True):
    """What some versions of a distribution need of others: canonical name -> accepted versions.

    conditional: requirements with a marker, as METADATA has them: "triton==3.7.1; python_version < '3.15'".
    python: Requires-Python; None where none is stated, or it was not read.
    """

    dist: str
    versions: tuple[Version, ...]
    needs: Mapping[str, SpecifierSet]
    conditional: tuple[str, ...] = ()
    python: SpecifierSet | None = None

    def asked(self, python: str | None, platform: str | None) -> Iterator[tuple[str, SpecifierSet]]:
        """Yield each name and the range of it that is needed for a Python on a platform ("linux/amd64").

        Where no Python is stated, markers are asked for one that nearly every release has wheels for.
        """
        yield from self.needs.items()
        for each in map(_requirement, self.conditional):
            if holds(str(each.marker), python=python or _PYTHON, platform=platform) is not False:
                yield each.name, each.specifier

    def takes(self, python: str) -> bool:
        """Tell whether Requires-Python admits a Python; "3.11" is any release of it."""
        pinned = python if python.count(".") > 1 else f"=={python}.*"
        return self.python is None or _admits(self.python, pinned)

    def named(self) -> Mapping[str, tuple[SpecifierSet, ...]]:
        """Return every name that is spoken of, with its ranges."""
        found = {name: (wanted,) for name, wanted in self.needs.items()}
        for each in map(_requirement, self.conditional):
            found[each.name] = (*found.get(each.name, ()), each.specifier)
        return found


class Newest(Row, frozen=True, kw_only=True):
    """The newest release on the index on the day it was checked: what `latest` installed then."""

    dist: str
    version: Version


class BuildTrap(Row, frozen=True, kw_only=True):
    """A tool version that breaks source builds of a distribution.

    env: a variable that lifts it. breaks: tool versions that break it. when: as in `ToolkitTrap`.
    """

    dist: str
    versions: SpecifierSet
    tool: str
    breaks: SpecifierSet
    fault: str
    fix: str
    env: str = ""
    when: Mapping[str, str] = msgspec.field(default_factory=dict)


class ToolkitTrap(Row, frozen=True, kw_only=True):
    """CUDA versions that some versions of a distribution cannot be compiled with.

    built: "source" where it is about builds that the stack states, since others may find a wheel.
    repository: where none of the commits, as far as they were seen, compiles there ("host/owner/name").
    when: variables -> a regular expression for the value; it is about builds where the stack sets them so.
    """

    dist: str
    versions: SpecifierSet
    cuda: SpecifierSet
    fault: str
    fix: str
    built: Literal["", "source"] = ""
    repository: str = ""
    when: Mapping[str, str] = msgspec.field(default_factory=dict)


class ExtensionTrap(Row, frozen=True, kw_only=True):
    """A tool version that breaks every extension that is built with the build scripts of some torch."""

    torch: SpecifierSet
    tool: str
    breaks: SpecifierSet
    fault: str
    fix: str


class PythonTrap(Row, frozen=True, kw_only=True):
    """Versions of a build tool that do not run on some Pythons."""

    tool: str
    breaks: SpecifierSet
    python: SpecifierSet
    fault: str
    fix: str


class TorchImport(Row, frozen=True, kw_only=True):
    """A distribution whose build needs an installed torch: an isolated build does not have one."""

    dist: str
    versions: SpecifierSet
    fault: str


class SdistOnly(Row, frozen=True, kw_only=True):
    """Versions of a distribution that PyPI has as source alone: who installs one of them builds it."""

    dist: str
    versions: SpecifierSet


_PYTHON = "3.11"


@lru_cache(maxsize=4096)
def _requirement(text: str) -> "Requirement":
    from packaging.requirements import Requirement  # noqa: PLC0415 - 15 ms, and few rows have a marker

    return Requirement(text)


class OneByPackage(Mapping[str, R]):
    """Package -> its one row of a kind, read when it is asked for."""

    def __init__(self, rows: Mapping[str, tuple[R, ...]]) -> None:
        """Take the rows, of which each package has one."""
        self._rows = rows

    def __getitem__(self, package: str) -> R:
        return self._rows[package][0]

    def __contains__(self, package: object) -> bool:
        return package in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class PackageTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """What is told of packages, each read when it is asked for; traps by package, or by tool."""

    newest: Mapping[str, Newest]
    build_traps: Mapping[str, tuple[BuildTrap, ...]]
    toolkit_traps: Mapping[str, tuple[ToolkitTrap, ...]]
    extension_traps: Mapping[str, tuple[ExtensionTrap, ...]]
    python_traps: Mapping[str, tuple[PythonTrap, ...]]
    torch_imports: Mapping[str, TorchImport]
    sdists: Mapping[str, SdistOnly]
    told_of: frozenset[str]
    """Every package that has a file of its own, whatever stands in it."""
    _declared: Mapping[str, tuple[Needs, ...]]
    _asserted: Mapping[str, tuple[Needs, ...]]
    _by_version: dict[tuple[str, str], dict[str, Needs]] = msgspec.field(default_factory=dict)
    _accepting: dict[tuple[str, str, str], Version | None] = msgspec.field(default_factory=dict)
    _in_range: dict[tuple[str, SpecifierSet], tuple[tuple[Version, Needs], ...]] = msgspec.field(
        default_factory=dict
    )

    @property
    def declared_dists(self) -> AbstractSet[str]:
        """Return the distributions that have declared rows."""
        return self._declared.keys()

    @property
    def asserting_dists(self) -> AbstractSet[str]:
        """Return the distributions that assert ranges when they are imported."""
        return self._asserted.keys()

    def has_needs(self, dist: str) -> bool:
        """Tell whether it is known what some version of a distribution declares or asserts."""
        return dist in self._declared or dist in self._asserted

    def declared(self, dist: str, accepted: SpecifierSet) -> tuple[tuple[Version, Needs], ...]:
        """Return (version, row) for every known version of `dist` that a pin or range accepts."""
        if (dist, accepted) not in self._in_range:  # every stack asks for the same few ranges
            self._in_range[dist, accepted] = _matching(self._declared.get(dist, ()), accepted)
        return self._in_range[dist, accepted]

    def declared_by(self, dist: str, version: Version) -> Needs | None:
        """Return what one version declares, its local part left aside; None is "no data"."""
        return self._of("declared", self._declared, dist).get(release_key(version))

    def newest_accepting(self, dist: str, other: str, pinned: str) -> Version | None:
        """Return the newest known version of `dist` that accepts a version of `other`, or a range of it."""
        asked = (dist, other, pinned)
        if asked not in self._accepting:  # a search for changes asks it thousands of times
            versions = (
                version
                for row in self._declared.get(dist, ())
                if (ranges := row.named().get(other)) and all(_admits(each, pinned) for each in ranges)
                for version in row.versions
            )
            self._accepting[asked] = max(versions, default=None)
        return self._accepting[asked]

    def asserted(self, dist: str, version: Version) -> Needs | None:
        """Return what a version asserts at import; None is "no data"."""
        return self._of("asserted", self._asserted, dist).get(release_key(version))

    def asserted_versions(self, dist: str) -> frozenset[Version]:
        """Return the versions of a distribution whose asserted ranges are known."""
        return frozenset(version for row in self._asserted.get(dist, ()) for version in row.versions)

    def accepted(self, dist: str) -> tuple[SpecifierSet, ...]:
        """Return every range of a distribution that a row of another one names."""
        groups = (*self._declared.values(), *self._asserted.values())
        return tuple(each for rows in groups for row in rows for each in row.named().get(dist, ()))

    def _of(self, what: str, rows: Mapping[str, tuple[Needs, ...]], dist: str) -> dict[str, Needs]:
        if (what, dist) not in self._by_version:
            found = {release_key(each): row for row in rows.get(dist, ()) for each in row.versions}
            self._by_version[what, dist] = found
        return self._by_version[what, dist]


def _matching(rows: Iterable[Needs], accepted: SpecifierSet) -> tuple[tuple[Version, Needs], ...]:
    return tuple(
        (version, row)
        for row in rows
        for version in row.versions
        if accepted.contains(version, prereleases=True)
    )


@lru_cache(maxsize=4096)  # every stack asks for the same few hundred
def _admits(wanted: SpecifierSet, pinned: str) -> bool:
    """Tell whether what is wanted meets a pin, or a range as it is spelled."""
    if pinned[:1].isdigit():
        return wanted.contains(pinned, prereleases=True)
    return ranges_meet(wanted, parse_specifier(pinned))


@table
def load(told: Told) -> PackageTable:
    """Return the table. Raises TableError naming file, line and key."""
    return PackageTable(
        newest=OneByPackage(ByPackage(told, "newest", Newest)),
        build_traps=ByPackage(told, "build_trap", BuildTrap),
        toolkit_traps=ByPackage(told, "toolkit_trap", ToolkitTrap),
        extension_traps=ByPackage(told, "extension_trap", ExtensionTrap),
        python_traps=ByPackage(told, "python_trap", PythonTrap),
        torch_imports=OneByPackage(ByPackage(told, "torch_import", TorchImport)),
        sdists=OneByPackage(ByPackage(told, "sdist_only", SdistOnly)),
        told_of=told.with_files(),
        _declared=ByPackage(told, "declared", Needs, _prove_once),
        _asserted=ByPackage(told, "asserted", Needs, _prove_once),
    )


def _prove_once(rows: Iterable[Needs]) -> None:
    seen: dict[Version, Needs] = {}
    for row in rows:
        for version in row.versions:
            says = f"{version} stands in {seen[version].where} already" if version in seen else ""
            require(row, "versions", holds=not says, else_say=says)
            seen.setdefault(version, row)
        for text in row.conditional:
            require(row, "conditional", holds=_is_conditional(text), else_say=f"{text[:80]!r} has no marker")


def _is_conditional(text: str) -> bool:
    """Tell whether a text is a requirement of a canonical name with a marker."""
    try:
        found = _requirement(text)
    except ValueError:
        return False
    return found.marker is not None and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", found.name) is not None
