"""`stackcheck tables`: what stackcheck knows, with sources and dates, and how that is extended."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge
from stackcheck.cli import output
from stackcheck.knowledge import measured
from stackcheck.knowledge.describe import view
from stackcheck.knowledge.reading import FOLDER, own_folder, read_file
from stackcheck.knowledge.refresh import refresh, render_diff, write_own
from stackcheck.model.errors import EXIT_OK, EXIT_UNCHECKED, UsageError
from stackcheck.model.escape import one_line
from stackcheck.model.near import did_you_mean
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Entry, Lines, Listing, Section, Table
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import PYPI, WheelIndex

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from pathlib import Path


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
        metavar="TABLE|VERSION|refresh",
        help="print the rows of these tables (measured/PACKAGE: what its wheels say); what is known about a "
        "version (2.5.0, 12.4); or read newer releases of torch from the package index and print what they "
        "would add",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="with refresh: add the rows to your own tables, which are read after "
        "those that ship, from $STACKCHECK_TABLES or ~/.local/share/stackcheck/tables",
    )
    parser.add_argument("--index", default=PYPI, metavar="URL", help="with refresh; default: %(default)s")
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command: 3 when a refresh could not read everything."""
    if args.names == ["refresh"]:
        return _refresh(args)
    if args.names and args.names[0][:1].isdigit():
        _write_text("\n".join(_known(name) for name in args.names), args)
        return EXIT_OK
    every: dict[str, list[Path]] = defaultdict(list)
    for path in knowledge.files():
        every[path.stem].append(path)
    told = tuple(every)
    for path in measured.files():
        every[f"{measured.MEASURED}/{path.stem}"].append(path)
    unknown = [name for name in args.names if name not in every]
    if unknown:
        raise UsageError(f"there is no table {unknown[0]!r}{did_you_mean(unknown[0], list(every))}")
    chosen = [_read(path) for name in args.names or told for path in every[name]]
    output.write_document(document(chosen, whole=bool(args.names)), args)
    return EXIT_OK


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
    found = refresh(source, knowledge.load().torch, today)
    text = render_diff(found)
    if args.write and found.additions:
        text += f"added to {write_own(found.additions, own_folder(), today)}\n"
    _write_text(text, args)
    return EXIT_UNCHECKED if found.unread else EXIT_OK


def _read(path: Path) -> TableFile:
    document = read_file(path)
    rows = {key: [dict(row) for row in value] for key, value in document.items() if isinstance(value, list)}
    name = str(path.relative_to(FOLDER).with_suffix("")) if path.is_relative_to(FOLDER) else str(path)
    return TableFile(name, str(document.get("checked", "")), document.get("sources", {}), rows)


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
    names = sorted({path.stem for path in measured.files()})
    by_package = Listing(f"{measured.MEASURED}/PACKAGE, of {len(names)} packages", (Entry(", ".join(names)),))
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
