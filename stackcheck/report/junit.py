"""A document as JUnit XML: one suite a section, one case a finding.

Elements, attributes and their order are those that both the schema of Ant's junitreport task
(windyroad/JUnit-Schema) and the one of the Jenkins xUnit plugin (junit-10.xsd) accept; read 2026-11-20.
A WARN passes, with its text in the suite's system-out, because Ant knows none in a case; a SKIP and a finding
that is accepted are `skipped`; only the suite has a time, because cases are not timed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from stackcheck.model.escape import block, one_line
from stackcheck.model.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.report.document import Document, Finding, Section


def render_junit(document: Document) -> str:
    """Render a document as one JUnit XML document."""
    root = ET.Element("testsuites")
    for number, section in enumerate(document.sections):
        root.append(_suite(section, number, document.package))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(section: Section, number: int, package: str) -> ET.Element:
    classname = section.name or section.title
    cases = [_case(finding, classname) for finding in section.findings] or [_only_case(section)]
    suite = ET.Element(
        "testsuite",
        id=str(number),
        package=package,
        name=one_line(section.title or section.name, 300),
        tests=str(len(cases)),
        failures=str(_holding(cases, "failure")),
        errors=str(_holding(cases, "error")),
        skipped=str(_holding(cases, "skipped")),
        hostname="localhost",
        timestamp=timestamp(section.started),
        time=f"{section.seconds:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in section.facts:
        ET.SubElement(properties, "property", name=name, value=one_line(value))
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = _summary(section)
    ET.SubElement(suite, "system-err")
    return suite


def _case(finding: Finding, classname: str) -> ET.Element:
    name = " ".join(one_line(word, 200) for word in (finding.name or finding.code, finding.title) if word)
    case = ET.Element("testcase", name=name, classname=one_line(classname, 300), time="0")
    message = one_line(finding.message or finding.title)
    if finding.accepted:
        accepted = f"{finding.outcome.word} accepted because: {one_line(finding.accepted)}"
        ET.SubElement(case, "skipped", message=accepted)
    elif finding.outcome is Outcome.SKIP:
        ET.SubElement(case, "skipped", message=f"not checked: {message}")
    elif finding.outcome in (Outcome.FAIL, Outcome.ERROR):
        tag = "failure" if finding.outcome is Outcome.FAIL else "error"
        kind = one_line(finding.code or finding.word, 60)
        ET.SubElement(case, tag, type=kind, message=message).text = detail(finding)
    return case


def _only_case(section: Section) -> ET.Element:
    """Return the case of a section without findings: an error where that means that nothing was checked."""
    nothing = section.outcome == "NOTHING"
    whose = section.name or section.title
    name = section.outcome if nothing else one_line(section.headline or whose)
    case = ET.Element("testcase", name=name, classname=one_line(whose, 300), time="0")
    if nothing:
        ET.SubElement(case, "error", type=section.outcome, message=one_line(section.headline))
    return case


def _holding(cases: Sequence[ET.Element], tag: str) -> int:
    return sum(case.find(tag) is not None for case in cases)


def detail(finding: Finding) -> str:
    """Return the whole message, and the rows under it."""
    rows = [f"{row.name}: {one_line(row.text)}" for row in finding.rows if row.name != "because"]
    return "\n".join([*block(finding.message or finding.title), *rows])


def _summary(section: Section) -> str:
    head = one_line(": ".join(word for word in (section.outcome, section.headline) if word))
    told = [
        f"{one_line(each.word, 60)} {one_line(each.code, 60)} {detail(each)}"
        for each in section.findings
        if each.shown and not each.accepted and each.outcome not in (Outcome.FAIL, Outcome.ERROR)
    ]
    return "\n".join([head, *map(one_line, section.tail), *told])


def timestamp(started: str) -> str:
    """Cut an ISO time to what the schema takes, seconds without a zone; the epoch when it is not known."""
    text = started[:19]
    known = len(text) == 19 and text[10] == "T" and text.replace("T", "").translate(_NO_MARKS).isdigit()
    return text if known else "1970-01-01T00:00:00"


_NO_MARKS = str.maketrans("", "", "-:")
