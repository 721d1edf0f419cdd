"""The rows that somebody wrote, by kind, from every folder: each file is read when its rows are asked for.

A row of one's own beside ours is one more row. One about the same as ours that says otherwise takes its
place where it states why (`overrides`), and is refused where it does not: nobody can tell which is right.
Of a row that a command wrote (`made`) and ours the one that was checked last counts, and needs no reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache, wraps
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from stackcheck.knowledge.folders import TOLD, Folder, in_order
from stackcheck.knowledge.kinds import KINDS, SUBJECTS, Kind, kinds_in
from stackcheck.knowledge.reading import Document, Row, Where, fault, read_document, read_rows
from stackcheck.storage.reading import as_named, read_text

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

R = TypeVar("R", bound=Row)
T_co = TypeVar("T_co", covariant=True)


class Told:
    """What the files of some folders say; ours are those of the first."""

    def __init__(self, places: tuple[Folder, ...]) -> None:
        """Take the folders, and read nothing yet."""
        self.folders = places
        self._paths: dict[Folder, dict[str, Path]] = {}
        self._documents: dict[Path, Document] = {}
        self._packages: dict[str, tuple[str, ...]] = {}
        self._known: dict[tuple[str, str], bool] = {}

    def rows(
        self, name: str, row_class: type[R], of: str = "", order: Callable[[R], Any] | None = None
    ) -> tuple[R, ...]:
        """Return the rows of a kind, those of one package where `of` names it, a folder's own before ours.

        `order` sorts the rows where a folder adds some. Raises TableError naming file, line and key.
        """
        kind = KINDS[name]
        merged: tuple[R, ...] = ()
        added = False
        for folder in self.folders:
            found = [
                row
                for document in self.documents(folder, kind, of)
                if name in document.arrays
                for row in read_rows(document, name, row_class, kind.named)
            ]
            added = added or bool(found and folder.own)
            merged = _merged(kind, merged, found) if folder.own else tuple(found)
        return tuple(sorted(merged, key=order)) if order and added else merged

    def with_files(self) -> frozenset[str]:
        """Return the packages that have a file; none is read for it."""
        return frozenset(stem for folder in self.folders for stem in self.paths(folder)) - SUBJECTS

    def packages(self, name: str) -> Iterator[str]:
        """Yield the packages that have rows of a kind, by name; files that do not name it are not parsed."""
        if name not in self._packages:  # every stack of a run asks
            self._packages[name] = tuple(self._with_rows(name))
        yield from self._packages[name]

    def _with_rows(self, name: str) -> Iterator[str]:
        head = f"[[{name}]]"
        stems = {
            stem
            for folder in self.folders
            for stem, path in self.paths(folder).items()
            if stem not in SUBJECTS and (path in self._documents or head in read_text(path))
        }
        yield from (stem for stem in sorted(stems) if self.has(name, stem))

    def has(self, name: str, package: str) -> bool:
        """Tell whether a package has rows of a kind."""
        known = self._known.get((name, package))
        if known is None:  # every rule of every stack asks for the same few
            kind = KINDS[name]
            known = self._known[name, package] = any(
                name in document.arrays
                for folder in self.folders
                for document in self.documents(folder, kind, package)
            )
        return known

    def checked(self, *names: str) -> date:
        """Return the last day that a file with rows of these kinds was held against its sources."""
        return max(
            document.checked
            for folder in self.folders
            for name in names
            for document in self.documents(folder, KINDS[name])
            if name in document.arrays
        )

    def paths(self, folder: Folder) -> Mapping[str, Path]:
        """Return the files of a folder by the package or subject that they are about."""
        if folder not in self._paths:
            self._paths[folder] = {path.stem: path for path in sorted((folder.path / TOLD).glob("*.toml"))}
        return self._paths[folder]

    def leave_out(self, folder: Folder, but: Iterable[Path]) -> None:
        """Read no files of a folder but these: who looks for faults has named those of the others."""
        kept = set(but)
        self._paths[folder] = {stem: path for stem, path in self.paths(folder).items() if path in kept}
        self._packages.clear()
        self._known.clear()

    def documents(self, folder: Folder, kind: Kind, of: str = "") -> Iterator[Document]:
        """Yield the files of a folder in which rows of a kind may stand."""
        paths = self.paths(folder)
        wanted = (
            [of] if of else [kind.file] if kind.file else [stem for stem in paths if stem not in SUBJECTS]
        )
        for stem in wanted:
            if stem in paths and not (of in SUBJECTS and not kind.file):
                yield self.document(folder, paths[stem])

    def document(self, folder: Folder, path: Path) -> Document:
        """Return one file, read once, its arrays proven to be known ones and in their place."""
        if path not in self._documents:
            document = read_document(path, as_named(path) if folder.own else "")
            for fault_text in _misplaced(document):
                fault(fault_text)
            self._documents[path] = document
        return self._documents[path]

    def own_kinds(self) -> frozenset[str]:
        """Return the kinds of which folders that are not ours have rows; every file of theirs is read."""
        return frozenset(
            name
            for folder in self.folders
            if folder.own
            for path in self.paths(folder).values()
            for name in self.document(folder, path).arrays
        )


class ByPackage(Mapping[str, tuple[R, ...]], Generic[R]):
    """Package -> its rows of one kind, read when they are asked for."""

    def __init__(
        self,
        told: Told,
        name: str,
        row_class: type[R],
        prove: Callable[[tuple[R, ...]], object] | None = None,
    ) -> None:
        """Take what to read; `prove` names the faults among the rows of a package."""
        self._told, self._name, self._class, self._prove = told, name, row_class, prove
        self._known: dict[str, tuple[R, ...]] = {}

    def __getitem__(self, package: str) -> tuple[R, ...]:
        if package not in self._known:
            rows = self._told.rows(self._name, self._class, package)
            if self._prove:
                self._prove(rows)
            self._known[package] = rows
        if not self._known[package]:
            raise KeyError(package)
        return self._known[package]

    def __contains__(self, package: object) -> bool:
        return isinstance(package, str) and self._told.has(self._name, package)

    def __iter__(self) -> Iterator[str]:
        return self._told.packages(self._name)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def about(rows: Mapping[str, tuple[R, ...]], packages: Iterable[str]) -> Iterator[R]:
    """Yield the rows that are about some packages."""
    for package in packages:
        yield from rows.get(package, ())


def current() -> Told:
    """Return what is told in all folders that are read in this process."""
    return _told(in_order())


@lru_cache(maxsize=16)
def _told(places: tuple[Folder, ...]) -> Told:
    return Told(places)


class Load(Protocol[T_co]):
    """Return a table of what is told: in these folders, else in all that are read in this process."""

    def __call__(self, told: Told | None = None) -> T_co:
        """Raise TableError naming file, line and key."""


def table(make: Callable[[Told], T_co]) -> Load[T_co]:
    """Make a table of what is told once for each set of folders."""
    kept = cache(make)

    @wraps(make)
    def load(told: Told | None = None) -> T_co:
        return kept(told or current())

    return load


def _misplaced(document: Document) -> Iterator[str]:
    """Say which arrays of a file nobody reads: unknown ones, and those of another file."""
    from stackcheck.model.near import did_you_mean  # noqa: PLC0415 - costs nothing where nothing is wrong

    allowed = kinds_in(document.stem)
    for name in document.arrays:
        if name in allowed:
            continue
        at = f"{as_named(document.path)}:{Where(document.path, name, 1).line()}: {name}"
        if name not in KINDS:
            guess = did_you_mean(name, list(allowed))
            yield f"{at}: unknown kind of row{guess}{'' if guess.endswith('?') else '.'}"
        else:
            yield f"{at}: such rows stand in {KINDS[name].file or 'the file of a package'}.toml."
    for name in document.head:
        yield f"{as_named(document.path)}:1: {name}: unknown key; known: checked, sources, and kinds of rows."


def _merged(kind: Kind, before: tuple[R, ...], added: Iterable[R]) -> tuple[R, ...]:
    """Return rows with those of a further folder, which come first."""
    kept, rest = [], list(before)
    for row in added:
        clashing = [each for each in rest if same_fact(kind, each, row)]
        if row.made and any(each.checked > row.checked for each in clashing):
            continue
        other = next((each for each in clashing if not agree(each, row)), None)
        if other and not row.overrides and not row.made:
            why = "state in `overrides` why it is right, or leave it out"
            fault(row.where.says("overrides", f"this row says otherwise than {other.where}; {why}"))
        kept.append(row)
        rest = [left for each in rest if (left := _without(kind, each, row) if each in clashing else each)]
    return (*kept, *rest)


def same_fact(kind: Kind, one: Row, other: Row) -> bool:
    """Tell whether two rows of a kind are about the same: the same subject, and versions that meet."""
    return all(_key(getattr(one, key)) == _key(getattr(other, key)) for key in kind.about) and (
        not kind.span or spans_meet(getattr(one, kind.span), getattr(other, kind.span))
    )


def agree(one: Row, other: Row) -> bool:
    """Tell whether two rows about the same say the same, whatever their sources and dates."""
    aside = {"source", "checked", "note", "overrides", "made", "where", "origin"}
    return all(
        _key(getattr(one, name)) == _key(getattr(other, name))
        for name in one.__struct_fields__
        if name not in aside
    )


def spans_meet(one: Any, other: Any) -> bool:
    """Tell whether two lists of versions, or two ranges, have a version in common."""
    from stackcheck.model.versions import ranges_meet  # noqa: PLC0415 - only where rows are compared

    if isinstance(one, tuple):
        return not set(one).isdisjoint(other)
    return ranges_meet(one, other)


def _without(kind: Kind, row: R, own: R) -> R | None:
    """Return what is left of a row beside one's own about the same; a range stays whole, and comes second."""
    if not kind.span or getattr(row, kind.span) == getattr(own, kind.span):
        return None
    if not isinstance(getattr(row, kind.span), tuple):
        return row
    left = tuple(each for each in getattr(row, kind.span) if each not in getattr(own, kind.span))
    changes: dict[str, Any] = {kind.span: left}
    return msgspec.structs.replace(row, **changes) if left else None


def _key(value: Any) -> Any:
    if isinstance(value, str):
        return value.lower()
    return dict(value) if isinstance(value, Mapping) else value
