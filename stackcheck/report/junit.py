"""A document as JUnit XML: one suite a section, one case a code, as `pytest --stack --junit-xml` has it.

Elements, attributes and their order are those that both the schema of Ant's junitreport task
(windyroad/JUnit-Schema) and the one of the Jenkins xUnit plugin (junit-10.xsd) accept; read 2026-11-20.
A WARN passes, with its text in the suite's system-out, because Ant knows none in a case; a SKIP and a finding
that is accepted are `skipped`; only the suite has a time, because cases are not timed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from stackcheck.model.escape import block, one_line
from stackcheck.model.evidence import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.report.document import Document, Finding, Section


def render_junit(document: Document) -> str:
    """Render a document as one JUnit XML document."""
    root = ET.Element("testsuites")
    for number, section in enumerate(document.sections):
        root.append(_suite(section, number, document.package))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(section: Section, number: int, package: str) -> ET.Element:
    classname = _classname(section.title or section.name)
    cases = [_case(*each, classname) for each in _by_code(section)] or [_only_case(section)]
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


def _by_code(section: Section) -> Iterator[tuple[str, list[Finding]]]:
    """Yield the findings of each case: those of a code, or of a smoke test, which pytest has an item of."""
    groups: dict[str, list[Finding]] = {}
    for number, finding in enumerate(section.findings):
        groups.setdefault(finding.case or finding.code or f"\0{number}", []).append(finding)
    for findings in groups.values():
        first = findings[0]
        name = [first.case or first.code] if first.code else [first.name, first.title]
        yield " ".join(one_line(word, 200) for word in name if word), findings


def _case(name: str, findings: Sequence[Finding], classname: str) -> ET.Element:
    """Return one case: what pytest makes of the same verdicts, in the order in which it asks."""
    case = ET.Element("testcase", name=name, classname=one_line(classname, 300), time="0")
    every = [each for each in findings if not each.accepted]
    failed = [each for each in every if each.outcome is Outcome.FAIL]
    errors = [each for each in every if each.outcome is Outcome.ERROR]
    skipped = [each for each in every if each.outcome is Outcome.SKIP]
    expected = [each for each in failed if each.expected]
    if bad := [each for each in failed if not each.expected] or (not failed and errors):
        first = bad[0]
        message = f"{one_line(first.title)}: {_said(first)}" if first.message and first.code else _said(first)
        tag = "failure" if first.outcome is Outcome.FAIL else "error"
        kind = one_line(first.code or first.word, 60)
        ET.SubElement(case, tag, type=kind, message=message).text = "\n\n".join(map(detail, bad))
    elif expected:
        ET.SubElement(case, "skipped", message=f"expected by the definition: {_said(expected[0])}")
    elif accepted := [each for each in findings if each.accepted]:
        why = f"{accepted[0].outcome.word} accepted because: {one_line(accepted[0].accepted)}"
        ET.SubElement(case, "skipped", message=why)
    elif skipped:
        ET.SubElement(case, "skipped", message=f"not checked: {_said(skipped[0])}")
    return case


def _said(finding: Finding) -> str:
    return one_line(finding.message or finding.title)


def _only_case(section: Section) -> ET.Element:
    """Return the case of a section without findings: an error where that means that nothing was checked."""
    nothing = section.outcome == "NOTHING"
    whose = section.title or section.name
    name = section.outcome if nothing else one_line(section.headline or whose)
    case = ET.Element("testcase", name=name, classname=one_line(_classname(whose), 300), time="0")
    if nothing:
        ET.SubElement(case, "error", type=section.outcome, message=one_line(section.headline))
    return case


def _classname(title: str) -> str:
    """Return `file::id` as pytest writes where an item stands: `matrices.cpu.toml.cpu-torch213`."""
    file, _, name = title.rpartition("::")
    return ".".join(part for part in (file.replace("/", "."), name) if part)


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
