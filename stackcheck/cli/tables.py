"""`stackcheck tables`: what stackcheck knows, with sources and dates."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from stackcheck.cli import output
from stackcheck.definition import did_you_mean
from stackcheck.errors import UsageError
from stackcheck.report.escape import one_line
from stackcheck.tables.reading import FOLDER

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
    parser.add_argument("names", nargs="*", metavar="TABLE", help="print the rows of these tables")
    output.configure(parser, ("text", "json"))


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    every = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
    unknown = [name for name in args.names if name not in every]
    if unknown:
        raise UsageError(f"there is no table {unknown[0]!r}{did_you_mean(unknown[0], list(every))}")
    chosen = [_read(every[name]) for name in args.names or every]
    if args.format == "json":
        rows = [dataclasses.asdict(table) for table in chosen]
        output.write(json.dumps(rows, indent=2, default=str) + "\n", args.output)
    else:
        output.write(_rows(chosen) if args.names else _index(chosen), args.output)
    return 0


def _read(path: Path) -> TableFile:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = {key: [dict(row) for row in value] for key, value in document.items() if isinstance(value, list)}
    return TableFile(path.stem, str(document.get("checked", "")), document.get("sources", {}), rows)


def _index(tables: list[TableFile]) -> str:
    rows = [
        [table.name, ", ".join(f"{len(found)} {kind}" for kind, found in table.rows.items()), table.checked]
        for table in tables
    ]
    return tabulate(rows, ["table", "rows", "checked"], tablefmt="plain", disable_numparse=True) + "\n"


def _rows(tables: list[TableFile]) -> str:
    parts = []
    for table in tables:
        parts.append(f"# {table.name}, checked {table.checked}")
        for kind, rows in table.rows.items():
            parts += [f"\n## {kind}", *(_row(row) for row in rows)]
        parts += ["\n## sources", *(f"{key}: {one_line(text)}" for key, text in table.sources.items())]
    return "\n".join(parts) + "\n"


def _row(row: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {one_line(value, 400)}" for key, value in row.items())
