"""`stackcheck tables`: what stackcheck knows, with sources and dates, and how that is extended."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge
from stackcheck.cli import output
from stackcheck.knowledge.checking import faults
from stackcheck.knowledge.describe import view
from stackcheck.knowledge.extending import write_own
from stackcheck.knowledge.folders import MEASURED, SHIPPED, TOLD, in_order, own_folder
from stackcheck.knowledge.reading import read_document
from stackcheck.knowledge.refresh import NOT_LOOKED_AT, refresh_all, render_diff
from stackcheck.model.errors import EXIT_OK, EXIT_UNCHECKED, EXIT_USAGE, TableError, UsageError
from stackcheck.model.escape import one_line
from stackcheck.model.near import did_you_mean
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Entry, Lines, Listing, Section, Table
from stackcheck.report.wording import plural
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import PYPI, WheelIndex

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class TableFile:
    """One table file: its rows by kind, and the day they were last held against their sources."""

    name: str
    checked: str
    sources: Mapping[str, str]
    rows: Mapping[str, list[dict[str, Any]]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME|VERSION|refresh|check",
        help="print the rows about these packages and subjects (measured/PACKAGE: what its wheels say); what "
        "is known about a version (2.5.0, 12.4); `refresh`: read newer releases from the package index and "
        "print what they would add; `check [FOLDER]`: name every fault of a folder of knowledge",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="with refresh: add the rows to your own, in the folder of $STACKCHECK_KNOWLEDGE, that of the "
        "project (`knowledge = [...]`), else ~/.local/share/stackcheck/knowledge",
    )
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="with refresh --write: add them there")
    parser.add_argument("--index", default=PYPI, metavar="URL", help="with refresh; default: %(default)s")
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command: 2 for faults of knowledge, 3 when a refresh could not read everything."""
    if args.names == ["refresh"]:
        return _refresh(args)
    if args.names[:1] == ["check"]:
        return _check(args)
    if args.names and args.names[0][:1].isdigit():
        _write_text("\n".join(_known(name) for name in args.names), args)
        return EXIT_OK
    every = _every()
    told = tuple(name for name in every if not name.startswith(f"{MEASURED}/"))
    unknown = [name for name in args.names if name not in every]
    if unknown:
        raise UsageError(f"nothing is known of {unknown[0]!r}{did_you_mean(unknown[0], list(every))}")
    chosen = [_read(path) for name in args.names or told for path in every[name]]
    output.write_document(document(chosen, whole=bool(args.names)), args)
    return EXIT_OK


def _every() -> dict[str, list[Path]]:
    """Return the files by the name of the package or subject, ours first."""
    every: dict[str, list[Path]] = {}
    for path in knowledge.files():
        name = f"{MEASURED}/{path.stem}" if path.parent.name == MEASURED else path.stem
        every.setdefault(name, []).append(path)
    return every


def _check(args: argparse.Namespace) -> int:
    """Name every fault of the folders that are named, or of all that are read."""
    named = [Path(each) for each in args.names[1:]]
    if missing := next((each for each in named if not each.is_dir()), None):
        raise UsageError(f"{missing}: this is not a folder of knowledge.")
    today = datetime.now(UTC).date()
    places = named or [each.path for each in in_order()]
    found = [line for place in places for line in faults(place, today)]
    rows = sum(
        len(value) for place in places for path in place.glob(f"{TOLD}/*.toml") for value in _arrays(path)
    )
    _write_text(
        "\n".join([*found, f"{plural(rows, 'row')} in told/, {plural(len(found), 'fault')}"]) + "\n", args
    )
    return EXIT_USAGE if found else EXIT_OK


def _arrays(path: Path) -> list[list[dict[str, Any]]]:
    try:
        return list(read_document(path).arrays.values())
    except TableError:
        return []


def _known(version: str) -> str:
    text = view(version, knowledge.load(), datetime.now(UTC).date())
    if text is None:
        newest = knowledge.load()
        raise UsageError(
            f"nothing is known about {version!r}: the tables end with torch {newest.torch.newest.torch} and "
            f"CUDA {newest.cuda.newest.version}; `stackcheck tables refresh` reads newer releases of torch"
        )
    return text


def _refresh(args: argparse.Namespace) -> int:
    source, today = WheelIndex(Fetcher(os.environ), args.index), datetime.now(UTC).date()
    found = refresh_all(source, knowledge.load(), today)
    text = f"{render_diff(found)}{NOT_LOOKED_AT}\n"
    if args.write and found.additions:
        paths = write_own(found.additions, args.to or own_folder(), today)
        text += "".join(f"added to {path}\n" for path in paths)
    _write_text(text, args)
    return EXIT_UNCHECKED if found.unread else EXIT_OK


def _read(path: Path) -> TableFile:
    found = read_document(path)
    name = str(path.relative_to(SHIPPED).with_suffix("")) if path.is_relative_to(SHIPPED) else str(path)
    return TableFile(name.removeprefix(f"{TOLD}/"), str(found.checked), found.sources, found.arrays)


def document(files: Sequence[TableFile], *, whole: bool) -> Document:
    """Return the tables with all their rows, or only what each of them holds."""
    sections = tuple(map(_rows, files)) if whole else (_index(files),)
    return Document(sections, lambda: [_data(table) for table in files])


def _data(table: TableFile) -> Any:
    return json.loads(json.dumps(dataclasses.asdict(table), default=str))


def _index(files: Sequence[TableFile]) -> Section:
    rows = [
        (table.name, ", ".join(f"{len(found)} {kind}" for kind, found in table.rows.items()), table.checked)
        for table in files
    ]
    names = sorted(name.partition("/")[2] for name in _every() if name.startswith(f"{MEASURED}/"))
    by_package = Listing(f"{MEASURED}/PACKAGE, of {len(names)} packages", (Entry(", ".join(names)),))
    return Section(title="tables", parts=(Table(("table", "rows", "checked"), tuple(rows)), by_package))


def _rows(table: TableFile) -> Section:
    parts = [Listing(kind, tuple(Entry(_row(row)) for row in rows)) for kind, rows in table.rows.items()]
    sources = tuple(Entry(f"{key}: {text}") for key, text in table.sources.items())
    return Section(table.name, f"checked {table.checked}", parts=(*parts, Listing("sources", sources)))


def _write_text(text: str, args: argparse.Namespace) -> None:
    """Write text that is laid out already; as text it stays as it is, to be read or applied."""
    if args.format == "text":
        output.write(text, args.output)
        return
    section = Section(title="tables", parts=(Lines(tuple(text.splitlines()), literal=True),))
    output.write_document(Document((section,), lambda: {"text": text}), args)


def _row(row: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {one_line(value, 400)}" for key, value in row.items())
