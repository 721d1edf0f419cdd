"""What `inspect` says: the answer for each GPU, then the packages, then every library for those who ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.inspect.answer import SERVED, exit_code, gated
from stackcheck.inspect.answer_lines import answer_lines, misses, names
from stackcheck.inspect.serving import by_package
from stackcheck.inspect.sizes import sizes
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK
from stackcheck.model.evidence import Outcome
from stackcheck.report.document import Document, Entry, Lines, Listing, Part, Section, Table
from stackcheck.report.wording import NOTHING, plural, size
from stackcheck_probes.judging.coverage import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from stackcheck.inspect.judgement import Judged
    from stackcheck.inspect.owners import Package
    from stackcheck.inspect.serving import Cell, Row

_MOST_REASONS = 12
_PACKAGE_WIDTH = 40


def document(
    judged: Judged, data: Callable[[], Any], more: Iterable[Section] = (), *, details: bool = False
) -> Document:
    """Return what was inspected; `more` are sections after that of the libraries."""
    contents = judged.contents
    sections = [_target(judged, details=details), *more]
    if contents.loading:
        from stackcheck.inspect.loading_section import loading_section  # noqa: PLC0415 - of environments alone

        sections.append(loading_section(gated(contents, judged.gate), details=details))
    return Document(tuple(sections), data, title=f"{contents.kind} {contents.name}")


def _target(judged: Judged, *, details: bool) -> Section:
    contents = judged.contents
    parts: list[Part] = [*misses(judged)] if judged.asked else []
    if contents.binaries and (judged.rows or judged.asked or contents.loading):
        parts.append(Lines(tuple(answer_lines(judged))))
        parts += _table(judged, details=details)
        parts += _reasons(judged, details=details)
        parts += _costs(judged)
    parts += _left_out(judged)
    return Section(
        name=f"{contents.kind} {contents.name}",
        headline=_headline(judged),
        outcome=_outcome(judged),
        parts=tuple(parts),
    )


def _outcome(judged: Judged) -> str:
    if not judged.contents.binaries:
        return NOTHING
    code = exit_code(judged.contents, judged.answers, judged.gate, asked=judged.asked)
    if code == EXIT_FAIL:
        return Outcome.FAIL.word
    good = judged.asked and all(each.word == SERVED for each in judged.answers)
    return Outcome.PASS.word if good and code == EXIT_OK else ""


def _headline(judged: Judged) -> str:
    contents, rows = judged.contents, judged.rows
    if not contents.binaries:
        return "nothing could be inspected, there is no binary in it"
    packages = len({row.package for row in rows})
    others = contents.binaries - len(rows) - len(contents.unreadable)
    within = f" in {plural(packages, 'package')}" if packages > 1 else ""
    return f"{plural(len(rows), 'library')} with GPU code{within}; {plural(others, 'other binary')}"


def _table(judged: Judged, *, details: bool) -> Iterator[Part]:
    rows = [row for row in judged.rows if details or any(each.how != NONE for each in row.cells)]
    if not rows:
        return
    heads = [gpu.name for gpu in judged.gpus]
    if details:
        cells = [(row.path, str(row.package), *(each.word for each in row.cells)) for row in rows]
        yield Table(("library", "package", *heads), tuple(cells))
    else:
        packages = by_package(rows)
        order = sorted(packages, key=lambda package: min(row.worst.rank for row in packages[package]))
        cells = [_package_row(package, packages[package]) for package in order]
        yield Table(("package", "libraries", *heads), tuple(cells))
    yield from _legend(rows)


def _package_row(package: Package, rows: Sequence[Row]) -> tuple[str, ...]:
    text = str(package)
    if len(text) > _PACKAGE_WIDTH:
        text = f"{text[: _PACKAGE_WIDTH - 1]}…"
    return (
        text,
        str(len(rows)),
        *(_together(cells) for cells in zip(*(row.cells for row in rows), strict=True)),
    )


def _together(cells: Sequence[Cell]) -> str:
    """Return the word of the worst cell; with how many say so, where others say something better."""
    cells = [cell for cell in cells if not cell.spared] or cells
    worst = min(cells, key=lambda cell: cell.rank)
    same = sum(cell.how == worst.how for cell in cells)
    marked = worst._replace(
        partial=any(cell.partial for cell in cells if cell.how == worst.how),
        unseen=any(cell.unseen for cell in cells if cell.how == worst.how),
    )
    return marked.word if same == len(cells) else f"{marked.word} {same}/{len(cells)}"


def _legend(rows: Sequence[Row]) -> Iterator[Part]:
    cells = [cell for row in rows for cell in row.cells]
    lines = []
    if any(cell.partial for cell in cells):
        lines.append("* some fatbins of the library serve this GPU and others do not")
    if any(cell.unseen for cell in cells):
        lines.append("? code may be there that no section lists; --deep looks for it")
    lines += [
        f"(no) or left out of the count: {why}" for why in sorted({cell.spared for cell in cells} - {""})
    ]
    if lines:
        yield Lines(tuple(lines))


def _reasons(judged: Judged, *, details: bool) -> Iterator[Part]:
    """Yield why libraries do not serve GPUs, and why it is not known of some: one reason once."""
    bad: dict[str, dict[Row, str]] = {}
    untold: dict[str, dict[Row, str]] = {}
    for number, answer in enumerate(judged.answers):
        for row, cell in () if answer.reason else (*answer.missed, *answer.weak):
            bad.setdefault(cell.reason, {})[row] = answer.gpu.name
        for row in answer.untold:
            untold.setdefault(row.cells[number].reason, {})[row] = answer.gpu.name
    yield from _listing(judged, "Why not", bad, details=details)
    yield from _listing(judged, "Not told", untold, details=details)


def _listing(
    judged: Judged, heading: str, reasons: dict[str, dict[Row, str]], *, details: bool
) -> Iterator[Part]:
    entries = [
        Entry(f"{names(judged.rows, rows)} for {', '.join(dict.fromkeys(rows.values()))}: {reason}.")
        if heading == "Why not"
        else Entry(f"{names(judged.rows, rows)}: {reason}.")
        for reason, rows in reasons.items()
    ]
    most = len(entries) if details else _MOST_REASONS
    left = len(entries) - most
    if entries:
        more = [Entry(f"{left} more: --details shows them.")] if left > 0 else []
        yield Listing(heading, (*entries[:most], *more))


def _costs(judged: Judged) -> Iterator[Part]:
    found = sizes((row.code for row in judged.rows), judged.gpus if judged.asked else ())
    if not found:
        return
    unused = [row for row in found if row.unused and not row.unpacked]
    if unused:
        total = sum(row.unused for row in unused)
        which = " ".join(row.code for row in unused)
        yield Lines((f"Code that none of these GPUs uses: {size(total)} of {which}.",))
    heads = ("code", "libraries", "images", "size", *(("unused",) if judged.asked else ()))
    yield Table(
        heads,
        tuple(
            (
                row.code,
                str(row.libraries),
                str(row.images),
                size(row.bytes) + (" unpacked" if row.unpacked else ""),
                *((size(row.unused) if row.unused else "",) if judged.asked else ()),
            )
            for row in found
        ),
        right=1,
    )


def _left_out(judged: Judged) -> Iterator[Part]:
    contents, gate = judged.contents, judged.gate
    left = [row for row in judged.rows if not gate.counts(row.path, row.package)]
    notes = []
    if left:
        by = [f"--package {name}" for name in gate.packages] + [f"--ignore {each}" for each in gate.ignored]
        notes.append(f"Left out of the answer: {names(judged.rows, left)} ({' '.join(by)}).")
    notes += [
        f"--ignore {pattern} names nothing here."
        for pattern in gate.ignored
        if not any(gate.ignores(pattern, row.path, row.package) for row in judged.rows)
    ]
    if notes:
        yield Lines(tuple(notes))
    if contents.unreadable:
        yield Listing("Not read", tuple(Entry(f"{path}: {why}.") for path, why in contents.unreadable))
    if unseen := (*(f"{reason}." for reason in contents.skipped), *contents.left_out):
        yield Listing("Not looked at", tuple(map(Entry, unseen)))
