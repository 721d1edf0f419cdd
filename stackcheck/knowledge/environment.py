"""What environment variables of GPU stacks really do: who reads them, when, and with which values."""

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

from stackcheck.knowledge.reading import Row, require
from stackcheck.knowledge.told import Told, table
from stackcheck_probes.judging.variablefit import speaks_of


class Variable(Row, frozen=True, kw_only=True):
    """One way in which a variable matters.

    outcome: "warn" or "fail". when: a regular expression that the value must match in full ("" for any
    value). unless: one that lifts it. packages: regular expressions of distributions, one of which must be
    in the
    stack ("" in none stated: any stack). accelerator: only for that one. built: only where the packages are
    wheels ("wheel") or built from source ("source").
    """

    name: str
    outcome: Literal["warn", "fail"]
    effect: str
    fix: str
    when: str = ""
    unless: str = ""
    packages: tuple[str, ...] = ()
    accelerator: Literal["", "cuda", "rocm", "cpu"] = ""
    built: Literal["", "wheel", "source"] = ""

    def speaks_of(self, value: str) -> bool:
        """Tell whether the row is about this value."""
        return speaks_of(value, self.when, self.unless)


class EnvironmentTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Everything in `environment.toml`, by variable."""

    checked: date
    variables: Mapping[str, tuple[Variable, ...]]


@table
def load(told: Told) -> EnvironmentTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    groups: dict[str, list[Variable]] = defaultdict(list)
    for row in told.rows("variable", Variable):
        for key in ("when", "unless"):
            require(row, key, holds=_compiles(getattr(row, key)), else_say="not a regular expression")
        groups[row.name].append(row)
    return EnvironmentTable(told.checked("variable"), {name: tuple(rows) for name, rows in groups.items()})


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
