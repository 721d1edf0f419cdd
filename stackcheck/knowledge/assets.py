"""Wheels that the setup.py of an sdist fetches from the releases of its project, in place of compiling.

A version that no row names is "no data".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require
from stackcheck.knowledge.told import ByPackage, Told, current


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset(Row):
    """How some versions name the wheel that they fetch, and for which torch their project makes one.

    name: the file, with {version}, {cuda}, {torch} or {build} ("2.9", "2.9.1+cu128"), {abi} and {python}.
    folder: the address before it, with {version}. cuda: what it writes for a CUDA major version of torch,
    "12" -> "123". torch, majors, pythons: the torch minors, their CUDA major versions and the Pythons that
    the project's build makes wheels for; none of torch: not known. force: the variable that has it compiled.
    """

    dist: str
    versions: SpecifierSet
    name: str
    folder: str
    cuda: Mapping[str, str]
    force: str
    torch: tuple[str, ...] = ()
    majors: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()

    def serves(self, torch: str, major: str, python: str | None) -> bool:
        """Tell whether the project makes a wheel for a torch minor, a CUDA major and a Python."""
        fits = torch in self.torch and major in self.majors
        return fits and (python is None or not self.pythons or python in self.pythons)


@dataclass(frozen=True)
class AssetTable:
    """The rows by distribution."""

    rows: Mapping[str, tuple[Asset, ...]]

    def of(self, dist: str, version: Version) -> Asset | None:
        """Return the row about a version; None is "no data"."""
        rows = self.rows.get(dist, ())
        return next((row for row in rows if row.versions.contains(version.public, prereleases=True)), None)


def load(told: Told | None = None) -> AssetTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    return _load(told or current())


@cache
def _load(told: Told) -> AssetTable:
    return AssetTable(ByPackage(told, "asset", Asset, _prove))


def _prove(rows: Iterable[Asset]) -> None:
    for row in rows:
        says = "what wheels are made for: `torch` and `majors` together, or neither"
        require(row, "majors", holds=bool(row.torch) == bool(row.majors), else_say=says)
