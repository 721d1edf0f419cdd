"""A document as SARIF 2.1.0 (OASIS), for code scanning and editors: one run, every section's findings in it.

FAIL and WARN are results; a SKIP is a result of kind `open` ("not enough to decide", section 3.27.9), unless
its level was not reached; an ERROR is a notification of the invocation, because it says nothing about the
stack; a finding that is accepted carries a suppression with the written reason. What passed is left out.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stackcheck import __version__
from stackcheck.model.escape import one_line
from stackcheck.model.verdict import Outcome
from stackcheck.report.document import place_of
from stackcheck.report.junit import detail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.report.document import Document, Finding, Section

_LEVEL = {Outcome.FAIL: "error", Outcome.WARN: "warning", Outcome.SKIP: "none", Outcome.PASS: "note"}


def render_sarif(document: Document) -> str:
    """Render a document as one SARIF log."""
    titles = {_rule(each): each.title for section in document.sections for each in section.findings}
    places = {rule: number for number, rule in enumerate(sorted(titles))}
    results = [
        _result(section, finding, places[_rule(finding)])
        for section in document.sections
        for finding in section.findings
        if _tells(finding)
    ]
    notes = [note for section in document.sections for note in _notifications(section)]
    driver = {
        "name": "stackcheck",
        "version": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": one_line(titles[rule])}} for rule in places],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not notes, "toolExecutionNotifications": notes}],
        "results": results,
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _rule(finding: Finding) -> str:
    return one_line(finding.code or finding.word, 60)


def _tells(finding: Finding) -> bool:
    if finding.outcome is Outcome.SKIP:
        return finding.reached
    return finding.outcome in (Outcome.FAIL, Outcome.WARN) or (
        finding.outcome is Outcome.PASS and finding.shown
    )


def _result(section: Section, finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": _rule(finding),
        "ruleIndex": index,
        "level": _LEVEL[finding.outcome],
        "message": {"text": _message(finding)},
        "locations": [_location(section, *place_of(finding, section))],
        "partialFingerprints": {"stackcheck/v1": _fingerprint(section.name, finding.name or finding.heading)},
    }
    if finding.outcome is Outcome.SKIP:
        result["kind"] = "open"
    if finding.accepted:
        result["suppressions"] = [{"kind": "external", "justification": one_line(finding.accepted)}]
    return result


def _message(finding: Finding) -> str:
    text = detail(finding)
    return f"not checked: {text}" if finding.outcome is Outcome.SKIP else text


def _location(section: Section, file: str = "", line: int = 0) -> dict[str, Any]:
    file = file or section.file
    name = one_line(section.name, 200)
    location: dict[str, Any] = {"logicalLocations": [{"name": name, "kind": "module"}]}
    if file:
        uri = ("file://" if file.startswith("/") else "") + quote(one_line(file, 1000))
        location["physicalLocation"] = {"artifactLocation": {"uri": uri}, "region": {"startLine": line or 1}}
    return location


def _fingerprint(stack: str, name: str) -> str:
    """Identify a finding from run to run by stack and code, so that changed wording opens no new alert."""
    return hashlib.sha256(f"{stack}\0{name}".encode("utf-8", "replace")).hexdigest()


def _notifications(section: Section) -> Iterator[dict[str, Any]]:
    for finding in section.findings:
        if finding.outcome is Outcome.ERROR and not finding.accepted:
            yield {
                "level": "error",
                "descriptor": {"id": _rule(finding)},
                "message": {"text": _message(finding)},
                "locations": [_location(section)],
            }
    if section.outcome == "NOTHING":
        text = {"text": f"{one_line(section.name, 200)}: {one_line(section.headline)}"}
        yield {"level": "error", "message": text, "locations": [_location(section)]}
