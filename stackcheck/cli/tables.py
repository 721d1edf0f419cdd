"""`stackcheck tables`: what stackcheck knows, with sources and dates, and how that is extended."""

from __future__ import annotations

import dataclasses
import json
import os
import tomllib
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from stackcheck import tables
from stackcheck.cli import output
from stackcheck.definition import did_you_mean
from stackcheck.errors import EXIT_OK, EXIT_UNCHECKED, UsageError
from stackcheck.report.escape import one_line
from stackcheck.resolving.index import Fetcher
from stackcheck.resolving.wheelindex import PYPI, WheelIndex
from stackcheck.tables.reading import FOLDER, own_folder
from stackcheck.tables.refresh import refresh, render_diff, write_own
from stackcheck.tables.view import view

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
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
        help="print the rows of these tables; what is known about a version (2.5.0, 12.4); or read newer "
        "releases of torch from the package index and print what they would add",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="with refresh: add the rows to your own tables, which are read after "
        "those that ship, from $STACKCHECK_TABLES or ~/.local/share/stackcheck/tables",
    )
    parser.add_argument("--index", default=PYPI, metavar="URL", help="with refresh; default: %(default)s")
    output.configure(parser, ("text", "json"))


def execute(args: argparse.Namespace) -> int:
    """Run the command: 3 when a refresh could not read everything."""
    if args.names == ["refresh"]:
        return _refresh(args)
    if args.names and args.names[0][:1].isdigit():
        output.write("\n".join(_known(name) for name in args.names), args.output)
        return EXIT_OK
    every: dict[str, list[Path]] = defaultdict(list)
    for path in tables.files():
        every[path.stem].append(path)
    unknown = [name for name in args.names if name not in every]
    if unknown:
        raise UsageError(f"there is no table {unknown[0]!r}{did_you_mean(unknown[0], list(every))}")
    chosen = [_read(path) for name in args.names or every for path in every[name]]
    if args.format == "json":
        rows = [dataclasses.asdict(table) for table in chosen]
        output.write(json.dumps(rows, indent=2, default=str) + "\n", args.output)
    else:
        output.write(_rows(chosen) if args.names else _index(chosen), args.output)
    return EXIT_OK


def _known(version: str) -> str:
    text = view(version, tables.load(), datetime.now(UTC).date())
    if text is None:
        newest = tables.load()
        raise UsageError(
            f"nothing is known about {version!r}: the tables end with torch {newest.torch.newest.torch} and "
            f"CUDA {newest.cuda.newest.version}; `stackcheck tables refresh` reads newer releases of torch"
        )
    return text


def _refresh(args: argparse.Namespace) -> int:
    source, today = WheelIndex(Fetcher(os.environ), args.index), datetime.now(UTC).date()
    found = refresh(source, tables.load().torch, today)
    text = render_diff(found)
    if args.write and found.additions:
        text += f"added to {write_own(found.additions, own_folder(), today)}\n"
    output.write(text, args.output)
    return EXIT_UNCHECKED if found.unread else EXIT_OK


def _read(path: Path) -> TableFile:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = {key: [dict(row) for row in value] for key, value in document.items() if isinstance(value, list)}
    name = path.stem if path.parent == FOLDER else str(path)
    return TableFile(name, str(document.get("checked", "")), document.get("sources", {}), rows)


def _index(files: list[TableFile]) -> str:
    rows = [
        [table.name, ", ".join(f"{len(found)} {kind}" for kind, found in table.rows.items()), table.checked]
        for table in files
    ]
    return tabulate(rows, ["table", "rows", "checked"], tablefmt="plain", disable_numparse=True) + "\n"


def _rows(files: list[TableFile]) -> str:
    parts = []
    for table in files:
        parts.append(f"# {table.name}, checked {table.checked}")
        for kind, rows in table.rows.items():
            parts += [f"\n## {kind}", *(_row(row) for row in rows)]
        parts += ["\n## sources", *(f"{key}: {one_line(text)}" for key, text in table.sources.items())]
    return "\n".join(parts) + "\n"


def _row(row: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {one_line(value, 400)}" for key, value in row.items())
