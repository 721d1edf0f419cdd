"""The report as JUnit XML: one suite a stack, one case a verdict.

Elements, attributes and their order are those that both the schema of Ant's junitreport task
(windyroad/JUnit-Schema) and the one of the Jenkins xUnit plugin (junit-10.xsd) accept; read 2026-11-20.
A WARN passes, with its text in the suite's system-out, because Ant knows none in a case; a SKIP and a finding
that the stack accepts are `skipped`; only the suite has a time, because cases are not timed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from stackcheck.report import wording
from stackcheck.report.escape import block, one_line
from stackcheck.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.report.model import Report


def render_junit(reports: Sequence[Report]) -> str:
    """Render reports as one JUnit XML document."""
    root = ET.Element("testsuites")
    for number, report in enumerate(reports):
        root.append(_suite(report, number))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report, number: int) -> ET.Element:
    cases = [_case(name, verdict, report) for name, verdict in wording.numbered(report.verdicts)]
    if not cases:
        cases = [_nothing(report)]
    suite = ET.Element(
        "testsuite",
        id=str(number),
        package="stackcheck",
        name=one_line(report.title, 300),
        tests=str(len(cases)),
        failures=str(_holding(cases, "failure")),
        errors=str(_holding(cases, "error")),
        skipped=str(_holding(cases, "skipped")),
        hostname="localhost",
        timestamp=timestamp(report.started),
        time=f"{report.seconds:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report):
        ET.SubElement(properties, "property", name=name, value=value)
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = _summary(report)
    ET.SubElement(suite, "system-err")
    return suite


def _case(name: str, verdict: Verdict, report: Report) -> ET.Element:
    case = ET.Element(
        "testcase",
        name=f"{one_line(name, 60)} {one_line(verdict.title, 200)}",
        classname=one_line(report.name, 300),
        time="0",
    )
    message = one_line(verdict.message)
    if verdict.waived:
        accepted = f"{verdict.outcome.name} accepted because: {one_line(verdict.waived)}"
        ET.SubElement(case, "skipped", message=accepted)
    elif verdict.outcome is Outcome.SKIP:
        ET.SubElement(case, "skipped", message=f"not checked: {message}")
    elif verdict.outcome in (Outcome.FAIL, Outcome.ERROR):
        tag = "failure" if verdict.outcome is Outcome.FAIL else "error"
        ET.SubElement(case, tag, type=one_line(verdict.code, 60), message=message).text = _detail(verdict)
    return case


def _nothing(report: Report) -> ET.Element:
    case = ET.Element("testcase", name=wording.NOTHING, classname=one_line(report.name, 300), time="0")
    ET.SubElement(case, "error", type=wording.NOTHING, message=wording.headline(report))
    return case


def _holding(cases: Sequence[ET.Element], tag: str) -> int:
    return sum(case.find(tag) is not None for case in cases)


def _detail(verdict: Verdict) -> str:
    rows = [("expected", verdict.expected), ("found", verdict.found), ("do", verdict.hint)]
    rows += [("see", f"{e.what} [{e.source}]" if e.source else e.what) for e in verdict.evidence]
    return "\n".join([*block(verdict.message), *(f"{name}: {one_line(v)}" for name, v in rows if v)])


def _properties(report: Report) -> list[tuple[str, str]]:
    pairs = [
        ("stackcheck", report.tool_version),
        ("command", report.command),
        ("subject", wording.subject(report)),
        ("digest", report.subject.digest),
        ("fingerprint", report.hashes.fingerprint),
        ("expectation", wording.expectation(report)),
    ]
    return [(name, one_line(value)) for name, value in pairs if value]


def _summary(report: Report) -> str:
    lines = [f"{wording.label(report)}: {wording.headline(report)}", wording.tally(report)]
    warnings = [v for v in report.counted if v.outcome is Outcome.WARN]
    return "\n".join([*lines, *(f"WARN {one_line(v.code, 60)} {_detail(v)}" for v in warnings)])


def timestamp(started: str) -> str:
    """Cut an ISO time to what the schema takes, seconds without a zone; the epoch when it is not known."""
    text = started[:19]
    known = len(text) == 19 and text[10] == "T" and text.replace("T", "").translate(_NO_MARKS).isdigit()
    return text if known else "1970-01-01T00:00:00"


_NO_MARKS = str.maketrans("", "", "-:")
