"""A document as GitHub workflow commands, which the runner turns into annotations.

Escaping as the runner's own toolkit does it (actions/toolkit, packages/core/src/command.ts, checked
2026-11-20): in the message `%`, CR and LF; in a property `:` and `,` as well. The older `##[command]` form is
recognised anywhere in a line, so it is broken up too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.escape import one_line
from stackcheck.model.verdict import Outcome
from stackcheck.report.document import Document, Finding, Lines, Listing, Section, Table, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEVEL = {Outcome.FAIL: "error", Outcome.ERROR: "error", Outcome.WARN: "warning"}


def render_github(document: Document) -> str:
    """Render a document as one annotation a finding, and one plain line a section."""
    lines = [line for section in document.sections for line in _section(section)]
    return "\n".join(lines or [command("error", "stackcheck", "", document.empty)]) + "\n"


def command(level: str, title: str, file: str, message: str, line: int = 0) -> str:
    """Return one workflow command line; the runner shows `%0A` as a line break."""
    properties = [f"title={_property(title)}"]
    if line:
        properties.insert(0, f"line={line}")
    if file:
        properties.insert(0, f"file={_property(file)}")
    return f"::{level} {','.join(properties)}::{message}"


def _section(section: Section) -> Iterator[str]:
    for part in section.shown:
        if isinstance(part, Finding):
            level = "notice" if part.accepted else _LEVEL.get(part.outcome, "notice")
            title = " ".join(word for word in (part.word, part.code, section.name) if word)
            file, line = place_of(part, section)
            yield command(level, title, file, _message(part), line)
        elif isinstance(part, Listing):
            title = f"{part.heading.upper()} {section.name}"
            yield from (command("notice", title, section.file, _data(each.line)) for each in part.entries)
        elif isinstance(part, Table):
            yield from (f"stackcheck: {_data(' | '.join(row))}" for row in (part.headers, *part.rows))
        elif isinstance(part, Lines):
            yield from (f"stackcheck: {_data(line)}" for line in part.lines)
    if section.outcome == "NOTHING":
        title = f"{section.outcome} {section.name}"
        yield command("error", title, section.file, _data(section.headline))
    if not section.name:
        return
    name = " ".join(word for word in (section.outcome, one_line(section.name, 200)) if word)
    yield _data(f"stackcheck: {name}{f': {section.headline}' if section.headline else ''}")


def _message(part: Finding) -> str:
    """Return the message and the rows under it; evidence is left to the formats that have room."""
    head = part.message or part.title
    rows = [f"{row.name}: {row.value}" for row in part.rows if row.name not in {"see", "at"}]
    return "%0A".join(_data(line) for line in (head, *rows) if line)


def _data(text: str) -> str:
    return one_line(text).replace("##[", "## [").replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
