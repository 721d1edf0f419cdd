"""CPU instruction sets that builds are targeted at: their names, flags, and what torch calls them."""

from collections.abc import Iterable
from datetime import date

import msgspec

from stackcheck.knowledge.reading import Row, require, unique
from stackcheck.knowledge.told import Told, table


class Isa(Row, frozen=True, kw_only=True):
    """One instruction set, as targeted builds are named by it.

    platform: of the machines that have it. mark: the compiler flag that makes the name true. flags: all flags
    that a build of that name is made with. allowed: further flags, for what every such CPU has. cpu: what
    `/proc/cpuinfo` calls its parts. capability: the least that `torch.backends.cpu.get_cpu_capability()` says
    on such a machine, "" where torch has no word for it.
    """

    name: str
    platform: str
    mark: str
    flags: tuple[str, ...]
    allowed: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    capability: str = ""


class Implied(Row, frozen=True, kw_only=True):
    """What one compiler flag switches on beside itself."""

    flag: str
    implies: tuple[str, ...]


class IsaTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Every row, in order."""

    checked: date
    isas: tuple[Isa, ...]
    implied: tuple[Implied, ...]

    def isa(self, name: str | None) -> Isa | None:
        """Return the instruction set of that name; None when it is not known."""
        return next((row for row in self.isas if row.name == name), None)

    def switched_on(self, flags: Iterable[str]) -> frozenset[str]:
        """Return the flags and everything that they imply."""
        by_flag = {row.flag: row.implies for row in self.implied}
        found: set[str] = set()
        waiting = list(flags)
        while waiting:
            flag = waiting.pop()
            if flag not in found:
                found.add(flag)
                waiting += by_flag.get(flag, ())
        return frozenset(found)

    def instructions(self, flags: Iterable[str]) -> frozenset[str]:
        """Return the flags for instructions that the rows of this table know, with what they imply."""
        known = {flag for row in self.isas for flag in row.flags} | {
            flag for row in self.implied for flag in (row.flag, *row.implies)
        }
        return self.switched_on(flags) & known


@table
def load(told: Told) -> IsaTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    isas, implied = told.rows("isa", Isa), told.rows("implied", Implied)
    unique(isas, lambda row: row.name, "name")
    unique(implied, lambda row: row.flag, "flag")
    for row in isas:
        require(row, "mark", holds=row.mark in row.flags, else_say=f"{row.mark} is not one of its flags")
    return IsaTable(told.checked("isa"), isas, implied)
