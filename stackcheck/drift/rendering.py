"""A drift report as a document, for every format, and as JSON. Pure."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from stackcheck import __version__
from stackcheck.drift.change_classes import CLASSES
from stackcheck.drift.changes import Change
from stackcheck.drift.facts import Gap
from stackcheck.drift.metrics import of_drift
from stackcheck.model.escape import one_line
from stackcheck.model.verdict import Outcome
from stackcheck.report import FORMATS as COMMON
from stackcheck.report import render_document
from stackcheck.report.document import Document, Entry, Finding, Listing, Row, Section, Table
from stackcheck.report.wording import NOTHING, duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stackcheck.drift.report import DriftReport
    from stackcheck.report.text import Paint

FORMATS = (*COMMON, "jsonl", "prom")
"""Those of every command, a JSON object a line for logs, and Prometheus' text format."""
SCHEMA_VERSION = 1
OUTCOMES = dict(zip(CLASSES, (Outcome.FAIL, Outcome.FAIL, Outcome.WARN, Outcome.PASS), strict=True))
_BREAKS = {
    "breaks-next-build": ("breaks the next build", "break the next build"),
    "breaks-running": ("breaks running", "break running"),
    "changes-behaviour": ("changes behaviour", "change behaviour"),
    "benign": ("is benign", "are benign"),
}
"""What one change of a class does, and what several do."""
_WORST_FIRST = (Outcome.FAIL.word, NOTHING, Outcome.ERROR.word, Outcome.WARN.word, Outcome.PASS.word)
_VALUE = 160
_MOST_SUBJECTS = 8


def render(reports: Sequence[DriftReport], form: str, *, width: int = 100, paint: Paint | None = None) -> str:
    """Render reports in one of `FORMATS`."""
    return render_document(document(reports), form, width=width, paint=paint)


def document(reports: Sequence[DriftReport], since: Mapping[str, str] | None = None) -> Document:
    """Return drift reports as a document: a section a stack, the worst first, and a finding a change.

    Several begin with a table, and what is quiet among them is one line. `since` says by stack when what
    breaks was first seen.
    """
    many, since = len(reports) > 1, since or {}
    told = sorted(reports, key=_badness)
    return Document(
        sections=tuple(_section(report, brief=many) for report in told),
        data=lambda: _data(reports),
        title=plural(len(reports), "stack"),
        overview=_overview(told, since) if many else None,
        overall=overall_of(told),
        package="stackcheck.drift",
        own={"jsonl": lambda: "".join(_lines(reports, since)), "prom": lambda: of_drift(reports, since)},
    )


def overall_of(reports: Sequence[DriftReport]) -> str:
    """Say what came of several stacks; "" for one."""
    return overall([_outcome(report) for report in reports])


def overall(outcomes: Sequence[str]) -> str:
    """Say what came of several stacks, the worst first: `44 stacks: 2 break, 42 are fine`; "" for one."""
    words = {
        Outcome.FAIL.word: ("breaks", "break"),
        NOTHING: ("could not be compared", "could not be compared"),
        Outcome.ERROR.word: ("was not looked at in full", "were not looked at in full"),
        Outcome.WARN.word: ("behaves differently", "behave differently"),
        Outcome.PASS.word: ("is fine", "are fine"),
    }
    counts = Counter(outcomes)
    told = [f"{counts[word]} {forms[counts[word] > 1]}" for word, forms in words.items() if counts[word]]
    return f"{plural(len(outcomes), 'stack')}: {', '.join(told)}" if len(outcomes) > 1 else ""


def _badness(report: DriftReport) -> tuple[int, int]:
    return _WORST_FIRST.index(_outcome(report)), -sum(change.breaks for change in report.changes)


def _overview(reports: Sequence[DriftReport], since: Mapping[str, str]) -> Table:
    headers = ("result", "stack", "broken since", "breaks", "behaviour", "benign", "not looked at", "time")
    rows = (
        (_outcome(report), report.stack, minute(since.get(report.stack, "")), *_counted(report))
        for report in reports
    )
    return Table(headers, tuple(rows), right=3)


def _counted(report: DriftReport) -> Iterator[str]:
    breaks = sum(change.breaks for change in report.changes)
    for count in (breaks, report.counts["changes-behaviour"], report.counts["benign"], len(report.faults)):
        yield str(count or "")
    yield duration(report.seconds)


def minute(started: str) -> str:
    """Return a time without its seconds and zone, for a table."""
    return started[:16].replace("T", " ")


def headline(report: DriftReport) -> str:
    """Say the result in one sentence; what was not compared is always part of it."""
    total = sum(report.compared.values())
    unread = f", {plural(len(report.faults), 'thing')} could not be looked at" if report.faults else ""
    rest = f", {plural(len(report.unchecked), 'thing')} not compared" if report.unchecked else ""
    if not total:
        return f"nothing could be compared{unread}"
    counts = [f"{count} {_BREAKS[rank][count > 1]}" for rank, count in report.counts.items() if count]
    moved = f"{plural(len(report.changes), 'change')} ({', '.join(counts)})" if counts else "nothing moved"
    return f"{moved} in {plural(total, 'fact')}{unread or rest}"


def _outcome(report: DriftReport) -> str:
    if not report.compared and not report.changes:
        return NOTHING
    found = [OUTCOMES[change.rank] for change in report.changes]
    if Outcome.FAIL in found:
        return Outcome.FAIL.word
    return Outcome.ERROR.word if report.faults else max(found, default=Outcome.PASS).word


def _section(report: DriftReport, *, brief: bool = False) -> Section:
    """Return a report as a section; a `brief` one says in its headline alone that nothing is to be done."""
    quiet = brief and _outcome(report) == Outcome.PASS.word
    steps = dict.fromkeys(change.do for change in report.changes if change.breaks)
    gaps = tuple(Entry(f"{reason}: {', '.join(names)}") for reason, names in grouped(report.unchecked))
    return Section(
        name=report.stack,
        headline=headline(report),
        outcome=_outcome(report),
        do=tuple(steps)[:3],
        notes=() if quiet else (f"baseline: {report.since}",),
        parts=(
            *map(_finding, report.changes),
            *_faults_and_gaps(report),
            *([Listing("Not compared", gaps)] if gaps and not quiet else []),
        ),
        tail=() if quiet else tuple(_tail(report)),
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
        **_summary(report),
        "changes": [*map(_change, report.changes)],
        "unchecked": [*map(asdict, report.unchecked)],
    }


def _summary(report: DriftReport) -> dict[str, Any]:
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
    }


def _change(change: Change) -> dict[str, Any]:
    return {"class" if key == "rank" else key: value for key, value in asdict(change).items()}


def _lines(reports: Sequence[DriftReport], since: Mapping[str, str]) -> Iterator[str]:
    """Yield a line a stack, a change, a gap; every line says what it is, of which stack, and when."""
    for report in reports:
        own = {"stack": report.stack, "started": report.started}
        breaks = {"result": _outcome(report), "broken_since": since.get(report.stack, "")}
        rows = (
            {"kind": "drift", **_summary(report), **breaks},
            *({"kind": "change", **own, **_change(change)} for change in report.changes),
            *({"kind": "unchecked", **own, **asdict(gap)} for gap in report.unchecked),
        )
        yield from (json.dumps(row, ensure_ascii=True) + "\n" for row in rows)


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
