"""A document as people read it: a family is one block, what its members share is said once. Pure.

Formats for machines keep a section for each stack.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from stackcheck.report.document import Document, Entry, Finding, Listing, Section, Table
from stackcheck.report.wording import duration, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence


T = TypeVar("T")


class _Member(NamedTuple):
    """A stack of a family; `name` is what tells it from its siblings."""

    name: str
    section: Section


def for_people(document: Document, *, verbose: bool = False) -> Document:
    """Return the document with a block for each family, and without the codes of what was not checked.

    `verbose` keeps the codes. The overview goes where one block is left.
    """
    blocks = _blocks(document.sections)
    overview = document.overview and _overview(document.overview, document.sections, blocks)
    sections = tuple(_block(each) if len(each) > 1 else each[0] for each in blocks)
    if not verbose:
        sections = tuple(map(_brief, sections))
    alone = len(sections) < 2
    return document._replace(
        sections=sections,
        overview=None if alone else overview,
        overall="" if alone else document.overall,
    )


def _blocks(sections: Sequence[Section]) -> list[list[Section]]:
    """Group the sections of a family; a block stands where the first, the worst, of its sections stood."""
    blocks: dict[Hashable, list[Section]] = {}
    for number, section in enumerate(sections):
        key = (section.file, section.family) if section.family else number
        blocks.setdefault(key, []).append(section)
    return list(blocks.values())


def _overview(table: Table, sections: Sequence[Section], blocks: Sequence[Sequence[Section]]) -> Table:
    """Return the table with a row for each block, in their order: of a family the worst, and the sums."""
    rows = dict(zip(map(id, sections), table.rows, strict=True))
    return table._replace(rows=tuple(_row([rows[id(each)] for each in block], block) for block in blocks))


def _row(rows: Sequence[tuple[str, ...]], block: Sequence[Section]) -> tuple[str, ...]:
    if len(rows) == 1:
        return rows[0]
    counts = [
        sum(int(cell or 0) for cell in column) for column in zip(*(row[3:-1] for row in rows), strict=True)
    ]
    return (
        rows[0][0],
        f"{block[0].family} ({plural(len(rows), 'member')})",
        max(block, key=lambda each: each.level).far,
        *(str(count or "") for count in counts),
        duration(sum(each.seconds for each in block)),
    )


def _block(sections: Sequence[Section]) -> Section:
    worst, family = sections[0], sections[0].family
    members = [_Member(_short(each.name, family), each) for each in sections]
    findings = _shared((m.name, f._replace(name="")) for m in members for f in m.section.findings)
    return Section(
        name=family,
        headline=_headline(sections),
        outcome=worst.outcome,
        do=tuple(dict.fromkeys(step for each in sections for step in each.do)),
        notes=tuple(note for note in worst.notes if all(note in each.notes for each in sections)),
        parts=(
            _table(members),
            *(_finding(finding, names, len(members)) for finding, names in findings),
            *_listings(members),
        ),
        file=worst.file,
        started=worst.started,
        seconds=sum(each.seconds for each in sections),
    )


def _short(name: str, family: str) -> str:
    return name.removeprefix(family).lstrip("-_.") or name


def _headline(sections: Sequence[Section]) -> str:
    """Say what is worst, and how far the furthest came; whoever came less far is counted."""
    same = [each for each in sections if each.outcome == sections[0].outcome]
    furthest = max(same, key=lambda each: each.level)
    count, shorter = len(sections), sum(each.level < furthest.level for each in same)
    if len(same) < count:
        return f"{len(same)} of {count} members: {furthest.headline}"
    less = f"; {shorter} of {count} members not so far" if shorter else f"; {count} members"
    return f"{furthest.headline}{less}"


def _table(members: Iterable[_Member]) -> Table:
    rows = tuple(
        (each.section.outcome, each.name, each.section.far, " ".join(each.section.tail)) for each in members
    )
    return Table(("result", "member", "up to", "checks"), rows)


def _finding(finding: Finding, names: Sequence[str], count: int) -> Finding:
    whose = "" if len(names) == count else f"({', '.join(names)})"
    return finding._replace(note=" ".join(word for word in (finding.note, whose) if word))


def _listings(members: Sequence[_Member]) -> Iterable[Listing]:
    """Yield the lists of all members by heading; a line that all of them have names none."""
    found: dict[str, list[tuple[str, Entry]]] = defaultdict(list)
    kept: dict[str, Listing] = {}
    for member in members:
        for part in member.section.parts:
            if isinstance(part, Listing):
                kept.setdefault(part.heading, part)
                found[part.heading] += [(member.name, entry) for entry in part.entries]
    for heading, listing in kept.items():
        entries = [
            entry if len(names) == len(members) else entry._replace(text=f"{', '.join(names)}: {entry.text}")
            for entry, names in _shared(found[heading], key=lambda entry: (entry.text, entry.do))
        ]
        yield listing._replace(entries=tuple(entries))


def _shared(
    rows: Iterable[tuple[str, T]], key: Callable[[T], Hashable] = lambda value: value
) -> list[tuple[T, list[str]]]:
    """Return each value once, with the names that have it, in the order of the first."""
    found: dict[Hashable, tuple[T, list[str]]] = {}
    for name, value in rows:
        names = found.setdefault(key(value), (value, []))[1]
        if name not in names:
            names.append(name)
    return list(found.values())


def _brief(section: Section) -> Section:
    parts = tuple(
        _counted(part) if isinstance(part, Listing) and part.codes else part for part in section.parts
    )
    return section._replace(parts=parts)


def _counted(listing: Listing) -> Listing:
    """Say how many checks stand behind each line, and not which: codes such as `X` and `X x3`."""
    return listing._replace(entries=tuple(map(_without_codes, listing.entries)))


def _without_codes(entry: Entry) -> Entry:
    count = sum(int(name.rpartition(" x")[2]) if " x" in name else 1 for name in entry.names)
    told = f"{entry.text} ({plural(count, 'check')})" if count > 1 else entry.text
    return entry._replace(text=told, names=())
