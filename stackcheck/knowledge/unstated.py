"""What METADATA does not state: partners, libraries that binaries name, the NumPy they know, arch lists.

A version that no row names is "no data".
"""

from collections.abc import Iterable, Mapping
from typing import Literal, TypeVar

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require
from stackcheck.knowledge.told import ByPackage, Told, table
from stackcheck.model.versions import parse_specifier
from stackcheck_probes.binaries.capability import Sass

EVERYTHING = parse_specifier("")


class Requirement(Row, frozen=True, kw_only=True):
    """Which versions of `other` some versions of `dist` work with, where their METADATA admits more.

    same: the two have to have one version, `accepts` says nothing. effect: what happens beside another
    one, as a clause. other: a distribution, or "python" for the interpreter. built: "wheel" where only
    the wheels of an index are bound, and a source build is not. use: the part of `dist` that it is about,
    "to read ...", where the rest works with more; "" for all of it.
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


class Library(Row, frozen=True, kw_only=True):
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


class DriverFloor(Row, frozen=True, kw_only=True):
    """The CUDA release whose driver has every function that some versions ask of the driver itself.

    effect: what happens beside an older one, as a clause. Minor-version compatibility does not lift it.
    """

    dist: str
    versions: SpecifierSet
    cuda: Version
    effect: str


class NumpyApi(Row, frozen=True, kw_only=True):
    """The NumPy C API, 1 or 2, that the modules of some wheels were compiled with."""

    dist: str
    versions: SpecifierSet
    api: int


class ArchVariable(Row, frozen=True, kw_only=True):
    """A variable that says which GPUs distributions are compiled for: 90 or 9.0, separated.

    ptx: a bare entry stands for PTX too, as in CMake. leaves_out: an entry that nvcc does not know is left
    out, where others stop the build.
    """

    name: str
    dists: tuple[str, ...]
    separator: str
    ptx: bool = False
    leaves_out: bool = False


class CompiledFor(Row, frozen=True, kw_only=True):
    """What the setup.py of some versions compiles for, whatever GPUs are there.

    archs: CUDA versions of nvcc, "" for all -> the code that they add. variable: one that states another
    list. memory_gb: what one job of ninja takes, by its own reckoning; MAX_JOBS is how many there are.
    """

    dist: str
    versions: SpecifierSet
    archs: Mapping[str, tuple[Sass, ...]]
    variable: str = ""
    memory_gb: int | None = None

    def codes(self, cuda: Version) -> tuple[Sass, ...]:
        """Return what is compiled with the nvcc of a toolkit, ascending."""
        found = {
            code for range_, codes in self.archs.items() if cuda in SpecifierSet(range_) for code in codes
        }
        return tuple(sorted(found, key=lambda code: code.capability.sm))


_R = TypeVar("_R", Requirement, Library, NumpyApi, CompiledFor, DriverFloor)


class UnstatedTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """What is told of it, by distribution."""

    requirements: Mapping[str, tuple[Requirement, ...]]
    libraries: Mapping[str, tuple[Library, ...]]
    numpy_apis: Mapping[str, tuple[NumpyApi, ...]]
    arch_variables: Mapping[str, ArchVariable]
    compiled_for: Mapping[str, tuple[CompiledFor, ...]]
    driver_floors: Mapping[str, tuple[DriverFloor, ...]]

    def own_archs(self, dist: str, version: Version) -> CompiledFor | None:
        """Return what a version is compiled for by its own list; None is "no data", or it has none."""
        return holding(self.compiled_for.get(dist, ()), version)

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


@table
def load(told: Told) -> UnstatedTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    return UnstatedTable(
        requirements=ByPackage(told, "requirement", Requirement, _prove),
        libraries=ByPackage(told, "library", Library),
        numpy_apis=ByPackage(told, "numpy_api", NumpyApi),
        arch_variables={row.name: row for row in told.rows("arch_variable", ArchVariable)},
        compiled_for=ByPackage(told, "compiled_for", CompiledFor),
        driver_floors=ByPackage(told, "driver_floor", DriverFloor),
    )


def _prove(rows: Iterable[Requirement]) -> None:
    for row in rows:
        says = "a row states what it accepts, or that both have the same version"
        require(row, "accepts", holds=row.same != bool(row.accepts), else_say=says)
