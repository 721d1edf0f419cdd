"""Files in source trees that CMake 4 refuses, by distribution and version."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import FOLDER, Row, only_keys, read_rows, read_table, require

OLDEST = Version("3.5")
"""The oldest policy version that CMake 4 accepts (cmake_minimum_required, "Changed in version 4.0")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CmakeFile(Row):
    """One file of a source tree, and the CMake that it asks for."""

    dist: str
    versions: SpecifierSet
    file: str
    minimum: Version


@dataclass(frozen=True)
class CmakeTable:
    """Everything in `cmake.toml`."""

    checked: date
    files: tuple[CmakeFile, ...]

    def refused(self, dist: str, version: Version) -> tuple[CmakeFile, ...]:
        """Return the files of a release that CMake 4 refuses; none is "no data"."""
        public = version.base_version
        return tuple(row for row in self.files if row.dist == dist and row.versions.contains(public))


@cache
def load(folder: Path = FOLDER) -> CmakeTable:
    """Return the table, read once and proven. Raises TableError naming file, row and key."""
    table = read_table("cmake", folder)
    only_keys(table, ("cmake_file",))
    files = read_rows(table, "cmake_file", CmakeFile)
    for row in files:
        require(row, "minimum", holds=row.minimum < OLDEST, else_say=f"CMake 4 accepts {row.minimum}")
    return CmakeTable(table["checked"], files)
