"""Wheels beside PyPI: those that an sdist fetches in place of compiling, and those that projects publish.

A version that no row names is "no data".
"""

import re
from collections.abc import Iterable, Mapping

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require
from stackcheck.knowledge.told import ByPackage, Told, table


class Asset(Row, frozen=True, kw_only=True):
    """How some versions name the wheel that they fetch, and for which torch their project makes one.

    name: the file, with {version}, {cuda}, {torch} or {build} ("2.9", "2.9.1+cu128"), {abi} and {python}.
    folder: the address before it, with {version}. cuda: what it writes for a CUDA major version of torch,
    "12" -> "123". torch, majors, pythons: the torch minors, their CUDA major versions and the Pythons that
    the project's build makes wheels for; none of torch: not known. also: single ones that came later, torch
    and CUDA major as "2.9+12" -> Pythons. force: the variable that has it compiled.
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
    also: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)

    def serves(self, torch: str, major: str, python: str | None) -> bool:
        """Tell whether the project makes a wheel for a torch minor, a CUDA major and a Python."""
        later = self.also.get(f"{torch}+{major}", ())
        if later and python in {None, *later}:
            return True
        fits = torch in self.torch and major in self.majors
        return fits and (python is None or not self.pythons or python in self.pythons)


class Published(Row, frozen=True, kw_only=True):
    """The wheels that a project publishes beside PyPI, which pip takes where its address is stated.

    places: parts of the addresses that they lie under. wheels: torch, as "2.12", or "*" for a package that is
    not compiled against torch -> the tags of its CUDA ("cu130") and "cpu". pythons: empty where not known.
    compiled: when what PyPI itself has of these versions is compiled, as a clause; "" for by pip alone.
    at_most: that there are no others is known, and not which of these there are.
    """

    dist: str
    versions: SpecifierSet
    places: tuple[str, ...]
    wheels: Mapping[str, tuple[str, ...]]
    pythons: tuple[str, ...] = ()
    compiled: str = ""
    at_most: bool = False

    def tags(self, torch: str | None) -> tuple[str, ...]:
        """Return the tags that there are wheels of for a torch minor."""
        return self.wheels.get("*", ()) or self.wheels.get(torch or "", ())


class AssetTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """The rows by distribution."""

    rows: Mapping[str, tuple[Asset, ...]]
    published: Mapping[str, tuple[Published, ...]]

    def published_of(self, dist: str, version: Version) -> Published | None:
        """Return the row about the wheels that the project of a version publishes; None is "no data"."""
        rows = self.published.get(dist, ())
        return next((row for row in rows if row.versions.contains(version.public, prereleases=True)), None)

    def of(self, dist: str, version: Version) -> Asset | None:
        """Return the row about a version; None is "no data"."""
        rows = self.rows.get(dist, ())
        return next((row for row in rows if row.versions.contains(version.public, prereleases=True)), None)


@table
def load(told: Told) -> AssetTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    published = ByPackage(told, "published", Published, _prove_published)
    return AssetTable(ByPackage(told, "asset", Asset, _prove), published)


def _prove(rows: Iterable[Asset]) -> None:
    for row in rows:
        says = "what wheels are made for: `torch` and `majors` together, or neither"
        require(row, "majors", holds=bool(row.torch) == bool(row.majors), else_say=says)


_TAG = re.compile(r"cu\d{2,3}|cpu|rocm[\d.]+")


def _prove_published(rows: Iterable[Published]) -> None:
    for row in rows:
        tags = [tag for each in row.wheels.values() for tag in each]
        says = "wheel tags such as cu130 or cpu, at least one"
        require(row, "wheels", holds=bool(tags) and all(map(_TAG.fullmatch, tags)), else_say=says)
