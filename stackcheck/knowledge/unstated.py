"""What METADATA does not state: partners, libraries that binaries name, the NumPy they know, arch variables.

A version that no row names is "no data".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeVar

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require
from stackcheck.knowledge.told import ByPackage, Told, current
from stackcheck.model.versions import parse_specifier

EVERYTHING = parse_specifier("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement(Row):
    """Which versions of `other` some versions of `dist` work with, where their METADATA admits more.

    same: the two have to have one version, `accepts` says nothing. effect: what happens beside another one,
    as a clause. built: "wheel" where only the wheels of an index are bound, and a source build is not. use:
    the part of `dist` that it is about, "to read ...", where the rest works with more; "" for all of it.
    """

    dist: str
    versions: SpecifierSet
    other: str
    accepts: SpecifierSet = EVERYTHING
    same: bool = False
    outcome: Literal["fail", "warn"] = "fail"
    effect: str
    built: Literal["", "wheel"] = ""
    use: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library(Row):
    """The major versions of CUDA and cuDNN whose libraries the one wheel on PyPI names, None for none.

    effect: what happens where they are missing, as a clause.
    """

    dist: str
    versions: SpecifierSet
    platforms: tuple[str, ...]
    cuda: int | None = None
    cudnn: int | None = None
    outcome: Literal["fail", "warn"] = "fail"
    effect: str = "it stops with the first thing that it computes on the GPU"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyApi(Row):
    """The NumPy C API, 1 or 2, that the modules of some wheels were compiled with."""

    dist: str
    versions: SpecifierSet
    api: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchVariable(Row):
    """A variable that says which GPUs distributions are compiled for: 90 or 9.0, separated.

    ptx: a bare entry stands for PTX too, as in CMake.
    """

    name: str
    dists: tuple[str, ...]
    separator: str
    ptx: bool = False


_R = TypeVar("_R", Requirement, Library, NumpyApi)


@dataclass(frozen=True)
class UnstatedTable:
    """What is told of it, by distribution."""

    requirements: Mapping[str, tuple[Requirement, ...]]
    libraries: Mapping[str, tuple[Library, ...]]
    numpy_apis: Mapping[str, tuple[NumpyApi, ...]]
    arch_variables: Mapping[str, ArchVariable]

    def numpy_api(self, dist: str, version: Version) -> NumpyApi | None:
        """Return the row that says what a version was compiled with; None is "no data"."""
        return holding(self.numpy_apis.get(dist, ()), version)

    def library(self, dist: str, version: Version, platform: str) -> Library | None:
        """Return what the wheel of a version names; None is "no data"."""
        rows = tuple(row for row in self.libraries.get(dist, ()) if platform in row.platforms)
        return holding(rows, version)

    def knows(self, dist: str) -> bool:
        """Tell whether any row speaks of a distribution."""
        return dist in self.requirements or dist in self.libraries or dist in self.numpy_apis


def holding(rows: Iterable[_R], version: Version) -> _R | None:
    """Return the row whose range holds a version, its local part left aside."""
    return next((row for row in rows if row.versions.contains(version.public, prereleases=True)), None)


def load(told: Told | None = None) -> UnstatedTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    return _load(told or current())


@cache
def _load(told: Told) -> UnstatedTable:
    return UnstatedTable(
        requirements=ByPackage(told, "requirement", Requirement, _prove),
        libraries=ByPackage(told, "library", Library),
        numpy_apis=ByPackage(told, "numpy_api", NumpyApi),
        arch_variables={row.name: row for row in told.rows("arch_variable", ArchVariable)},
    )


def _prove(rows: Iterable[Requirement]) -> None:
    for row in rows:
        says = "a row states what it accepts, or that both have the same version"
        require(row, "accepts", holds=row.same != bool(row.accepts), else_say=says)
