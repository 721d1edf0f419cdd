"""Read a file of knowledge strictly: rows become frozen structs, a fault names file, line and key.

A file is TOML with a top-level `checked` (the date that its rows were last held against their sources; a row
may carry a later one of its own), a `[sources]` table (key -> text with an address) and arrays of rows. Every
row has a `source`: one or several keys of `[sources]` (a list), or a text of its own. `{name}` in a source
text stands for that field of the row. A list of words ("3.10 3.11 3.12") may be written as one text, which is
read twice as fast.

Rows and tables are structs of msgspec, for the start: sixty classes are made in a millisecond, where
dataclasses take fifty (measured 2026-11-30, CPU of a fresh process). Their values are read here, for the
faults: msgspec would read the rows about torch in 7 ms in place of 8, and names neither line nor known words.

The annotations of a row class are its schema, so the modules that define one do not import
`annotations` from `__future__`.
"""

import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from stackcheck.model.errors import TableError, UsageError
from stackcheck.storage.confinement import anywhere
from stackcheck.storage.parsing import parse_toml
from stackcheck.storage.reading import as_named, read_text
from stackcheck_probes.binaries.capability import Capability, Ptx, Sass, parse_capability, parse_code


class Where(msgspec.Struct, frozen=True):
    """Where a row stands: the file, its array, its number in it from 1. As text: file and line."""

    path: Path
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{as_named(self.path)}:{self.line()}"

    def line(self, key: str = "") -> int:
        """Return the line of the row's head, or of one of its keys; the file is read again for it."""
        try:
            lines = read_text(self.path).splitlines()
        except UsageError:
            return 1
        heads = [n for n, line in enumerate(lines, 1) if line.strip() == f"[[{self.kind}]]"]
        head = heads[self.number - 1] if self.number <= len(heads) else 1
        wanted = re.compile(rf"\s*[\"']?{re.escape(key.partition('.')[0])}[\"']?\s*=")
        for number, line in enumerate(lines[head:], head + 1):
            if not key or line.startswith("["):
                break
            if wanted.match(line):
                return number
        return head

    def says(self, key: str, text: str) -> str:
        """Return a sentence about one key of the row, with file and line."""
        return f"{as_named(self.path)}:{self.line(key)}: {self.kind}: {key}: {text.removesuffix('.')}."


NOWHERE = Where(Path(), "", 0)
"""Of a row that was made of something else than a file."""


class Row(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """What every row has. A row is itself and no other, whatever stands in it: `told.agree` compares two.

    source: where it can be read again. checked: the day it was. unverified: no primary source confirms it, so
    it may warn and never fail a stack (`stackcheck.rules.grading`). note: what a reader must know. overrides:
    why a row of one's own takes the place of one that ships. where: file and row.
    """

    source: str
    checked: date
    unverified: bool = False
    note: str = ""
    overrides: str = ""
    made: str = ""
    """The command that wrote it: of two such rows about the same the one that was checked last counts."""
    where: Where = NOWHERE
    origin: str = ""
    """Whose it is, where it is not ours: the name of its file, as verdicts show it."""

    @cached_property
    def cited(self) -> str:
        """The source with its date, as a verdict shows it."""
        doubt = ", unverified" if self.unverified else ""
        whose = f"; stated in {self.origin}" if self.origin else ""
        instead = f", in the place of what ships: {self.overrides}" if self.overrides else ""
        return f"{self.source} (checked {self.checked}{doubt}{whose}{instead})"


R = TypeVar("R", bound=Row)
_GIVEN = frozenset({"where", "origin"})
"""Fields that the reader fills in."""


class Document(msgspec.Struct, frozen=True):
    """One file: when it was checked, its sources, its arrays of rows as they stand, other keys at its top.

    origin: how verdicts name it, "" for one that ships.
    """

    path: Path
    checked: date
    sources: Mapping[str, str]
    arrays: Mapping[str, list[dict[str, Any]]]
    head: Mapping[str, Any]
    origin: str = ""

    @property
    def stem(self) -> str:
        """Return the name of the package or subject."""
        return self.path.stem


def read_document(path: Path, origin: str = "") -> Document:
    """Read one file. Raises TableError, naming it, when it cannot be read, is not TOML, or has no date."""
    try:
        with anywhere(allowed=True):  # tables are ours or the user's, whoever's files are read meanwhile
            table = parse_toml(read_text(path), str(path))
    except UsageError as error:
        raise TableError(str(error)) from None
    checked, sources = table.pop("checked", None), table.pop("sources", {})
    if type(checked) is not date:
        raise TableError(f"{as_named(path)}:1: checked: a file states the date that it was checked.")
    if not isinstance(sources, dict) or not all(isinstance(each, str) for each in sources.values()):
        raise TableError(f"{as_named(path)}:1: sources: this must be a table of texts.")
    arrays = {key: rows for key, rows in table.items() if _is_array(rows)}
    head = {key: value for key, value in table.items() if key not in arrays}
    return Document(path, checked, sources, arrays, head, origin)


def _is_array(rows: Any) -> bool:
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)


