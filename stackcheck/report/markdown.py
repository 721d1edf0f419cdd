"""A document as GitHub-flavoured Markdown, for a pull request comment, an issue or a job summary."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from stackcheck.model.escape import block, one_line
from stackcheck.report.document import Document, Finding, Lines, Listing, Part, Row, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$])")
MOST_BYTES = 1_000_000
"""A job summary of GitHub takes 1 MiB a step (docs.github.com, workflow commands; checked 2026-11-30)."""
_AS_CODE = frozenset({"expected", "found", "see", "where", "moved"})
"""Rows whose value is quoted from elsewhere."""


def render_markdown(document: Document) -> str:
    """Render a document as Markdown; the overview first."""
    parts = [] if document.sections else [f"**NOTHING**: {document.empty}"]
    if document.overall:
        parts += [f"# {document.outcome} {inline(document.overall)}"]
    parts += ["\n".join(_table(document.overview, bold=True))] if document.overview else []
    return "\n\n".join(_bounded(parts, document.sections)) + "\n"


def _bounded(head: list[str], sections: Sequence[Section]) -> Iterator[str]:
    """Yield the parts that fit, and say how many do not: the worst are the first."""
    room = MOST_BYTES - 200  # for the last line
    for number, part in enumerate(chain(head, map(_whole, sections))):
        room -= len(part.encode()) + 2
        if room < 0:
            left = len(head) + len(sections) - number
            yield f"{left} more are left out here: a job summary takes 1 MB. `--format html` shows all."
            return
        yield part


def _whole(section: Section) -> str:
    return "\n".join(_section(section))


def inline(text: object) -> str:
    """Return text that Markdown shows as it stands: no markup, HTML, link, mention or issue reference."""
    escaped = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = _SPECIAL.sub(r"\\\1", escaped)
    escaped = re.sub(r"^(\d+)\.|^(-)", r"\1\\." if escaped[:1].isdigit() else r"\\\2", escaped)
    return escaped.replace("@", "@<!-- -->").replace("://", ":<!-- -->//").replace("www.", "www<!-- -->.")


def code(text: object) -> str:
    """Return text as a code span, fenced by more backticks than it holds (CommonMark 6.1)."""
    content = one_line(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", content)), default=0) + 1)
    pad = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{pad}{content}{pad}{fence}"


def _section(section: Section) -> Iterator[str]:
    word = f"{section.outcome} " if section.outcome else ""
    headline = f": {inline(section.headline)}" if section.headline else ""
    if section.name:
        yield f"## {word}{code(section.name)}{headline}"
    if section.do:
        yield from ("", *(f"- do: {inline(step)}" for step in section.do))
    if section.notes:
        yield ""
        yield from (f"{inline(note)}  " for note in section.notes)
    for number, part in enumerate(section.shown):
        yield from [""] if number or section.name else ()
        yield from _part(part)
    if section.tail:
        yield from ("", *map(inline, section.tail))


def _part(part: Part) -> Iterator[str]:
    match part:
        case Finding():
            return _finding(part)
        case Listing():
            return _listing(part)
        case Table():
            return _table(part)
        case Lines():
            return _lines(part)


def _finding(part: Finding) -> Iterator[str]:
    words = [part.word, part.note, part.code, part.title]
    yield f"### {' '.join(inline(word) for word in words if word)}"
    if message := [line for line in block(part.message) if line.strip()]:
        yield from ("", *(f"> {inline(line)}  " for line in message))
    if part.rows:
        yield from ("", *map(_row, part.rows))


def _row(row: Row) -> str:
    value = code(row.value) if row.name in _AS_CODE else inline(row.value)
    return f"- {row.name}: {value}{f', {_source(row.source)}' if row.source else ''}"


def _listing(part: Listing) -> Iterator[str]:
    yield from (f"### {inline(part.heading)}", "")
    for entry in part.entries:
        do = f"; do: {inline(entry.do)}" if entry.do else ""
        yield f"- {inline(entry.line)}{do}"


def _lines(part: Lines) -> Iterator[str]:
    if not part.literal:
        yield from (f"{inline(line)}  " for line in part.lines)
        return
    lines = [line for each in part.lines for line in block(each) or [""]]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (fence, *lines, fence)


def _table(table: Table, *, bold: bool = False) -> Iterator[str]:
    yield f"| {' | '.join(map(inline, table.headers))} |"
    rules = ["---" if number < table.right else "---:" for number in range(len(table.headers))]
    yield f"| {' | '.join(rules)} |"
    for first, *rest in table.rows:
        lead = f"**{inline(first)}**" if bold else _cell(first) if first else ""
        cells = [_cell(rest[0]) if bold else inline(rest[0]), *map(inline, rest[1:])] if rest else []
        yield f"| {' | '.join([lead, *cells])} |"


def _cell(text: str) -> str:
    """Return code for a table; text with a `|` as text, for a code span has no way to hold one there.

    GFM takes a backslash before a `|` away, also in code, but counts backslashes first.
    """
    return inline(text) if "|" in text else code(text)


def _source(source: str) -> str:
    """Link an address only when it is nothing but an https address; show anything else as code."""
    return f"<{source}>" if re.fullmatch(r"https://[A-Za-z0-9._~/?#%=&+:,-]{1,300}", source) else code(source)
