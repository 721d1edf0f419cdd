"""Extend what is known from the wheels on a package index: read, never invent.

Everything comes out of wheels: file names, METADATA, and single files of torch (`torchfiles.py`) and of nvcc
(`toolkitrows.py`). What a wheel does not say is left out of the new row, and a release's CUDA list is marked
unverified. The index is reached through a `Source`, so that all of this can be tested with literals.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
from packaging.version import Version

from stackcheck.knowledge.declaredrows import declared_row, newer_wheels, newest_declared
from stackcheck.knowledge.matters import Matters
from stackcheck.knowledge.toolkitrows import HEADERS, NVCC, OLDER, nvcc_wheels, toolkit_row
from stackcheck.knowledge.torchfiles import ArchList
from stackcheck.knowledge.torchrows import arch_list_of, arch_list_row, rows
from stackcheck.knowledge.wheelrows import (
    Addition,
    IndexFile,
    NotStatedError,
    Source,
    Wheels,
    file_version,
    newest_row,
    quoted,
    releases,
)
from stackcheck.model.errors import ResolveError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from datetime import date

    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.cuda import CudaTable
    from stackcheck.knowledge.packages import Newest, PackageTable
    from stackcheck.knowledge.torch import TorchTable

PROJECTS = ("torch", "torchvision", "torchaudio")
FIRST = {"torch": Version("1.7"), "torchvision": Version("0.8"), "torchaudio": Version("0.7")}
MOST_RELEASES = 20
"""New releases of one project that are read in one go."""


class Refresh(msgspec.Struct, frozen=True):
    """What a refresh found: rows to add, differences from rows that are there, what could not be read."""

    additions: tuple[Addition, ...] = ()
    changes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def joined(self, other: Refresh) -> Refresh:
        """Return what two of them found together."""
        return Refresh(
            (*self.additions, *other.additions),
            (*self.changes, *other.changes),
            (*self.unread, *other.unread),
        )


NOT_LOOKED_AT = (
    "not looked at: the content of measured/ (`stackcheck learn PACKAGE` reads it again), what sdists "
    "declare, and what no package index says: drivers, toolkits before 11.7, the capabilities of cudnn, "
    "gpus, rocm, images, systems, variables, assets, places, pyg-pages and every trap"
)
"""What a refresh leaves as it is, so that "nothing new" does not sound like all there is."""


def refresh_all(source: Source, known: Tables, today: date) -> Refresh:
    """Return what the index has and the tables have not, of everything that an index says."""
    torch = known.measured.package("torch")
    glibc = {str(row.version): row.glibc for row in torch.rows if row.glibc} if torch else {}
    last = {name: package.last for name in known.measured.names if (package := known.measured.package(name))}
    return (
        refresh(source, known.torch, today, glibc=glibc)
        .joined(refresh_toolkits(source, known.cuda, today))
        .joined(refresh_newest(source, known.packages.newest, today))
        .joined(refresh_declared(source, known.packages, Matters(known), today))
        .joined(refresh_measured(source, {name: each for name, each in last.items() if each is not None}))
    )


def refresh_newest(source: Source, newest: Mapping[str, Newest], today: date) -> Refresh:
    """Return a row for each package whose newest release on the index is a later one than is known."""
    additions: list[Addition] = []
    unread: list[str] = []
    for name, row in sorted(newest.items()):
        try:
            files = source.files(name)
        except ResolveError as error:
            unread.append(f"{name}: {error}")
            continue
        found = max((each for file in files if (each := _final(file, name))), default=None)
        if found is not None and found > row.version:
            additions.append(newest_row(name, found, today))
    return Refresh(tuple(additions), (), tuple(unread))


def _final(file: IndexFile, name: str) -> Version | None:
    """Return the version of a file of a package that is final and not withdrawn."""
    parsed = file_version(file.name, name)
    good = parsed is not None and file.yanked is None and not parsed.is_prerelease and not parsed.local
    return parsed if good else None


def refresh_toolkits(source: Source, known: CudaTable, today: date) -> Refresh:
    """Return a row for each CUDA toolkit whose nvcc is on the index and that is not known yet."""
    found = Refresh()
    for project, headers in (*((each, each) for each in OLDER), (NVCC, HEADERS)):
        found = found.joined(_toolkits(source, project, headers, known, today))
    return found


def _toolkits(source: Source, project: str, headers: str, known: CudaTable, today: date) -> Refresh:
    """Return the rows by the wheels of one project of nvcc; `headers`: the project of its headers."""
    additions: list[Addition] = []
    unread: list[str] = []
    try:
        wheels = nvcc_wheels(source.files(project))
        beside = wheels if headers == project else nvcc_wheels(source.files(headers))
    except ResolveError as error:
        return Refresh(unread=(f"{project}: {error}",))
    for version, wheel in wheels.items():
        if known.toolkit(version) is not None:
            continue
        try:
            additions.append(toolkit_row(source, wheel, beside.get(version), today))
        except (ResolveError, NotStatedError) as error:
            unread.append(f"toolkit {version}: {error}")
    return Refresh(tuple(additions), (), tuple(unread))


def refresh_declared(source: Source, table: PackageTable, matters: Container[str], today: date) -> Refresh:
    """Return a row for each version after the last whose requirements are told, torch's own apart."""
    additions: list[Addition] = []
    unread: list[str] = []
    for dist in sorted(table.declared_dists - set(PROJECTS)):
        try:
            files = source.files(dist)
        except ResolveError as error:
            unread.append(f"{dist}: {error}")
            continue
        newer = newer_wheels(files, dist, newest_declared(table, dist))
        for version, file in list(newer.items())[-MOST_RELEASES:]:
            try:
                additions.append(declared_row(source, file, version, matters, today))
            except (ResolveError, NotStatedError) as error:
                unread.append(f"{dist} {version}: {error}")
    return Refresh(tuple(additions), (), tuple(unread))


