"""A document as GitHub workflow commands, which the runner turns into annotations.

The worst come first over all sections, what several sections say alike is one annotation, and what GitHub
would not show, for it shows 10 of a kind a step, is a plain line of the log. Escaping as the runner's own
toolkit does it (actions/toolkit, packages/core/src/command.ts, checked 2026-11-20): in the message `%`, CR
and LF; in a property `:` and `,` as well. The older `##[command]` form is recognised anywhere in a line, so
it is broken up too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stackcheck.model.enumeration import some
from stackcheck.model.escape import one_line
from stackcheck.model.evidence import Outcome
from stackcheck.report.document import Document, Finding, Lines, Listing, Section, Table, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_LEVEL = {Outcome.FAIL: "error", Outcome.ERROR: "error", Outcome.WARN: "warning"}
MOST = 10
"""How many annotations of one kind GitHub shows for a step."""
_MOST_NAMED = 3


class _Note(NamedTuple):
    """An annotation without the sections that say it: its level, what leads its title, its place and text."""

    level: str
    lead: str
    file: str
    line: int
    message: str


def render_github(document: Document) -> str:
    """Render a document as annotations, the worst first, and one plain line a section."""
    notes = _gathered(document.sections)
    lines = [*_annotations(notes), *(line for section in document.sections for line in _plain(section))]
    return "\n".join(lines or [command("error", "stackcheck", "", document.empty)]) + "\n"


def command(level: str, title: str, file: str, message: str, line: int = 0) -> str:
    """Return one workflow command line; the runner shows `%0A` as a line break."""
    properties = [f"title={_property(title)}"]
    if line:
        properties.insert(0, f"line={line}")
    if file:
        properties.insert(0, f"file={_property(file)}")
    return f"::{level} {','.join(properties)}::{message}"


def _gathered(sections: Iterable[Section]) -> Mapping[_Note, Sequence[str]]:
    """Return each annotation with the names of the sections that say it."""
    found: dict[_Note, list[str]] = {}
    for section in sections:
        for note in _notes(section):
            found.setdefault(note, []).append(section.name)
    return found


def _notes(section: Section) -> Iterator[_Note]:
    if section.outcome == "NOTHING":
        yield _Note("error", section.outcome, section.file, 0, _data(section.headline))
    for part in section.shown:
        if isinstance(part, Finding):
            quiet = part.accepted or part.expected
            level = "notice" if quiet else _LEVEL.get(part.outcome, "notice")
            lead = " ".join(word for word in (part.word, part.note, part.code) if word)
            yield _Note(level, lead, *place_of(part, section), _message(part))
        elif isinstance(part, Listing):
            for each in part.entries:
                yield _Note("notice", part.heading.upper(), section.file, 0, _data(each.line))


def _annotations(notes: Mapping[_Note, Sequence[str]]) -> Iterator[str]:
    for level in ("error", "warning", "notice"):
        of_level = [(note, names) for note, names in notes.items() if note.level == level]
        for number, (note, names) in enumerate(of_level):
            title = " ".join(word for word in (note.lead, _named(names)) if word)
            if number < MOST:
                yield command(level, title, note.file, note.message, note.line)
            else:
                yield f"stackcheck: {level}: {_data(title)}: {note.message.replace('%0A', '; ')}"
        if len(of_level) > MOST:
            yield f"stackcheck: {len(of_level) - MOST} more of {level} above: GitHub shows {MOST} of a kind."


def _named(names: Sequence[str]) -> str:
    return some([*dict.fromkeys(names)], _MOST_NAMED)


def _plain(section: Section) -> Iterator[str]:
    for part in section.parts:
        if isinstance(part, Table):
            yield from (f"stackcheck: {_data(' | '.join(row))}" for row in (part.headers, *part.rows))
        elif isinstance(part, Lines):
            yield from (f"stackcheck: {_data(line)}" for line in part.lines)
    if section.name:
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
