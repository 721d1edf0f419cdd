"""A document for a person at a terminal: the outcome and how far, what to do, then the details."""

from __future__ import annotations

import textwrap
from functools import lru_cache
from itertools import chain, pairwise, zip_longest
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from stackcheck.model.escape import block, one_line
from stackcheck.model.evidence import Outcome
from stackcheck.report import columns
from stackcheck.report.document import Document, Entry, Finding, Lines, Listing, Part, Row, Section, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from stackcheck.model.verdict import Verdict

    Paint: TypeAlias = Callable[[str, str], str]

_INDENT = " " * 6
_EVIDENCE_SHOWN = {Outcome.FAIL: 5, Outcome.ERROR: 5, Outcome.WARN: 1}
"""How much evidence a person gets to see; every other format has all of it."""
_EXPLAINED = 5
"""How many codes stand in the line that says where they are explained."""
_STYLES = {"Not checked": "SKIP", "Not reached": "SKIP"}


def plain(_style: str, text: str) -> str:
    """Return text without any colour."""
    return text


class Look(NamedTuple):
    """How text is laid out, and how much of it."""

    width: int = 100
    """Columns of a paragraph, where words allow."""
    columns: int | None = None
    """Columns of the terminal, for tables; None where there is none: a table is then as wide as it is."""
    verbose: bool = False
    """Also what passed, every code, and all evidence."""
    paint: Paint = plain
    """Colours a word: the styles are the outcome names, NOTHING, ACCEPTED, `strong`, `dim`."""


def render_text(
    document: Document,
    *,
    width: int = 100,
    columns: int | None = None,
    verbose: bool = False,
    paint: Paint | None = None,
) -> str:
    """Render a document for people; the overview first, as `Look` says.

    An empty line stands between sections, but not between those that have one line each.
    """
    look = Look(max(width, 40), columns, verbose, paint or plain)
    parts = [] if document.sections else [f"{look.paint('NOTHING', 'NOTHING')}  {document.empty}"]
    if document.overall:
        word = document.sections[0].outcome
        parts += [f"{look.paint(word, f'{word:<5}')} {one_line(document.overall)}"]
    parts += ["\n".join(_table(document.overview, look))] if document.overview else []
    parts += ["\n".join(_section(section, look)) for section in document.sections]
    # A line break ends each part, and another one stands between two of which one has several lines.
    ends = ["\n\n" if "\n" in before or "\n" in after else "\n" for before, after in pairwise(parts)]
    return "".join(chain.from_iterable(zip(parts, [*ends, "\n"], strict=True)))


def verdict_text(verdict: Verdict, *, width: int = 100) -> str:
    """Render one verdict as it stands in a report."""
    from stackcheck.report.sections import finding  # noqa: PLC0415 - not every document has verdicts

    return "\n".join(_part(finding(verdict), Look(width)))


def _section(section: Section, look: Look) -> Iterator[str]:
    yield from _body(section, look) if section.name else list(_body(section, look))[1:]


def _body(section: Section, look: Look) -> Iterator[str]:
    """Yield the lines below a heading, an empty one before each part."""
    yield from _heading(section, look)
    shown = section.shown
    entries = tuple(Entry(each.heading) for each in section.passed) if look.verbose else ()
    more = [Listing("Passed", entries)] if entries else []
    for part in (*shown, *more):
        yield ""
        yield from _part(part, look)
    if section.tail:
        yield from ("", *map(one_line, section.tail))
    if codes := [one_line(each.code, 40) for each in shown if isinstance(each, Finding) and each.code]:
        yield f"what a code means: stackcheck explain {' '.join(dict.fromkeys(codes[:_EXPLAINED]))}"


def _heading(section: Section, look: Look) -> Iterator[str]:
    if not section.name:
        return
    word = f"{section.outcome:<5} " if section.outcome else ""
    name = one_line(section.name, 120)
    headline = f": {one_line(section.headline)}" if section.headline else ""
    first, *more = _told(f"{word}{name}{headline}", look.columns)
    if first.startswith(word + name):  # not where a narrow terminal breaks the name itself
        rest = first.removeprefix(word + name)
        first = look.paint(section.outcome, word[:-1]) + " " if word else ""
        first += look.paint("strong", name) + rest
    yield from (first, *more)
    for number, step in enumerate(section.do):
        yield from _wrapped(one_line(step), look, name="" if number else "do")
    for note in section.notes:
        yield from _wrapped(one_line(note), look)


