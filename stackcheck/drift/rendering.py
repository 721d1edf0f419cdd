"""A drift report as a document, for every format, and as JSON. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from stackcheck import __version__
from stackcheck.drift.change_classes import CLASSES
from stackcheck.drift.changes import Change
from stackcheck.drift.facts import Gap
from stackcheck.model.escape import one_line
from stackcheck.model.verdict import Outcome
from stackcheck.report import FORMATS, render_document
from stackcheck.report.document import Document, Entry, Finding, Listing, Row, Section
from stackcheck.report.wording import NOTHING, duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.drift.report import DriftReport
    from stackcheck.report.text import Paint

__all__ = ["FORMATS", "OUTCOMES", "document", "grouped", "headline", "render", "schema"]

SCHEMA_VERSION = 1
OUTCOMES = dict(zip(CLASSES, (Outcome.FAIL, Outcome.FAIL, Outcome.WARN, Outcome.PASS), strict=True))
_BREAKS = dict(
    zip(CLASSES, ("break the next build", "break running", "change behaviour", "benign"), strict=True)
)
_VALUE = 160
_MOST_SUBJECTS = 8


def render(reports: Sequence[DriftReport], form: str, *, width: int = 100, paint: Paint | None = None) -> str:
    """Render reports in one of `FORMATS`."""
    return render_document(document(reports), form, width=width, paint=paint)


def document(reports: Sequence[DriftReport]) -> Document:
    """Return drift reports as a document: a section a stack, a finding a change."""
    return Document(
        sections=tuple(map(_section, reports)),
        data=lambda: _data(reports),
        title=plural(len(reports), "stack"),
        package="stackcheck.drift",
    )


def headline(report: DriftReport) -> str:
    """Say the result in one sentence; what was not compared is always part of it."""
    total = sum(report.compared.values())
    unread = f", {plural(len(report.faults), 'thing')} could not be looked at" if report.faults else ""
    rest = f", {plural(len(report.unchecked), 'thing')} not compared" if report.unchecked else ""
    if not total:
        return f"nothing could be compared{unread}"
    counts = [f"{count} {_BREAKS[rank]}" for rank, count in report.counts.items() if count]
    moved = f"{plural(len(report.changes), 'change')} ({', '.join(counts)})" if counts else "nothing moved"
    return f"{moved} in {plural(total, 'fact')}{unread or rest}"


def _outcome(report: DriftReport) -> str:
    if not report.compared and not report.changes:
        return NOTHING
    found = [OUTCOMES[change.rank] for change in report.changes]
    if Outcome.FAIL in found:
        return Outcome.FAIL.word
    return Outcome.ERROR.word if report.faults else max(found, default=Outcome.PASS).word


def _section(report: DriftReport) -> Section:
    steps = dict.fromkeys(change.do for change in report.changes if change.breaks)
    gaps = tuple(Entry(f"{reason}: {', '.join(names)}") for reason, names in grouped(report.unchecked))
    return Section(
        name=report.stack,
        headline=headline(report),
        outcome=_outcome(report),
        do=tuple(steps)[:3],
        notes=(f"baseline: {report.since}",),
        parts=(
            *map(_finding, report.changes),
            *_faults_and_gaps(report),
            *([Listing("Not compared", gaps)] if gaps else []),
        ),
        tail=tuple(_tail(report)),
        started=report.started,
        seconds=report.seconds,
        facts=(("stackcheck", report.tool_version), ("baseline", report.since)),
    )


def _finding(change: Change) -> Finding:
    rows = (
        Row("where", one_line(change.where, 300)),
        Row("moved", f"{change.aspect}: {moved(change)}"),
        Row("seen", one_line(change.note, 400)),
        Row("why", change.why),
        Row("do", change.do),
    )
    return Finding(
        outcome=OUTCOMES[change.rank],
        code="",
        title=change.what,
        rows=tuple(row for row in rows if row.value),
        label=change.rank.upper(),
        name=f"{one_line(change.where, 200)} {change.aspect}",
    )


def _faults_and_gaps(report: DriftReport) -> Iterator[Finding]:
    """Yield what was not compared as findings for machines; a reader has the list."""
    for gap in report.faults:
        what = f"{gap.area} {one_line(gap.subject, 200)}".strip()
        yield Finding(
            Outcome.ERROR, "", "could not be looked at", one_line(gap.reason), name=what, shown=False
        )
    for reason, names in grouped([gap for gap in report.unchecked if not gap.fault]):
        what = ", ".join(names)
        yield Finding(Outcome.SKIP, "", "not compared", reason, name=what, shown=False)


def _tail(report: DriftReport) -> Iterator[str]:
    if told := vulnerabilities(report):
        yield told
    compared = ", ".join(f"{count} {area}" for area, count in report.compared.items()) or "nothing"
    yield f"compared: {compared}; {duration(report.seconds)}"
    if report.accepted:
        yield f"accepted as the new baseline: {one_line(report.accepted, 300)}"


def moved(change: Change, limit: int = _VALUE) -> str:
    """Return before and after in one line."""
    sides = [
        one_line(side, limit) if side is not None else "(none)" for side in (change.before, change.after)
    ]
    return " -> ".join(sides)


def grouped(gaps: Sequence[Gap]) -> list[tuple[str, list[str]]]:
    """Group what was not compared by reason, faults first: reason -> areas and subjects."""
    groups: dict[tuple[bool, str], list[str]] = {}
    for gap in gaps:
        what = f"{gap.area} {one_line(gap.subject, 90)}".strip() + (f" ({gap.aspect})" if gap.aspect else "")
        groups.setdefault((not gap.fault, one_line(gap.reason, 300)), []).append(what)
    found = []
    for (_, reason), names in sorted(groups.items()):
        more = [f"and {len(names) - _MOST_SUBJECTS} more"] if len(names) > _MOST_SUBJECTS else []
        found.append((reason, [*names[:_MOST_SUBJECTS], *more]))
    return found


def vulnerabilities(report: DriftReport) -> str:
    """Say how many known vulnerabilities are new, gone and the same; "" when they were not compared."""
    if report.cve_same is None:
        return ""
    mine = [change for change in report.changes if change.area == "cve"]
    new = sum(change.before is None for change in mine)
    gone = sum(change.after is None for change in mine)
    return f"known vulnerabilities: {new} new, {gone} fixed or withdrawn, {report.cve_same} the same"


def _data(reports: Sequence[DriftReport]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "stackcheck", "version": __version__},
        "drifts": [_row(report) for report in reports],
    }


def _row(report: DriftReport) -> dict[str, Any]:
    return {
        "stack": report.stack,
        "since": report.since,
        "started": report.started,
        "seconds": report.seconds,
        "exit_code": report.exit_code(),
        "counts": report.counts,
        "compared": report.compared,
        "accepted": report.accepted,
        "vulnerabilities_same": report.cve_same,
        "changes": [
            {"class" if key == "rank" else key: value for key, value in asdict(change).items()}
            for change in report.changes
        ],
        "unchecked": [asdict(gap) for gap in report.unchecked],
    }


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document, made from the types that write it."""
    from stackcheck.report.schemas import document_schema, row  # noqa: PLC0415 - pydantic

    rank = Literal["breaks-next-build", "breaks-running", "changes-behaviour", "benign"]
    keys = get_type_hints(Change)
    del keys["rank"]
    drift = {
        "stack": str,
        "since": str,
        "started": str,
        "seconds": float,
        "exit_code": Literal[0, 1, 3],
        "counts": dict[rank, int],
        "compared": dict[str, int],
        "accepted": str,
        "vulnerabilities_same": int | None,
        "changes": list[row("Change", keys | {"class": rank})],  # type: ignore[misc]
        "unchecked": list[Gap],
    }
    return document_schema(
        "stackcheck drift",
        "What `stackcheck drift` writes with --format json: what moved since the baseline.",
        SCHEMA_VERSION,
        {"drifts": list[row("Drift", drift)]},  # type: ignore[misc]
    )
