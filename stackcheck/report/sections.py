"""Reports as a document: a section a stack, a finding a verdict; what stands under it is said here alone."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck.model.acceptance import code_of
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.report import wording
from stackcheck.report.document import LEADING, Document, Entry, Finding, Listing, Row, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stackcheck.model.report import Report

_COUNTED = {
    Outcome.FAIL: "failed",
    Outcome.ERROR: "error",
    Outcome.WARN: "warned",
    Outcome.SKIP: "not checked",
    Outcome.PASS: "passed",
}
_MOST_TO_DO = 3
_LONG = 60
"""Characters of what was found; a shorter one beside `expected` is quickly read again."""
_SEVERITY = ("FAIL", "ERROR", "NOTHING", "WARN", "PASS")
"""The words that lead a report, the worst first."""


def report_document(reports: Iterable[Report]) -> Document:
    """Return reports as a document, the worst first; a table first when there are several.

    No report is kept: of ten thousand their sections alone have room.
    """
    told = [(_section(report), _overview_row(report)) for report in reports]
    told.sort(key=lambda each: _SEVERITY.index(each[0].outcome))
    return Document(
        sections=tuple(section for section, _ in told),
        title=wording.plural(len(told), "stack"),
        overall=wording.overall([section.outcome for section, _ in told]),
        overview=_overview([row for _, row in told]) if len(told) > 1 else None,
    )


def verdict_rows(verdict: Verdict) -> tuple[Row, ...]:
    """Return what stands under a verdict's message, in the order in which it is read."""
    rows = [
        Row("at", verdict.place),
        Row("expected", verdict.expected),
        Row("found", "" if _told(verdict) else verdict.found),
        *(Row("note", note) for note in verdict.notes),
        Row("because", verdict.waived),
        Row("do", verdict.hint),
        *(Row("see", each.what, each.source) for each in verdict.evidence),
    ]
    return tuple(row for row in rows if row.value)


def _told(verdict: Verdict) -> bool:
    """Tell whether the message has all of a long list already: it is read once."""
    return len(verdict.found) > _LONG and verdict.found in verdict.message


@lru_cache(maxsize=4096)
def finding(verdict: Verdict, *, name: str = "", note: str = "", reached: bool = True) -> Finding:
    """Return a verdict as a finding, the same one for the same verdict: many stacks are told the same."""
    return Finding(
        outcome=verdict.outcome,
        code=verdict.code,
        title=verdict.title,
        message=verdict.message,
        rows=verdict_rows(verdict),
        label=wording.ACCEPTED if verdict.waived else "",
        note=f"({verdict.outcome.word})" if verdict.waived else note,
        accepted=verdict.waived,
        name=name,
        expected=bool(note),
        shown=verdict.outcome in LEADING or bool(verdict.waived or verdict.notes),
        reached=reached,
        place=verdict.place,
        case=test_name(verdict.code, verdict.subject),
    )


def test_name(code: str, subject: str) -> str:
    """Return what pytest calls a smoke test of a team: `SMOKE301[forward]`; "" for anything else."""
    return f"{code}[{subject}]" if code.startswith("SMOKE") and subject else ""


def _overview(rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(("result", "stack", "up to", *_COUNTED.values(), "accepted", "time"), tuple(rows), right=3)


def _overview_row(report: Report) -> tuple[str, ...]:
    cells = [str(report.counts[outcome] or "") for outcome in _COUNTED]
    accepted, time = str(len(report.waived) or ""), wording.duration(report.seconds)
    return (wording.label(report), report.name, wording.level(report), *cells, accepted, time)


def _section(report: Report) -> Section:
    findings = _findings(report)
    return Section(
        name=report.name,
        headline=wording.headline(report),
        outcome=wording.label(report),
        do=tuple(_to_do(report)),
        notes=tuple(filter(None, _notes(report))),
        parts=(*findings, *_not_checked(report)),
        tail=(wording.tally(report),),
        file=report.file,
        title=report.title,
        started=report.started,
        seconds=report.seconds,
        family=report.family,
        level=-1 if report.reach.level is None else report.reach.level,
        far=wording.level(report),
        facts=_facts(report),
    )


def _notes(report: Report) -> Iterator[str]:
    yield from report.terms
    yield report.summary
    yield wording.expectation(report)
    yield _looked_at(report)


def _findings(report: Report) -> list[Finding]:
    skips, skip, fail = report.reach.skips, Outcome.SKIP, Outcome.FAIL
    return [
        finding(
            verdict,
            name=name,
            note="(expected)" if verdict.outcome is fail and _is_expected(verdict, report) else "",
            reached=verdict.outcome is not skip or not skips(verdict),
        )
        for name, verdict in wording.numbered(report.verdicts)
    ]


def _is_expected(verdict: Verdict, report: Report) -> bool:
    return verdict.code in map(code_of, report.expect_codes) and verdict not in report.unexpected


def _to_do(report: Report) -> Iterator[str]:
    """Say the next steps: of the FAILs, then of the ERRORs, then the command that looks for a repair."""
    bad = [v for outcome in (Outcome.FAIL, Outcome.ERROR) for v in report.counted if v.outcome is outcome]
    steps = list(dict.fromkeys(f"{verdict.code}: {verdict.hint}" for verdict in bad if verdict.hint))
    yield from steps[:_MOST_TO_DO]
    if len(steps) > _MOST_TO_DO:
        yield f"{len(steps) - _MOST_TO_DO} more, each under what failed"
    if command := wording.suggestion(report):
        yield command


def _not_checked(report: Report) -> Iterator[Listing]:
    """List what was not checked at levels that were reached, and the levels that were not."""
    if groups := wording.unchecked(report.made):
        entries = tuple(Entry(each.reason, each.codes, each.do) for each in groups)
        yield Listing("Not checked", entries, codes=True)
    told = {each.level for each in report.made}
    if unreached := [each for each in wording.unreached(report) if told.isdisjoint(each.levels)]:
        entries = tuple(Entry(f"{each.words}: {each.reason}", each.codes, each.do) for each in unreached)
        yield Listing("Not reached", entries, codes=True)


def _looked_at(report: Report) -> str:
    where = f"; defined in {report.file}" if report.file else ""
    if report.read_from:
        where = f"; read from {', '.join(report.read_from)}"
    seen = f"; {again}" if (again := wording.reused(report)) else ""
    by = f"; {report.knowledge}" if report.knowledge else ""
    return f"{wording.subject(report)}; {wording.when(report)}{seen}{by}{where}"


def _facts(report: Report) -> tuple[tuple[str, str], ...]:
    pairs = (
        ("stackcheck", report.tool_version),
        ("command", report.command),
        ("reach", wording.level(report)),
        ("subject", wording.subject(report)),
        ("digest", report.subject.digest),
        ("fingerprint", report.hashes.fingerprint),
        ("knowledge", report.knowledge.removeprefix("knowledge of ")),
        ("expectation", wording.expectation(report)),
    )
    return tuple((name, value) for name, value in pairs if value)
