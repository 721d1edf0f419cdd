"""Files in source trees that CMake 4 refuses, by distribution and version."""

from collections.abc import Mapping

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require
from stackcheck.knowledge.told import ByPackage, Told, table

OLDEST = Version("3.5")
"""The oldest policy version that CMake 4 accepts (cmake_minimum_required, "Changed in version 4.0")."""


class CmakeFile(Row, frozen=True, kw_only=True):
    """One file of a source tree, and the CMake that it asks for."""

    dist: str
    versions: SpecifierSet
    file: str
    minimum: Version


class CmakeTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """The files by distribution."""

    _files: Mapping[str, tuple[CmakeFile, ...]]

    @property
    def files(self) -> tuple[CmakeFile, ...]:
        """Return every file."""
        return tuple(row for rows in self._files.values() for row in rows)

    def refused(self, dist: str, version: Version) -> tuple[CmakeFile, ...]:
        """Return the files of a release that CMake 4 refuses; none is "no data"."""
        public = version.base_version
        return tuple(row for row in self._files.get(dist, ()) if row.versions.contains(public))


@table
def load(told: Told) -> CmakeTable:
    """Return the table. Raises TableError naming file, line and key."""
    return CmakeTable(ByPackage(told, "cmake_file", CmakeFile, _prove))


def _prove(rows: tuple[CmakeFile, ...]) -> None:
    for row in rows:
        require(row, "minimum", holds=row.minimum < OLDEST, else_say=f"CMake 4 accepts {row.minimum}")
