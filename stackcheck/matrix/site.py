"""A static site of reports: an index with the matrix they make, and a page a report. Pure.

Addresses are relative, so that the site works below any path, and from a disk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stackcheck import rules
from stackcheck.knowledge.gpus import find_gpu
from stackcheck.matrix.cells import Cell, Host, Matrix, MatrixRow
from stackcheck.matrix.chart import Result, broken_since
from stackcheck.matrix.page import Beside, Course, Listed, Names, page
from stackcheck.matrix.recorded import folded, gpus_seen
from stackcheck.model.escape import one_line
from stackcheck.report import render_document, wording
from stackcheck.report.rulebook import explanation
from stackcheck.report.sections import report_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stackcheck.matrix.chart import Night
    from stackcheck.model.report import Report
    from stackcheck.report.document import Explanation

NO_RUN = Cell("unknown", cause="no report is of a run on this GPU.")


def files(
    reports: Sequence[Report], start: Matrix, nights: Mapping[str, Sequence[Night]]
) -> Iterator[tuple[str, str]]:
    """Yield the files of the site, a path below its folder and a text each.

    `start` is what is known without the reports, `nights` what drift runs saw, by stack.
    """
    ordered = sorted(reports, key=lambda report: (report.name, report.started))
    names = Names()
    listed = [_listed(report, names) for report in ordered]
    for report, row in zip(ordered, listed, strict=True):
        document = report_document([report])._replace(explain=_explained, above="../index.html")
        yield row.href, render_document(document, "html")
    by_stack: dict[str, list[Listed]] = {name: [] for name in (*(row.stack for row in listed), *nights)}
    for row in listed:
        by_stack[row.stack].append(row)
    histories, newest, courses = Names(), [], []
    for stack, rows in by_stack.items():
        course = _course(stack, rows, nights.get(stack, ()))
        history = f"history/{histories.slug(stack)}.html" if course else ""
        newest += [row._replace(history=history) for row in rows[-1:]]
        if course:
            courses.append(course)
            yield history, _history(course, rows)
    title = f"{wording.plural(len(ordered), 'report')} of {wording.plural(len(newest), 'stack')}"
    courses.sort(key=lambda course: course.good)
    beside = Beside(title, newest, listed, courses)
    yield "index.html", page(_noted(folded(start, ordered), nights), beside=beside)
    yield ".nojekyll", ""  # GitHub Pages serves the files as they are


def unjudged(reports: Sequence[Report], gpus: Sequence[str]) -> Matrix:
    """Return the stacks of reports on GPUs, where none is asked for on those they saw; nothing known yet."""
    stacks = sorted({report.stack for report in reports if report.stack})
    found = [find_gpu(name) for report in reports for name in gpus_seen(report)]
    seen = dict.fromkeys(gpu.product or gpu.name for gpu in found)
    hosts = tuple(map(Host, gpus or seen))
    return Matrix(hosts, tuple(MatrixRow(stack, (NO_RUN,) * len(hosts)) for stack in stacks))


def joined(start: Matrix, reports: Iterable[Report]) -> Matrix:
    """Return a matrix with a row for each stack that only reports have."""
    there = {row.stack for row in start.rows}
    more = sorted({report.stack for report in reports if report.stack} - there)
    added = tuple(MatrixRow(stack, (NO_RUN,) * len(start.hosts)) for stack in more)
    return replace(start, rows=(*start.rows, *added))


def _noted(matrix: Matrix, nights: Mapping[str, Sequence[Night]]) -> Matrix:
    """Return the matrix whose rows say since when drift breaks their stack."""
    since = {stack: broken_since(seen) for stack, seen in nights.items()}
    rows = (
        replace(row, notes=(*row.notes, f"drift: broken since {since[row.stack][:10]}"))
        if since.get(row.stack) and not row.torch
        else row
        for row in matrix.rows
    )
    return replace(matrix, rows=tuple(rows))


def _listed(report: Report, names: Names) -> Listed:
    href = f"reports/{names.slug(f'{report.name}-{report.started[:10]}')}.html"
    return Listed(href, report.name, wording.label(report), wording.level(report), report.started)


def _course(stack: str, rows: Sequence[Listed], nights: Sequence[Night]) -> Course | None:
    """Return how a stack went that has more than one report, or drift runs."""
    results = [Result(row.started, row.result, row.href) for row in rows]
    return Course(stack, results, nights) if len(results) > 1 or nights else None


def _history(course: Course, rows: Sequence[Listed]) -> str:
    """Return the page of one stack's history, the newest report first."""
    results = [each._replace(href=f"../{each.href}") for each in course.results]
    reports = [row._replace(href=f"../{row.href}") for row in reversed(rows)]
    own = course._replace(results=results)
    title = f"History of {one_line(course.stack, 120)}"
    beside = Beside(title, reports, courses=[own], above="../index.html")
    return page(Matrix((), ()), beside=beside)


def _explained(code: str) -> Explanation | None:
    rule = rules.find(code)
    return explanation(rule) if rule else None
