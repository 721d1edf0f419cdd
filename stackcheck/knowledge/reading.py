"""Read a table file strictly: rows become frozen dataclasses, and every fault names file, row and key.

A table file is TOML with a top-level `checked` (the date that its rows were last held against their sources;
a row may carry a later one of its own), a `[sources]` table (key -> text with an address) and arrays of rows.
Every row has a `source`: one or several keys of `[sources]` (a list), or a text of its own. `{name}` in a
source text stands for that field of the row. A list of words ("3.10 3.11 3.12") may be written as one text,
which is read twice as fast.

A user's own tables are read after ours, with the same checks: files of the same names in `own_folder`. A row
of theirs takes the place of ours that is about the same thing, unless ours was checked later.

No library starts as fast (measured 2026-11-30, milliseconds of CPU in a fresh process): this module reads the
1,333 rows that ship in 30. Of the torch table, which takes it 12, msgspec converts the rows in 7 and takes 40
to import; pydantic 8, with 63 to import and 145 to build three models; cattrs takes 90 to import.

The annotations of a row class are its schema, so the modules that define one do not import
`annotations` from `__future__`.
"""

import dataclasses
import os
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from stackcheck.model.errors import TableError, UsageError
from stackcheck.storage.folders import xdg_folder
from stackcheck.storage.parsing import parse_toml
from stackcheck.storage.reading import read_text, stands
from stackcheck_probes.binaries.capability import Capability, Ptx, Sass, parse_capability, parse_code

FOLDER = Path(__file__).parent
DO = "correct it, or name another folder in STACKCHECK_TABLES"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What every row of every table has.

    source: where the row can be read again. checked: the day it was. unverified: no primary source confirms
    it, so it may warn and never fail a stack (`stackcheck.rules.grading`). note: what a reader must know.
    where: file and row, for messages.
    """

    source: str
    checked: date
    unverified: bool = False
    note: str = ""
    where: str = dataclasses.field(default="", compare=False)
    cited: str = dataclasses.field(default="", init=False, compare=False)
    """The source with its date, as a verdict shows it."""

    def __post_init__(self) -> None:
        doubt = ", unverified" if self.unverified else ""
        object.__setattr__(self, "cited", f"{self.source} (checked {self.checked}{doubt})")


R = TypeVar("R", bound=Row)
Table = Mapping[str, Any]


def own_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where a user's own tables lie: $STACKCHECK_TABLES, else `tables` in the XDG data folder."""
    stated = environ.get("STACKCHECK_TABLES")
    return Path(stated) if stated else xdg_folder(environ, "XDG_DATA_HOME", ".local/share") / "tables"


def read_table(name: str, folder: Path = FOLDER, own: Path | None = None) -> dict[str, Any]:
    """Read `<folder>/<name>.toml`, and beside the shipped one that of the user's own folder (key "own").

    Raises TableError, naming the file, when it cannot be read, is not TOML, or has no `checked` date.
    """
    table = read_file(folder / f"{name}.toml", "reinstall stackcheck")
    table["file"] = f"{name}.toml"
    own = own_folder() if own is None and folder == FOLDER else own
    if own and stands(path := own / f"{name}.toml"):
        table["own"] = read_file(path)
        table["own"]["sources"] = table["sources"] | table["own"]["sources"]
    return table


def read_file(path: Path, do: str = DO) -> dict[str, Any]:
    """Return the document of one table file; `do` is the advice where it cannot be one."""
    try:
        table = parse_toml(read_text(path), str(path))
    except UsageError as error:
        raise TableError(f"{str(error).removesuffix('.')}; {do}.") from None
    if not isinstance(table.get("checked"), date):
        raise TableError(f"{path.name}: checked: a table states the date that it was checked.")
    if not isinstance(table.setdefault("sources", {}), dict):
        raise TableError(f"{path.name}: sources: this must be a table of texts.")
    table["file"] = str(path)
    return table


def read_rows(
    table: Table,
    key: str,
    row_class: type[R],
    *,
    same: Callable[[R], Any] | None = None,
    order: Callable[[R], Any] | None = None,
) -> tuple[R, ...]:
    """Return the rows of the array `key` as `row_class`, a user's own after ours.

    `same` names what a row is about: two with the same are one, of which the one that was checked last
    counts, or the user's. `order` sorts the rows where a user has some.
    Raises TableError, naming file, row and key, for an unknown or missing key, a wrong type, a value that
    does not parse, and a row without a source.
    """
    rows = _rows_of(table, key, row_class)
    if key not in table.get("own", {}):
        return rows
    known = {same(row): row for row in rows} if same else {}
    added = _rows_of(table["own"], key, row_class)
    if same:
        added = tuple(
            row for row in added if same(row) not in known or row.checked >= known[same(row)].checked
        )
        for row in added:
            known.pop(same(row), None)
        rows = tuple(known.values())
    merged = (*rows, *added)
    return tuple(sorted(merged, key=order)) if order else merged


def _rows_of(table: Table, key: str, row_class: type[R]) -> tuple[R, ...]:
    rows = table.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TableError(f"{table['file']}: {key}: this table needs an array of [[{key}]] rows.")
    schema: Mapping[str, _Field] = _schema(row_class)  # type: ignore[arg-type] # every class can be hashed
    return tuple(_read_row(table, f"{key}[{n}]", row, row_class, schema) for n, row in enumerate(rows, 1))


def only_keys(table: Table, keys: Iterable[str]) -> None:
    """Raise TableError for a top-level key that no reader knows: a typed-over name must not lose its rows."""
    known = {"checked", "sources", "file", "own", *keys}
    for each in (table, table.get("own", {})):
        for key in each:
            if key not in known:
                names = ", ".join(sorted(known - {"file", "own"}))
                raise TableError(f"{each['file']}: {key}: unknown key; known: {names}.")


def unique(rows: Iterable[R], key: Callable[[R], Any], what: str) -> dict[Any, R]:
    """Index rows by `key`; raise TableError naming the second row that has the same."""
    index: dict[Any, R] = {}
    for row in rows:
        name = key(row)
        if name in index:
            raise TableError(f"{row.where}: {what}: {_shown(name)} stands in {index[name].where} already")
        index[name] = row
    return index


def require(row: Row, key: str, *, holds: bool, else_say: str) -> None:
    """Raise TableError at `row` and `key` unless an invariant of the table holds."""
    if not holds:
        raise TableError(f"{row.where}: {key}: {else_say}")


def _read_row(
    table: Table, where: str, row: Mapping[str, Any], row_class: type[R], schema: Mapping[str, "_Field"]
) -> R:
    where = f"{table['file']}: {where}"
    for key in row:
        if key not in schema or key == "where":
            names = ", ".join(sorted(schema.keys() - {"where"}))
            raise TableError(f"{where}: {key}: unknown key; known: {names}.")
    values: dict[str, Any] = {"where": where, "checked": table["checked"]}
    for key, each in schema.items():
        if key in row and key != "source":
            values[key] = each.parse(row[key], f"{where}: {key}")
        elif each.required and key not in values and key != "source":
            raise TableError(f"{where}: {key}: this key is missing")
    values["source"] = _source(table, where, row)
    return row_class(**values)


def _source(table: Table, where: str, row: Mapping[str, Any]) -> str:
    stated = row.get("source")
    keys = [stated] if isinstance(stated, str) else stated
    if not keys or not isinstance(keys, list) or not all(isinstance(key, str) and key for key in keys):
        raise TableError(f"{where}: source: every row names its source")
    texts = []
    for key in keys:
        text = table["sources"].get(key, key)
        if text is key and not re.search(r"[\s/]", key):
            raise TableError(f"{where}: source: {key!r} is not a key of [sources]")
        texts.append(re.sub(r"\{(\w+)\}", lambda match: str(row.get(match[1], match[0])), text))
    return "; ".join(texts)


class _Field(typing.NamedTuple):
    parse: Callable[[Any, str], Any]
    required: bool


@cache
def _schema(row_class: type[Row]) -> dict[str, "_Field"]:
    hints = typing.get_type_hints(row_class)
    return {
        each.name: _Field(
            _parser(hints[each.name]),
            each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING,
        )
        for each in dataclasses.fields(row_class)
        if each.init
    }


def _parser(hint: Any) -> Callable[[Any, str], Any]:
    """Return how a TOML value becomes a field of type `hint`; raise TypeError for a type no table uses."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:  # X | None: a key that is absent is None, TOML has no null
        (inner,) = (each for each in arguments if each is not type(None))
        return _parser(inner)
    if origin is tuple:
        item = _parser(arguments[0])
        return lambda value, where: tuple(item(each, where) for each in _words(value, where))
    if origin in (Mapping, dict):
        inner = _parser(arguments[1])
        return lambda value, where: {
            key: inner(each, f"{where}.{key}") for key, each in _expect(dict, value, where).items()
        }
    if origin is typing.Literal:
        return lambda value, where: _one_of(arguments, value, where)
    if hint in (str, int, bool, date):
        return lambda value, where: _expect(hint, value, where)
    if make := _CODES.get(hint) or _versions().get(hint):
        return lambda value, where: _from_text(make, value, where)
    raise TypeError(f"no table field can be a {hint!r}")


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


def _from_text(make: Callable[[str], Any], value: Any, where: str) -> Any:
    try:
        return make(_expect(str, value, where))
    except ValueError as error:
        raise TableError(f"{where}: {error}") from None


def _words(value: Any, where: str) -> list[Any]:
    return value.split() if isinstance(value, str) else _expect(list, value, where)


def _expect(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TableError(f"{where}: this must be a {kind.__name__}, found {value!r:.80}")
    return value


def _one_of(values: tuple[Any, ...], value: Any, where: str) -> Any:
    if value not in values:
        raise TableError(f"{where}: this must be one of {', '.join(map(repr, values))}, found {value!r:.80}")
    return value


def _shown(name: Any) -> str:
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)