def refresh_measured(source: Source, measured: Mapping[str, Version]) -> Refresh:
    """Return which measured packages have later releases; `measured`: name -> the last that was read."""
    changes: list[str] = []
    unread: list[str] = []
    for name, last in sorted(measured.items()):
        try:
            found = [each for file in source.files(name) if (each := _final(file, name))]
        except ResolveError as error:
            unread.append(f"measured/{name}: {error}")
            continue
        later = sorted({each for each in found if each > last})
        if later:
            says = f"ends with {last}, the index has {', '.join(map(str, later[:5]))}"
            changes.append(f"measured/{name}: {says}; `stackcheck learn {name}` reads it")
    return Refresh((), tuple(changes), tuple(unread))


def refresh(
    source: Source,
    table: TorchTable,
    today: date,
    most: int = MOST_RELEASES,
    glibc: Mapping[str, Version] = MappingProxyType({}),
) -> Refresh:
    """Return what the index has and the table has not; what cannot be read whole is named, not guessed.

    glibc: what the symbols of releases of torch need, as `learn` read it, for those whose names do not say.
    """
    additions: list[Addition] = []
    changes: list[str] = []
    unread: list[str] = []
    for project in PROJECTS:
        try:
            found = releases(source.files(project), FIRST[project])
        except ResolveError as error:
            unread.append(f"{project}: {error}")
            continue
        for name, each in found.items() if project == "torch" else ():
            each.glibc = str(glibc.get(name, ""))
        known = {str(version) for version in _known(table, project)}
        new = [each for name, each in found.items() if name not in known]
        if len(new) > most:
            unread.append(f"{project}: {len(new) - most} more new releases; refresh again")
        arches = _arch_list(table, new[0].version) if new and project == "torch" else None
        for each in new[:most]:
            try:
                additions += rows(source, project, each, today)
                if project == "torch":
                    says = arch_list_of(source, each)
                    if says is not None and says != arches:
                        additions.append(arch_list_row(each, says, today))
                    arches = says or arches
            except (ResolveError, NotStatedError) as error:
                unread.append(f"{project} {each.version}: {error}")
        changes += [
            line for name in sorted(known & set(found)) for line in _differences(table, project, found[name])
        ]
    return Refresh(tuple(additions), tuple(changes), tuple(unread))


def _arch_list(table: TorchTable, torch: Version) -> ArchList | None:
    """Return what the last release before a new one takes in TORCH_CUDA_ARCH_LIST."""
    row = table.arch_names_of(torch)
    return ArchList(row.arches, row.names, row.native) if row else None


def render_diff(found: Refresh) -> str:
    """Return what a refresh would change, as text."""
    lines: list[str] = []
    for each in found.additions:
        lines += [f"+ {line}" for line in each.text.strip().splitlines()] + [""]
    lines += [f"~ {change}" for change in found.changes]
    lines += [f"? not read: {each}" for each in found.unread]
    count = f"{len(found.additions)} new rows, {len(found.changes)} changes, {len(found.unread)} not read"
    return "\n".join([*lines, count if lines else "nothing new on the index"]) + "\n"


def _known(table: TorchTable, project: str) -> list[Version]:
    if project == "torch":
        return [row.torch for row in table.releases]
    return [row.version for row in table.companions if row.name == project]


def _differences(table: TorchTable, project: str, found: Wheels) -> list[str]:
    """Say where the index differs from a row: new Pythons, withdrawn releases; rows stay as they are."""
    row = table.release(found.version) if project == "torch" else table.companion(project, found.version)
    if row is None:
        return []
    lines = []
    for platform, pythons in found.pythons.items():
        more = [each for each in pythons if each not in row.python.get(platform, ())]
        if more:
            lines.append(
                f"{project} {found.version}: wheels for {platform} for Python {' '.join(more)} as well"
            )
    if found.yanked and not getattr(row, "yanked", ""):
        lines.append(f"{project} {found.version}: withdrawn from the index: {quoted(found.yanked)}")
    return lines
