"""Extend the torch table from the wheels on a package index: read, never invent.

Everything comes out of wheels: file names, METADATA, `torch/version.py`, the arch string of
`libtorch_python.so`. What a wheel does not say (which other CUDA builds exist on PyTorch's own index, the C++
ABI, the NumPy API) is left out of the new row, and a release's CUDA list is marked unverified. The index is
reached through a `Source`, so that all of this can be tested with literals.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.knowledge.folders import SHIPPED, TOLD, VARIABLE, Folder
from stackcheck.knowledge.told import Told
from stackcheck.knowledge.torch import load
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
    rows,
)
from stackcheck.model.errors import ResolveError, TableError
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from stackcheck.knowledge.packages import Newest
    from stackcheck.knowledge.torch import TorchTable

PROJECTS = ("torch", "torchvision", "torchaudio")
FIRST = {"torch": Version("1.7"), "torchvision": Version("0.8"), "torchaudio": Version("0.7")}
MOST_RELEASES = 20
"""New releases of one project that are read in one go."""


@dataclass(frozen=True, slots=True)
class Refresh:
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
    "not looked at: measured/ (`stackcheck learn PACKAGE` reads it again), and toolkits, drivers, cudnn, "
    "gpus, rocm, images, systems, variables, places and pyg-pages, which no package index says"
)
"""What a refresh leaves as it is, so that "nothing new" does not sound like all there is."""


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


def refresh(source: Source, table: TorchTable, today: date) -> Refresh:
    """Return what the index has and the table has not; what cannot be read whole is named, not guessed."""
    additions: list[Addition] = []
    changes: list[str] = []
    unread: list[str] = []
    for project in PROJECTS:
        try:
            found = releases(source.files(project), FIRST[project])
        except ResolveError as error:
            unread.append(f"{project}: {error}")
            continue
        known = {str(version) for version in _known(table, project)}
        new = [each for name, each in found.items() if name not in known]
        if len(new) > MOST_RELEASES:
            unread.append(f"{project}: {len(new) - MOST_RELEASES} more new releases; refresh again")
        for each in new[:MOST_RELEASES]:
            try:
                additions += rows(source, project, each, today)
            except (ResolveError, NotStatedError) as error:
                unread.append(f"{project} {each.version}: {error}")
        changes += [
            line for name in sorted(known & set(found)) for line in _differences(table, project, found[name])
        ]
    return Refresh(tuple(additions), tuple(changes), tuple(unread))


def render_diff(found: Refresh) -> str:
    """Return what a refresh would change, as text."""
    lines: list[str] = []
    for each in found.additions:
        lines += [f"+ {line}" for line in each.text.strip().splitlines()] + [""]
    lines += [f"~ {change}" for change in found.changes]
    lines += [f"? not read: {each}" for each in found.unread]
    count = f"{len(found.additions)} new rows, {len(found.changes)} changes, {len(found.unread)} not read"
    return "\n".join([*lines, count if lines else "nothing new on the index"]) + "\n"


_NEWEST = re.compile(r"(\[\[newest\]\]\n)version = .*\n((?:(?!checked|\[\[|\n).*\n)*)(?:checked = .*\n)?")
"""The row of a package about its newest release: its version and its day are what a refresh changes."""


def extended(text: str, additions: Iterable[Addition], today: date) -> str:
    """Return the text of a package's file with new rows, each at its place in the order of versions."""
    for each in additions:
        if each.kind == "newest" and _NEWEST.search(text):
            text = _NEWEST.sub(rf'\g<1>version = "{each.version}"\n\g<2>checked = {today}\n', text)
            continue
        head = re.compile(rf'^\[\[{each.kind}\]\]\n(?:torch|version) = "([^"]+)"', re.MULTILINE)
        later = (match for match in head.finditer(text) if Version(match[1]) > each.version)
        match = next(later, None)
        at = match.start() if match else len(text)
        before, after = text[:at].rstrip("\n"), text[at:]
        text = f"{before}\n\n{each.text.strip()}\n" + (f"\n{after}" if after else "")
    return text


def write_own(additions: Iterable[Addition], own: Path, today: date) -> list[Path]:
    """Add rows to a folder of knowledge, once they are proven to load after ours; return the files.

    A file is whole or as it was. Raises TableError naming file, line and key when a new text is not valid,
    or when it cannot be written.
    """
    texts: dict[str, str] = {}
    try:
        for each in additions:
            path = own / TOLD / f"{each.package}.toml"
            before = texts.get(each.package) or (read_text(path) if path.exists() else f"checked = {today}\n")
            texts[each.package] = extended(before, [each], today)
        with tempfile.TemporaryDirectory() as candidate:
            _write(texts, Path(candidate) / TOLD)
            load(Told((Folder(SHIPPED), Folder(Path(candidate), own=True))))
        return _write(texts, own / TOLD)
    except OSError as error:
        says = f"this cannot be written ({error.strerror}); name another folder in {VARIABLE}"
        raise TableError(f"{own}: {says}.") from None


def _write(texts: Mapping[str, str], folder: Path) -> list[Path]:
    for name, text in texts.items():
        write_atomically(folder / f"{name}.toml", text.encode())
    return [folder / f"{name}.toml" for name in texts]


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