def read_rows(document: Document, kind: str, row_class: type[R], named: str = "") -> tuple[R, ...]:
    """Return the rows of one array; `named` is the key that the file's name gives.

    Raises TableError, naming file, line and key, for an unknown or missing key, a wrong type, a value that
    does not parse, and a row without a source; within `every_fault`, leaves those rows out.
    """
    schema: Mapping[str, _Field] = _schema(row_class)
    found = []
    for number, row in enumerate(document.arrays.get(kind, ()), 1):
        try:
            found.append(
                _read_row(document, Where(document.path, kind, number), row, row_class, schema, named)
            )
        except TableError as error:
            fault(str(error))
    return tuple(found)


_FAULTS: ContextVar[list[str] | None] = ContextVar("faults", default=None)


@contextmanager
def every_fault() -> Iterator[list[str]]:
    """Collect the faults of rows instead of stopping at the first one."""
    found: list[str] = []
    token = _FAULTS.set(found)
    try:
        yield found
    finally:
        _FAULTS.reset(token)


def fault(text: str) -> None:
    """Raise TableError, or note the fault where every one of them is wanted."""
    found = _FAULTS.get()
    if found is None:
        raise TableError(text)
    found.append(text)


def unique(rows: Iterable[R], key: Callable[[R], Any], what: str) -> dict[Any, R]:
    """Index rows by `key`; a second row that has the same is a fault."""
    index: dict[Any, R] = {}
    for row in rows:
        name = key(row)
        if name in index:
            fault(row.where.says(what, f"{_shown(name)} stands in {index[name].where} already"))
        index.setdefault(name, row)
    return index


def require(row: Row, key: str, *, holds: bool, else_say: str) -> None:
    """Name a fault at `row` and `key` unless an invariant holds."""
    if not holds:
        fault(row.where.says(key, else_say))


def _read_row(  # noqa: PLR0913, PLR0917 - a row, where it stands, and what it becomes
    document: Document,
    where: Where,
    row: Mapping[str, Any],
    row_class: type[R],
    schema: Mapping[str, "_Field"],
    named: str,
) -> R:
    for key in row:
        if key not in schema or key in _GIVEN:
            names = ", ".join(sorted(schema.keys() - _GIVEN))
            raise TableError(where.says(key, f"unknown key; known: {names}"))
    values: dict[str, Any] = {"where": where, "checked": document.checked, "origin": document.origin}
    if named:
        values[named] = document.stem
        if row.get(named, document.stem) != document.stem:
            raise TableError(where.says(named, f"rows about {row[named]!r:.80} stand in {row[named]}.toml"))
    for key, each in schema.items():
        if key in row and key != "source":
            values[key] = each.parse(row[key], where, key)
        elif each.required and key not in values and key != "source":
            raise TableError(where.says(key, "this key is missing"))
    values["source"] = _source(document, where, {**row, **values})
    return row_class(**values)


