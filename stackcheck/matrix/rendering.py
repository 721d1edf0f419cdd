"""A matrix as a document for every format, as CSV, and as JSON that is read again. Pure."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stackcheck import __version__
from stackcheck.matrix.cells import STATES, Cell, Host, Matrix, MatrixRow
from stackcheck.matrix.libraries import data_of, gpus_of, rows_of
from stackcheck.matrix.page import SHORT, counted, page
from stackcheck.model.enumeration import some
from stackcheck.model.errors import ReportError
from stackcheck.model.escape import one_line
from stackcheck.model.verdict import Outcome
from stackcheck.report.document import Document, Entry, Listing, Section, Table
from stackcheck.report.wording import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.matrix.comparing import Move

SCHEMA_VERSION = 1
_OUTCOMES = {
    "works": Outcome.PASS,
    "ptx": Outcome.PASS,
    "warned": Outcome.WARN,
    "cpu": Outcome.PASS,
    "unknown": Outcome.SKIP,
    "fails": Outcome.FAIL,
}
_MOST_CAUSES = 40


def document(matrix: Matrix, moved: Sequence[Move] | None = None) -> Document:
    """Return a matrix as one section: the table, what its codes mean, what moved."""
    outcomes = [_OUTCOMES[state] for state, count in matrix.counts.items() if count]
    worst = Outcome.FAIL if Outcome.FAIL in outcomes else max(outcomes, default=None)
    section = Section(
        name=f"{plural(len(matrix.rows), 'stack')} on {plural(len(matrix.hosts), 'host')}",
        headline=counted(matrix),
        outcome="NOTHING" if worst in (None, Outcome.SKIP) else worst.word,
        parts=(_table(matrix), *_causes(matrix), *_notes(matrix), *_moves(moved)),
    )
    own = {"html": lambda: page(matrix, moved), "csv": lambda: as_csv(matrix)}
    return Document((section,), lambda: data(matrix, moved), package="stackcheck.matrix", own=own)


def shown(cell: Cell) -> str:
    """Return a cell of a table: its word, the code that decides, and the level of the evidence."""
    word = f"{SHORT[cell.state]} {cell.code}" if cell.code and cell.state != "works" else SHORT[cell.state]
    since = f"since {cell.fails_since[:10]}" if cell.fails_since else ""
    known = ", ".join(filter(None, (cell.level, since)))
    return f"{word} ({known})" if known else word


def _table(matrix: Matrix) -> Table:
    rows = tuple((row.title, *map(shown, row.cells)) for row in matrix.rows)
    return Table(("stack", *(host.title for host in matrix.hosts)), rows)


def _causes(matrix: Matrix) -> list[Listing]:
    """Return each cause once, with the cells that it holds for, the most frequent first."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in matrix.rows:
        for host, cell in zip(matrix.hosts, row.cells, strict=True):
            if cell.state != "works" and cell.cause:
                found.setdefault((cell.code, cell.cause), []).append(f"{row.title} on {host.title}")
    ranked = sorted(found.items(), key=lambda item: -len(item[1]))
    entries = [
        Entry(f"{one_line(f'{code}: {cause}' if code else cause, 300).rstrip('.')} {_some(where)}")
        for (code, cause), where in ranked[:_MOST_CAUSES]
    ]
    if len(ranked) > _MOST_CAUSES:
        entries.append(Entry(f"and {len(ranked) - _MOST_CAUSES} more causes; --format json has all"))
    return [Listing("Why", tuple(entries))] if entries else []


def _some(where: Sequence[str]) -> str:
    return f"({some(where, 3, '; ')})"


def _notes(matrix: Matrix) -> list[Listing]:
    entries = [Entry(f"{row.title}: {', '.join(row.notes)}") for row in matrix.rows if row.notes]
    return [Listing("Put in the place of what is pinned", tuple(entries), loud=False)] if entries else []


def _moves(moved: Sequence[Move] | None) -> list[Listing]:
    if moved is None:
        return []
    worse = [Entry(str(move)) for move in moved if move.worse]
    better = [Entry(str(move)) for move in moved if not move.worse]
    said = [Listing("Worse", tuple(worse)), Listing("Better, or gone", tuple(better), loud=False)]
    return [each for each in said if each.entries] or [Listing("Nothing moved", (), loud=False)]


def as_csv(matrix: Matrix) -> str:
    """Return a line a cell, RFC 4180; a text that a spreadsheet would compute begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ("stack", "torch", "gpu", "driver", "host", "state", "level", "code", "cause", "since", "fails_since")
    )
    for row in matrix.rows:
        for host, cell in zip(matrix.hosts, row.cells, strict=True):
            line = (row.stack, row.torch, host.gpu, host.driver, host.name)
            values = (*line, cell.state, cell.level, cell.code, cell.cause, cell.since, cell.fails_since)
            writer.writerow([_harmless(one_line(value)) for value in values])
    return text.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def data(matrix: Matrix, moved: Sequence[Move] | None = None) -> dict[str, Any]:
    """Return a matrix as JSON values."""
    rows = [
        {"stack": row.stack, "torch": row.torch, "notes": list(row.notes), "cells": [*map(asdict, row.cells)]}
        for row in matrix.rows
    ]
    made = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "stackcheck", "version": __version__},
        "hosts": [asdict(host) for host in matrix.hosts],
        "counts": dict(matrix.counts),
        "matrix": rows,
        "started": matrix.started,
        "libraries": data_of(matrix.libraries, gpus_of(matrix.hosts)),
    }
    if moved is not None:
        made["moved"] = [asdict(move) | {"worse": move.worse} for move in moved]
    return made


def matrix_of(document: Any, source: str) -> Matrix:
    """Read what `data` gave. Raises ReportError, naming `source`, for anything else."""
    try:
        _require_version(document["schema_version"])
        hosts = tuple(Host(**_texts(row)) for row in document["hosts"])
        rows = tuple(_row(row, len(hosts)) for row in document["matrix"])
        libraries = rows_of(document.get("libraries", ()), gpus_of(hosts))
        started = str(document.get("started", ""))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        told = one_line(f"{type(error).__name__}: {error}", 160)
        raise ReportError(
            f"{source}: this is not a matrix ({told}); give what `stackcheck matrix --format json` wrote."
        ) from None
    return Matrix(hosts, rows, libraries, started)


def _require_version(version: Any) -> None:
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema_version is not {SCHEMA_VERSION}")


def _row(row: Any, width: int) -> MatrixRow:
    cells = tuple(Cell(**_texts(each)) for each in row["cells"])
    if len(cells) != width:
        raise ValueError(f"{len(cells)} cells stand under {width} hosts")
    if unknown := [cell.state for cell in cells if cell.state not in STATES]:
        raise ValueError(f"unknown state {unknown[0]!r}")
    return MatrixRow(str(row["stack"]), cells, str(row["torch"]), tuple(map(str, row["notes"])))


def _texts(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
        raise TypeError("an object of texts has to stand here")
    return row
