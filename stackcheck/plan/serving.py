"""What serves each package of a plan: the file, where it comes from, and how far that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.model.redact import without_userinfo
from stackcheck.model.verdict import Level
from stackcheck.model.versions import LATEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.intake.stack import Package, Stack
    from stackcheck.knowledge import Tables
    from stackcheck.model.resolution import LockedPackage, Resolution

PYPI = "https://pypi.org/simple"


@dataclass(frozen=True, slots=True)
class Served:
    """One package of a plan.

    `file` is the wheel, or the source archive that would be built, "" where it is not known; `place` the
    index or page without credentials; `level` that of the evidence, with `evidence` in words.
    """

    name: str
    version: str
    file: str
    place: str
    built: bool
    level: Level
    evidence: str


def served(
    stack: Stack, resolution: Resolution | None, tables: Tables, *, unpacked: bool = False
) -> tuple[Served, ...]:
    """Return what serves each package that a stack states, in its order.

    `unpacked` says that the files of the wheels were looked at for this stack.
    """
    return tuple(_served(stack, resolution, tables, unpacked=unpacked))


def _served(
    stack: Stack, resolution: Resolution | None, tables: Tables, *, unpacked: bool
) -> Iterator[Served]:
    for name, package in stack.packages.items():
        locked = resolution.by_name.get(name) if resolution else None
        place = without_userinfo(package.index or package.find_links or stack.index.url or PYPI)
        if locked is not None:
            yield _of_file(locked, place, tables, unpacked=unpacked)
        else:
            yield _of_tables(name, package, place, stack, tables)


def _of_file(locked: LockedPackage, place: str, tables: Tables, *, unpacked: bool) -> Served:
    row = tables.measured.row(locked.name, locked.version)
    measured = bool(row and row.sha256 and row.sha256 == locked.sha256)
    level, evidence = Level.RESOLVED, "taken by the resolver"
    if not locked.is_wheel:
        evidence = "found by the resolver; building it was not tried"
    elif unpacked:
        level, evidence = Level.BYTES, "unpacked, and its files were judged"
    elif measured and row:
        level, evidence = (
            Level.BYTES,
            f"taken by the resolver; its bytes were read on {row.checked}",
        )
    version = str(locked.version)
    return Served(
        locked.name, version, locked.filename, locked.index or place, not locked.is_wheel, level, evidence
    )


def _of_tables(name: str, package: Package, place: str, stack: Stack, tables: Tables) -> Served:
    """Return what the tables know of a package that was not resolved."""
    version, built = package.exact, package.origin == "source"
    row = tables.measured.row(name, version) if version and not built else None
    fits = bool(row and stack.python and row.serves(stack.python, stack.platform))
    evidence = (
        "the tables know a wheel for this Python and platform; not resolved" if fits else "not resolved"
    )
    shown = "" if package.version == LATEST else package.version
    return Served(name, shown, "", place, built, Level.STATED, evidence)
