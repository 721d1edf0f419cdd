"""Tables in as many columns as a terminal has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackcheck.report import render_document
from stackcheck.report.document import Document, Section, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = (
    (
        "cuda124-torch25-py311",
        "FAIL",
        "torch 2.5.0 with spconv, made consistent",
        "matrices/pointcept.toml",
        "17",
    ),
    ("b", "PASS", "", "m/b.toml", "4"),
)


def table(columns: int | None, rows: Sequence[tuple[str, ...]] = ROWS) -> list[str]:
    headers = ("stack", "result", "summary", "file", "checks")
    section = Section(parts=(Table(headers, tuple(rows), right=4),))
    return render_document(Document((section,)), "text", columns=columns).splitlines()


def test_without_a_terminal_a_row_is_a_line() -> None:
    lines = table(None)
    assert len(lines) == 4
    assert lines[2].split("  ")[-1].strip() == "17"
    assert all(cell in lines[2] for cell in ROWS[0])


@pytest.mark.parametrize("columns", [40, 60, 72, 80, 99])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(columns: int) -> None:
    lines = table(columns)
    assert max(map(len, lines)) <= columns
    assert len(lines) > 4
    header = lines[0]
    starts = [header.index(name) for name in ("stack", "result", "summary", "file", "checks")]
    cells = [
        "".join(line[start:end].strip() for line in lines[2:])
        for start, end in zip(starts, [*starts[1:], None], strict=True)
    ] if columns > 60 else []  # fmt: skip
    for number, cell in enumerate(cells[:4]):
        assert cell.replace(" ", "") == "".join(row[number] for row in ROWS).replace(" ", "")


def test_a_cell_is_broken_within_a_word_only_where_it_has_to_be() -> None:
    lines = table(80)
    assert [line.split("  ")[0] for line in lines[2:4]] == ["cuda124-torch25-", "py311"]


def test_a_hostile_cell_ends() -> None:
    lines = table(40, [("x" * 5000, "-" * 500, "/ " * 300, "", "\x1b[31m")])
    assert max(map(len, lines)) <= 40
