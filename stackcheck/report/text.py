"""The report for a person at a terminal: the verdict, what broke and what to do, what was not checked."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, TypeAlias

from tabulate import tabulate

from stackcheck.report import wording
from stackcheck.report.escape import block, one_line
from stackcheck.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from stackcheck.report.model import Report

    Paint: TypeAlias = Callable[[str, str], str]

_INDENT = " " * 6
_EVIDENCE_SHOWN = {Outcome.FAIL: 5, Outcome.ERROR: 5, Outcome.WARN: 1}
"""How much evidence a person gets to see; every other format has all of it."""


def plain(_style: str, text: str) -> str:
    """Return text without any colour."""
    return text


def render_text(reports: Sequence[Report], *, width: int = 100, paint: Paint | None = None) -> str:
    """Render reports for people, at most `width` columns wide where words allow; a table first when several.

    `paint(style, text)` colours a word: the styles are the outcome names, NOTHING, ACCEPTED, `strong`, `dim`.
    """
    paint = paint or plain
    parts = [_table(reports, paint)] if len(reports) != 1 else []
    parts += ["\n".join(_report(report, max(width, 40), paint)) for report in reports]
    return "\n\n".join(parts) + "\n"


def verdict_text(verdict: Verdict, *, width: int = 100) -> str:
    """Render one verdict as it stands in a report."""
    label = wording.ACCEPTED if verdict.waived else verdict.outcome.name
    return "\n".join(list(_verdict(verdict, label, width, plain, ""))[1:])


def _table(reports: Sequence[Report], paint: Paint) -> str:
    if not reports:
        return paint(wording.NOTHING, wording.NOTHING) + "  no stack was checked"
    columns = [Outcome.FAIL, Outcome.ERROR, Outcome.WARN, Outcome.SKIP, Outcome.PASS]
    rows = [
        [
            paint(wording.label(report), wording.label(report)),
            one_line(report.name, 120),
            *(report.counts[outcome] or "" for outcome in columns),
            len(report.waived) or "",
            wording.duration(report.seconds),
        ]
        for report in reports
    ]
    headers = ["result", "stack", "failed", "error", "warned", "not checked", "passed", "accepted", "time"]
    align = ("left", "left", *["right"] * 7)
    return tabulate(rows, headers, tablefmt="simple", colalign=align, disable_numparse=True)


def _report(report: Report, width: int, paint: Paint) -> Iterator[str]:
    label = wording.label(report)
    name = paint("strong", one_line(report.name, 120))
    yield f"{paint(label, f'{label:<5}')} {name}: {wording.headline(report)}"
    for note in (one_line(report.summary), wording.expectation(report), _looked_at(report)):
        yield from _wrapped(note, width) if note else ()
    verdicts = report.verdicts
    for outcome in (Outcome.FAIL, Outcome.ERROR, Outcome.WARN):
        for verdict in verdicts:
            if verdict.outcome is outcome and verdict.counts:
                expected = outcome is Outcome.FAIL and verdict.code in report.expect_codes
                yield from _verdict(verdict, outcome.name, width, paint, " (expected)" if expected else "")
    for verdict in report.waived:
        yield from _verdict(verdict, wording.ACCEPTED, width, paint, f" ({verdict.outcome.name})")
    yield from _unchecked(report, width, paint)
    yield ""
    yield wording.tally(report)
    if command := wording.suggestion(report):
        yield paint("dim", command)


def _looked_at(report: Report) -> str:
    where = f"; defined in {one_line(report.file, 200)}" if report.file else ""
    return f"{wording.subject(report)}; {wording.when(report)}{where}"


def _verdict(verdict: Verdict, label: str, width: int, paint: Paint, note: str) -> Iterator[str]:
    yield ""
    code = paint("strong", one_line(verdict.code, 40))
    yield f"{paint(label, f'{label:<5}')}{note} {code}  {one_line(verdict.title, 200)}"
    for line in block(verdict.message):
        yield from _wrapped(line, width)
    for name, value in _rows(verdict):
        if value:
            yield from _wrapped(one_line(value), width, first=f"{_INDENT}{name:<9} ", paint=paint)


def _rows(verdict: Verdict) -> list[tuple[str, str]]:
    """Return what stands under the message: all for a FAIL, less for what needs no action now."""
    if verdict.waived:
        return [("because", verdict.waived)]
    shown = _EVIDENCE_SHOWN.get(verdict.outcome, 0)
    seen = [("see", _evidence(each.what, each.source)) for each in verdict.evidence[:shown]]
    left = len(verdict.evidence) - shown
    if left > 0 and shown > 1:
        seen.append(("see", f"… ({left} more: --format json shows all)"))
    return [("expected", verdict.expected), ("found", verdict.found), ("do", verdict.hint), *seen]


def _evidence(what: str, source: str) -> str:
    return f"{one_line(what, 300)} [{one_line(source, 160)}]" if source else what


def _unchecked(report: Report, width: int, paint: Paint) -> Iterator[str]:
    groups = wording.unchecked(report.verdicts)
    if groups:
        yield ""
        yield paint(Outcome.SKIP.name, "NOT CHECKED")
    for each in groups:
        yield from _wrapped(f"{each.reason}: {' '.join(each.codes)}", width)


def _wrapped(text: str, width: int, *, first: str = _INDENT, paint: Paint = plain) -> Iterator[str]:
    """Break a line at spaces; a long path or address stays whole, to be copied."""
    rest = " " * len(first)
    lines = textwrap.wrap(
        text,
        width=width,
        initial_indent=rest,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for number, line in enumerate(lines):
        yield paint("dim", first) + line[len(first) :] if number == 0 else line
