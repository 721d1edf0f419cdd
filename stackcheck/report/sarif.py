"""A document as SARIF 2.1.0 (OASIS), for code scanning and editors: one run, every section's findings in it.

FAIL and WARN are results, and nothing else is: an ERROR is a notification of the invocation, because it says
nothing about the stack, and so is what was not checked, as a note; a finding that is accepted or expected
carries a suppression with the reason. What passed is left out. Each rule has its text, and an address among
its sources.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stackcheck import __version__
from stackcheck.model.escape import block, one_line
from stackcheck.model.evidence import Outcome
from stackcheck.report.document import place_of
from stackcheck.report.junit import detail

if TYPE_CHECKING:
    from stackcheck.report.document import Document, Explanation, Finding, Section

_LEVEL = {Outcome.FAIL: "error", Outcome.WARN: "warning"}
_NOTED = {Outcome.ERROR: "error", Outcome.SKIP: "note"}


def render_sarif(document: Document) -> str:
    """Render a document as one SARIF log."""
    told = [
        (section, finding)
        for section in document.sections
        for finding in section.findings
        if finding.outcome in _LEVEL or _is_noted(finding)
    ]
    titles = {_rule(finding): finding.title for _, finding in told}
    places = {rule: number for number, rule in enumerate(sorted(titles))}
    meant = document.explanations(finding for _, finding in told)
    results = [_result(*each, places[_rule(each[1])]) for each in told if each[1].outcome in _LEVEL]
    notes = [_notification(*each) for each in told if each[1].outcome in _NOTED]
    notes += [_nothing(section) for section in document.sections if section.outcome == "NOTHING"]
    driver = {
        "name": "stackcheck",
        "version": __version__,
        "rules": [_descriptor(rule, titles[rule], meant.get(rule)) for rule in places],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": all(note["level"] != "error" for note in notes),
                "toolExecutionNotifications": notes,
            }
        ],
        "results": results,
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _rule(finding: Finding) -> str:
    return one_line(finding.code or finding.word, 60)


def _is_noted(finding: Finding) -> bool:
    return finding.outcome in _NOTED and finding.reached and not finding.accepted


def _descriptor(rule: str, title: str, meant: Explanation | None) -> dict[str, Any]:
    short = {"id": rule, "shortDescription": {"text": one_line(title)}}
    if meant is None:
        return short
    text = "\n".join(block(meant.text))
    described: dict[str, Any] = short | {
        "fullDescription": {"text": one_line(meant.text.partition("\n\n")[0])},
        "help": {"text": text, "markdown": text},
    }
    return described | ({"helpUri": meant.address} if meant.address else {})


def _result(section: Section, finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": _rule(finding),
        "ruleIndex": index,
        "level": _LEVEL[finding.outcome],
        "message": {"text": _message(finding)},
        "locations": [_location(section, *place_of(finding, section))],
        "partialFingerprints": {"stackcheck/v1": fingerprint(section.name, finding.name or finding.heading)},
    }
    if reason := one_line(finding.accepted or ("expected by the definition" if finding.expected else "")):
        result["suppressions"] = [{"kind": "external", "justification": reason}]
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


def fingerprint(stack: str, name: str) -> str:
    """Identify a finding from run to run by stack and code, so that changed wording opens no new alert."""
    return hashlib.sha256(f"{stack}\0{name}".encode("utf-8", "replace")).hexdigest()


def _notification(section: Section, finding: Finding) -> dict[str, Any]:
    return {
        "level": _NOTED[finding.outcome],
        "descriptor": {"id": _rule(finding)},
        "message": {"text": _message(finding)},
        "locations": [_location(section, *place_of(finding, section))],
    }


def _nothing(section: Section) -> dict[str, Any]:
    text = {"text": f"{one_line(section.name, 200)}: {one_line(section.headline)}"}
    return {"level": "error", "message": text, "locations": [_location(section)]}