def _told(text: str, columns: int | None) -> Sequence[str]:
    """Return a headline: one line where no terminal breaks it, to be searched for."""
    return [text] if columns is None or len(text) <= columns else _broken(text, columns, "", _INDENT)


def _part(part: Part, look: Look) -> Iterator[str]:
    match part:
        case Finding():
            return _finding(part, look)
        case Listing():
            return _listing(part, look)
        case Table():
            return _table(part, look)
        case Lines():
            return _lines(part, look.width)


def _finding(part: Finding, look: Look) -> Iterator[str]:
    style = part.word if part.word in {*Outcome.__members__, "ACCEPTED"} else part.outcome.word
    label = look.paint(style, f"{one_line(part.word, 40):<5}") + (
        f" {one_line(part.note, 40)}" if part.note else ""
    )
    code = look.paint("strong", one_line(part.code, 40)) + "  " if part.code else " "
    yield f"{label} {code}{one_line(part.title, 200)}"
    for line in block(part.message):
        yield from _wrapped(line, look)
    for row in _rows(part, verbose=look.verbose):
        yield from _wrapped(row.text, look, name=row.name)


def _rows(part: Finding, *, verbose: bool = False) -> Iterator[Row]:
    """Yield what stands under the message: all for a FAIL, less for what needs no action now."""
    most = 0 if part.accepted else _EVIDENCE_SHOWN.get(part.outcome, 0)
    most = len(part.rows) if verbose else most
    seen = [row for row in part.rows if row.name == "see" and (verbose or row.value not in part.message)]
    for row in part.rows:
        if row.name != "see" and (not part.accepted or row.name in {"because", "note"}):
            yield Row(row.name, one_line(row.value))
    for row in seen[:most]:
        yield Row("see", one_line(row.value, 300), one_line(row.source, 160))
    if len(seen) > most > 1:
        yield Row("see", f"… ({len(seen) - most} more: -v shows all)")


def _listing(part: Listing, look: Look) -> Iterator[str]:
    heading = one_line(part.heading)
    yield look.paint(_STYLES.get(part.heading, "strong"), heading.upper() if part.loud else heading)
    after = [each.do for each in part.entries[1:]]
    for entry, following in zip_longest(part.entries, after):
        yield from _wrapped(one_line(entry.line), look)
        if entry.do and entry.do != following:  # what several have in common is said once, below the last
            yield from _wrapped(one_line(entry.do), look, name="do")


def _lines(part: Lines, width: int) -> Iterator[str]:
    """Yield plain lines; literal ones, and what is wrapped, set off: none can pass for a line of ours."""
    for line in part.lines:
        if part.literal:
            yield from (f"    {each}".rstrip() for each in block(line) or [""])
        else:
            first, *rest = textwrap.wrap(one_line(line), width - 4, break_long_words=False) or [""]
            yield from (first, *(f"    {each}" for each in rest))


def _table(table: Table, look: Look) -> Iterator[str]:
    """Yield columns two spaces apart; a word that is an outcome, and leads its row, is coloured."""
    cells = [[one_line(cell, 120) for cell in row] for row in (table.headers, *table.rows)]
    rows = [*columns.lines(cells, table.right, look.columns)]
    rows.insert(1, [["-" * len(cell) for cell in rows[0][0]]])
    for row in rows:
        word = row[0][0].rstrip()
        if word in Outcome.__members__:
            row[0][0] = look.paint(word, row[0][0])
        yield from ("  ".join(line).rstrip() for line in row)


def _wrapped(text: str, look: Look, *, name: str | None = None) -> Iterator[str]:
    """Break a line at spaces, below its name; a long path or address stays whole, to be copied."""
    first = _INDENT if name is None else f"{_INDENT}{name:<9} "
    lead = look.paint("dim", first)
    if text and len(first) + len(text) <= look.width and text[-1] != " ":
        yield lead + text  # most lines need no breaking
        return
    indent = " " * len(first)
    for number, line in enumerate(_broken(text, look.width, indent, indent)):
        yield lead + line[len(first) :] if number == 0 else line


@lru_cache(maxsize=4096)
def _broken(text: str, width: int, first: str, indent: str) -> Sequence[str]:
    """Return the lines of a text; many stacks are told the same."""
    return textwrap.wrap(
        text,
        width=width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