def _source(document: Document, where: Where, row: Mapping[str, Any]) -> str:
    stated = row.get("source")
    keys = [stated] if isinstance(stated, str) else stated
    if not keys or not isinstance(keys, list) or not all(isinstance(key, str) and key for key in keys):
        raise TableError(where.says("source", "every row names its source"))
    texts = []
    for key in keys:
        text = document.sources.get(key, key)
        if text is key and not re.search(r"[\s/]", key):
            raise TableError(where.says("source", f"{key!r} is not a key of [sources]"))
        filled = (
            re.sub(r"\{(\w+)\}", lambda match: str(row.get(match[1], match[0])), text)
            if "{" in text
            else text
        )
        texts.append(filled)
    return "; ".join(texts)


class _Field(typing.NamedTuple):
    parse: Callable[[Any, Where, str], Any]
    required: bool


@cache
def _schema(row_class: type[Row]) -> dict[str, "_Field"]:
    return {
        each.name: _Field(_parser(each.type), each.required) for each in msgspec.structs.fields(row_class)
    }


def _parser(hint: Any) -> Callable[[Any, Where, str], Any]:
    """Return how a TOML value becomes a field of type `hint`; raise TypeError for a type no row uses."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:  # X | None: a key that is absent is None, TOML has no null
        (inner,) = (each for each in arguments if each is not type(None))
        return _parser(inner)
    if origin is tuple:
        item = _parser(arguments[0])
        return lambda value, where, key: tuple(item(each, where, key) for each in _words(value, where, key))
    if origin in (Mapping, dict):
        inner = _parser(arguments[1])
        return lambda value, where, key: {
            name: inner(each, where, f"{key}.{name}")
            for name, each in _expect(dict, value, where, key).items()
        }
    if origin is typing.Literal:
        return lambda value, where, key: _one_of(arguments, value, where, key)
    if hint in (str, int, bool, date):
        return lambda value, where, key: _expect(hint, value, where, key)
    if hint is Where:
        return lambda value, _where, _key: value
    if make := _CODES.get(hint) or _versions().get(hint):
        once = lru_cache(maxsize=4096)(make)  # the same few hundred texts stand in thousands of fields
        return lambda value, where, key: _from_text(once, value, where, key)
    raise TypeError(f"no field of a row can be a {hint!r}")


_CODES: dict[Any, Callable[[str], Any]] = {
    Capability: parse_capability,
    Sass: lambda text: parse_code(f"sm_{text}"),
    Ptx: lambda text: parse_code(f"compute_{text}"),
}


@cache
def _versions() -> Mapping[Any, Callable[[str], Any]]:
    """Return how versions and ranges are made of text; the table of GPUs needs none, and not `packaging`."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415
    from packaging.version import Version  # noqa: PLC0415

    from stackcheck.model.versions import (  # noqa: PLC0415
        DriverVersion,
        parse_driver_version,
        parse_specifier,
        parse_version,
    )

    return {Version: parse_version, DriverVersion: parse_driver_version, SpecifierSet: parse_specifier}


def _from_text(make: Callable[[str], Any], value: Any, where: Where, key: str) -> Any:
    text = _expect(str, value, where, key)
    try:
        return make(text)
    except ValueError as error:
        raise TableError(where.says(key, str(error))) from None


def _words(value: Any, where: Where, key: str) -> list[Any]:
    return value.split() if isinstance(value, str) else _expect(list, value, where, key)


def _expect(kind: Any, value: Any, where: Where, key: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TableError(where.says(key, f"this must be a {kind.__name__}, found {value!r:.80}"))
    return value


def _one_of(values: tuple[Any, ...], value: Any, where: Where, key: str) -> Any:
    if value not in values:
        words = ", ".join(map(repr, values))
        raise TableError(where.says(key, f"this must be one of {words}, found {value!r:.80}"))
    return value


def _shown(name: Any) -> str:
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)
