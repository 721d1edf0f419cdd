"""Libraries that wheels ship for machines that have something more, and what they may miss elsewhere."""

import fnmatch

import msgspec

from stackcheck.knowledge.reading import Row
from stackcheck.knowledge.told import ByPackage, Told, table


class OptionalLibrary(Row, frozen=True, kw_only=True):
    """Files (a pattern over paths) that may miss libraries (patterns over sonames), and why."""

    file: str
    needs: tuple[str, ...]
    why: str
    wheel: str


class OptionalTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Every row, in order."""

    rows: tuple[OptionalLibrary, ...]

    def find(self, path: str, needs: str) -> OptionalLibrary | None:
        """Return the row that lets the file at `path` miss the library `needs`; None when it may not."""
        for row in self.rows:
            if fnmatch.fnmatchcase(path, row.file) and any(fnmatch.fnmatchcase(needs, p) for p in row.needs):
                return row
        return None


@table
def load(told: Told) -> OptionalTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    return OptionalTable(
        tuple(row for _, rows in ByPackage(told, "optional_library", OptionalLibrary).items() for row in rows)
    )
