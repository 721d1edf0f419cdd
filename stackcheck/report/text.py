"""A document for a person at a terminal: the outcome and how far, what to do, then the details."""

from __future__ import annotations

import textwrap
from functools import lru_cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, TypeAlias

from stackcheck.model.escape import block, one_line
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.report.document import Document, Finding, Lines, Listing, Part, Row, Section, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Paint: TypeAlias = Callable[[str, str], str]

_INDENT = " " * 6
_EVIDENCE_SHOWN = {Outcome.FAIL: 5, Outcome.ERROR: 5, Outcome.WARN: 1}
"""How much evidence a person gets to see; every other format has all of it."""
_STYLES = {"Not checked": "SKIP", "Not reached": "SKIP"}


def plain(_style: str, text: str) -> str:
    """Return text without any colour."""
    return text


def render_text(document: Document, *, width: int = 100, paint: Paint | None = None) -> str:
    """Render a document for people, at most `width` columns wide where words allow; the overview first.

    An empty line stands between sections, but not between those that have one line each.

    `paint(style, text)` colours a word: the styles are the outcome names, NOTHING, ACCEPTED, `strong`, `dim`.
    """
    paint, width = paint or plain, max(width, 40)
    parts = [] if document.sections else [f"{paint('NOTHING', 'NOTHING')}  {document.empty}"]
    parts += ["\n".join(_overall(document, paint))] if document.overview else []
    parts += ["\n".join(_section(section, width, paint)) for section in document.sections]
    # A line break ends each part, and another one stands between two of which one has several lines.
    ends = ["\n\n" if "\n" in before or "\n" in after else "\n" for before, after in pairwise(parts)]
    return "".join(chain.from_iterable(zip(parts, [*ends, "\n"], strict=True)))


def _overall(document: Document, paint: Paint) -> Iterator[str]:
    """Yield the outcome over all sections, and the table of them."""
    if document.overview is None:
        return
    if document.headline:
        word = paint(document.outcome, f"{document.outcome:<5}")
        yield from (f"{word} {one_line(document.title)}: {one_line(document.headline)}", "")
    yield from _table(document.overview, paint)


def verdict_text(verdict: Verdict, *, width: int = 100) -> str:
    """Render one verdict as it stands in a report."""
    from stackcheck.report.sections import finding  # noqa: PLC0415 - not every document has verdicts

    return "\n".join(_part(finding(verdict), width, plain))


def _section(section: Section, width: int, paint: Paint) -> Iterator[str]:
    yield from _body(section, width, paint) if section.name else list(_body(section, width, paint))[1:]


def _body(section: Section, width: int, paint: Paint) -> Iterator[str]:
    """Yield the lines below a heading, an empty one before each part."""
    yield from _heading(section, width, paint)
    for part in section.shown:
        yield ""
        yield from _part(part, width, paint)
    if section.tail:
        yield from ("", *map(one_line, section.tail))


def _heading(section: Section, width: int, paint: Paint) -> Iterator[str]:
    if not section.name:
        return
    word = paint(section.outcome, f"{section.outcome:<5}") + " " if section.outcome else ""
    name = paint("strong", one_line(section.name, 120))
    yield f"{word}{name}: {one_line(section.headline)}" if section.headline else f"{word}{name}"
    for number, step in enumerate(section.do):
        yield from _wrapped(
            one_line(step), width, first=f"{_INDENT}{'' if number else 'do':<9} ", paint=paint
        )
    for note in section.notes:
        yield from _wrapped(one_line(note), width)


def _part(part: Part, width: int, paint: Paint) -> Iterator[str]:
    match part:
        case Finding():
            return _finding(part, width, paint)
        case Listing():
            return _listing(part, width, paint)
        case Table():
            return _table(part, paint)
        case Lines():
            return _lines(part, width)


def _finding(part: Finding, width: int, paint: Paint) -> Iterator[str]:
    style = part.word if part.word in {*Outcome.__members__, "ACCEPTED"} else part.outcome.word
    label = paint(style, f"{one_line(part.word, 40):<5}") + (
        f" {one_line(part.note, 40)}" if part.note else ""
    )
    code = paint("strong", one_line(part.code, 40)) + "  " if part.code else " "
    yield f"{label} {code}{one_line(part.title, 200)}"
    for line in block(part.message):
        yield from _wrapped(line, width)
    for row in _rows(part):
        yield from _wrapped(row.text, width, first=f"{_INDENT}{row.name:<9} ", paint=paint)


def _rows(part: Finding) -> Iterator[Row]:
    """Yield what stands under the message: all for a FAIL, less for what needs no action now."""
    most = 0 if part.accepted else _EVIDENCE_SHOWN.get(part.outcome, 0)
    seen = [row for row in part.rows if row.name == "see"]
    for row in part.rows:
        if row.name != "see" and (not part.accepted or row.name in {"because", "note"}):
            yield Row(row.name, one_line(row.value))
    for row in seen[:most]:
        yield Row("see", one_line(row.value, 300), one_line(row.source, 160))
    if len(seen) > most > 1:
        yield Row("see", f"… ({len(seen) - most} more: --format json shows all)")


def _listing(part: Listing, width: int, paint: Paint) -> Iterator[str]:
    heading = one_line(part.heading)
    yield paint(_STYLES.get(part.heading, "strong"), heading.upper() if part.loud else heading)
    for entry in part.entries:
        yield from _wrapped(one_line(entry.line), width)
        if entry.do:
            yield from _wrapped(one_line(entry.do), width, first=f"{_INDENT}{'do':<9} ", paint=paint)


def _lines(part: Lines, width: int) -> Iterator[str]:
    """Yield plain lines; literal ones, and what is wrapped, set off: none can pass for a line of ours."""
    for line in part.lines:
        if part.literal:
            yield from (f"    {each}".rstrip() for each in block(line) or [""])
        else:
            first, *rest = textwrap.wrap(one_line(line), width - 4, break_long_words=False) or [""]
            yield from (first, *(f"    {each}" for each in rest))


def _table(table: Table, paint: Paint) -> Iterator[str]:
    """Yield columns two spaces apart; a word that is an outcome, and leads its row, is coloured."""
    rows = [[one_line(cell, 120) for cell in row] for row in (table.headers, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        cells = [
            cell.ljust(width) if number < table.right else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        if row[0] in Outcome.__members__:
            cells[0] = paint(row[0], cells[0])
        yield "  ".join(cells).rstrip()


def _wrapped(text: str, width: int, *, first: str = _INDENT, paint: Paint = plain) -> Iterator[str]:
    """Break a line at spaces; a long path or address stays whole, to be copied."""
    for number, line in enumerate(_broken(text, width, " " * len(first))):
        yield paint("dim", first) + line[len(first) :] if number == 0 else line


@lru_cache(maxsize=4096)
def _broken(text: str, width: int, indent: str) -> Sequence[str]:
    """Return the lines of a text; many stacks are told the same."""
    return textwrap.wrap(
        text,
        width=width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
