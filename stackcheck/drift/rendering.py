"""A drift report as text, Markdown fit for an issue, JUnit XML or JSON; all text made harmless. Pure."""

from __future__ import annotations

import dataclasses
import functools
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from stackcheck import __version__
from stackcheck.drift.kinds import CLASSES
from stackcheck.report.escape import one_line
from stackcheck.report.junit import timestamp
from stackcheck.report.markdown import code, inline
from stackcheck.report.wording import duration, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from stackcheck.drift.changes import Change
    from stackcheck.drift.facts import Gap
    from stackcheck.drift.report import DriftReport

SCHEMA_VERSION = 1
FORMATS = ("text", "md", "json", "junit")
_VALUE = 160
_MOST_SUBJECTS = 8


def render(reports: Sequence[DriftReport], form: str) -> str:
    """Render reports in one of `FORMATS`."""
    renderers: dict[str, Callable[[Sequence[DriftReport]], str]] = {
        "text": render_text,
        "md": render_markdown,
        "json": to_json,
        "junit": render_junit,
    }
    return renderers[form](reports)


def headline(report: DriftReport) -> str:
    """Say the result in one sentence; what was not compared is always part of it."""
    total = sum(report.compared.values())
    unread = f", {plural(len(report.faults), 'thing')} could not be looked at" if report.faults else ""
    rest = f", {plural(len(report.unchecked), 'thing')} not compared" if report.unchecked else ""
    if not total:
        return f"nothing could be compared{unread}"
    counts = [f"{count} {_words(rank)}" for rank, count in report.counts.items() if count]
    moved = f"{plural(len(report.changes), 'change')} ({', '.join(counts)})" if counts else "nothing moved"
    return f"{moved} in {plural(total, 'fact')}{unread or rest}"


def _words(rank: str) -> str:
    return {"breaks-next-build": "break the next build", "breaks-running": "break running",
            "changes-behaviour": "change behaviour", "benign": "benign"}[rank]  # fmt: skip


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


def render_text(reports: Sequence[DriftReport]) -> str:
    """Render reports for a terminal."""
    return "\n\n".join("\n".join(_text(report)) for report in reports) + "\n"


def _text(report: DriftReport) -> Iterator[str]:
    yield f"{one_line(report.stack, 120)}: {headline(report)}"
    yield f"baseline: {one_line(report.since, 300)}"
    for change in report.changes:
        yield ""
        yield f"{change.rank.upper()}  {change.what}"
        yield f"    where: {one_line(change.where, 300)}"
        yield f"    moved: {change.aspect}: {moved(change)}"
        if change.note:
            yield f"    seen:  {one_line(change.note, 400)}"
        yield f"    why:   {change.why}"
        yield f"    do:    {change.do}"
    if report.unchecked:
        yield from ("", "not compared:")
        yield from (f"    {reason}: {', '.join(names)}" for reason, names in grouped(report.unchecked))
    yield ""
    if told := vulnerabilities(report):
        yield told
    compared = ", ".join(f"{count} {area}" for area, count in report.compared.items()) or "nothing"
    yield f"compared: {compared}; {duration(report.seconds)}"
    if report.accepted:
        yield f"accepted as the new baseline: {one_line(report.accepted, 300)}"


def render_markdown(reports: Sequence[DriftReport]) -> str:
    """Render reports as GitHub-flavoured Markdown, for the body of an issue."""
    return "\n\n".join("\n".join(_markdown(report)) for report in reports) + "\n"


def _markdown(report: DriftReport) -> Iterator[str]:
    yield f"## Drift of {code(report.stack)}: {headline(report)}"
    yield ""
    yield f"Baseline: {inline(one_line(report.since, 300))}  "
    took = duration(report.seconds)
    yield f"Looked at {inline(report.started)}, in {took}, stackcheck {inline(report.tool_version)}"
    for rank in CLASSES:
        mine = [change for change in report.changes if change.rank == rank]
        if mine:
            yield from ("", f"### {rank} ({len(mine)})", "")
            yield "| what | where | before | after | do |"
            yield "| --- | --- | --- | --- | --- |"
            yield from (f"| {' | '.join(_cells(change))} |" for change in mine)
    if report.unchecked:
        yield from ("", "### Not compared", "")
        for reason, names in grouped(report.unchecked):
            yield f"- {inline(reason)}: {', '.join(map(inline, names))}"
    if told := vulnerabilities(report):
        yield from ("", told)
    if report.accepted:
        yield from ("", f"Accepted as the new baseline: {inline(one_line(report.accepted, 300))}")


def _cells(change: Change) -> list[str]:
    sides = [code(one_line(s, 100)) if s is not None else "" for s in (change.before, change.after)]
    note = f"<br>{inline(one_line(change.note, 300))}" if change.note else ""
    return [f"{inline(change.what)}{note}", code(one_line(change.where, 200)), *sides, inline(change.do)]


def render_junit(reports: Sequence[DriftReport]) -> str:
    """Render reports as JUnit XML: one suite a stack, one case a change, a fault, and a gap (skipped)."""
    root = ET.Element("testsuites")
    root.extend(_suite(report, number) for number, report in enumerate(reports))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(report: DriftReport, number: int) -> ET.Element:
    name = one_line(report.stack, 300)
    cases = [_case_of(change, name) for change in report.changes]
    for reason, subjects in grouped([gap for gap in report.unchecked if not gap.fault]):
        cases.append(_case(name, f"not compared: {', '.join(subjects)}", "skipped", reason))
    cases += [
        _case(name, f"{gap.area} {one_line(gap.subject, 200)}".strip(), "error", one_line(gap.reason))
        for gap in report.faults
    ]
    if not report.compared:
        cases.append(_case(name, "nothing was compared", "error", headline(report)))
    if not cases:
        cases.append(_case(name, "nothing moved", "", ""))
    held = {tag: sum(case.find(tag) is not None for case in cases) for tag in ("failure", "error", "skipped")}
    suite = ET.Element(
        "testsuite",
        id=str(number),
        package="stackcheck.drift",
        name=name,
        tests=str(len(cases)),
        failures=str(held["failure"]),
        errors=str(held["error"]),
        skipped=str(held["skipped"]),
        hostname="localhost",
        timestamp=timestamp(report.started),
        time=f"{report.seconds:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", name="baseline", value=one_line(report.since, 300))
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = headline(report)
    ET.SubElement(suite, "system-err")
    return suite


def _case_of(change: Change, name: str) -> ET.Element:
    text = f"{change.what}: {one_line(change.where, 200)}: {moved(change)}"
    tag = "failure" if change.breaks else ""
    case = _case(name, f"{one_line(change.where, 200)} {change.aspect}", tag, text)
    failure = case.find("failure")
    if failure is not None:
        failure.set("type", change.rank)
        failure.text = "\n".join(each for each in (one_line(change.note), change.why, change.do) if each)
    return case


def _case(classname: str, name: str, tag: str, message: str) -> ET.Element:
    case = ET.Element("testcase", name=name, classname=classname, time="0")
    if tag:
        ET.SubElement(case, tag, message=message)
    return case


def to_json(reports: Sequence[DriftReport]) -> str:
    """Return the document that `schema()` describes, ASCII only."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "stackcheck", "version": __version__},
        "drifts": [_row(report) for report in reports],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


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
            {"class" if key == "rank" else key: value for key, value in dataclasses.asdict(change).items()}
            for change in report.changes
        ],
        "unchecked": [dataclasses.asdict(gap) for gap in report.unchecked],
    }


@functools.cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    text = files("stackcheck.drift").joinpath("schema.json").read_text(encoding="utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed
