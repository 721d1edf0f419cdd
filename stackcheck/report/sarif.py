"""The report as SARIF 2.1.0 (OASIS), for code scanning and editors: one run, every stack's findings in it.

FAIL and WARN are results; a SKIP is a result of kind `open` ("not enough to decide", section 3.27.9); an
ERROR is a notification of the invocation, because it says nothing about the stack; a finding that the stack
accepts carries a suppression with the written reason. What passed is left out.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stackcheck import __version__
from stackcheck.report import wording
from stackcheck.report.escape import block, one_line
from stackcheck.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.report.model import Report

_LEVEL = {Outcome.FAIL: "error", Outcome.WARN: "warning", Outcome.SKIP: "none"}


def render_sarif(reports: Sequence[Report]) -> str:
    """Render reports as one SARIF log."""
    titles = {v.code: v.title for report in reports for v in report.verdicts}
    codes = sorted(titles)
    results = [
        _result(report, name, verdict, codes.index(verdict.code))
        for report in reports
        for name, verdict in wording.numbered(report.verdicts)
        if verdict.outcome in _LEVEL
    ]
    notes = [note for report in reports for note in _notifications(report)]
    driver = {
        "name": "stackcheck",
        "version": __version__,
        "rules": [{"id": code, "shortDescription": {"text": one_line(titles[code])}} for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not notes, "toolExecutionNotifications": notes}],
        "results": results,
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _result(report: Report, name: str, verdict: Verdict, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": verdict.code,
        "ruleIndex": index,
        "level": _LEVEL[verdict.outcome],
        "message": {"text": _message(verdict)},
        "locations": [_location(report)],
        "partialFingerprints": {"stackcheck/v1": _fingerprint(report.name, name)},
    }
    if verdict.outcome is Outcome.SKIP:
        result["kind"] = "open"
    if verdict.waived:
        result["suppressions"] = [{"kind": "external", "justification": one_line(verdict.waived)}]
    return result


def _message(verdict: Verdict) -> str:
    rows = [("expected", verdict.expected), ("found", verdict.found), ("do", verdict.hint)]
    rows += [("see", f"{e.what} [{e.source}]" if e.source else e.what) for e in verdict.evidence]
    head = block(f"not checked: {verdict.message}" if verdict.outcome is Outcome.SKIP else verdict.message)
    return "\n".join([*head, *(f"{name}: {one_line(value)}" for name, value in rows if value)])


def _location(report: Report) -> dict[str, Any]:
    name = one_line(report.name, 200)
    location: dict[str, Any] = {"logicalLocations": [{"name": name, "kind": "module"}]}
    if report.file:
        uri = ("file://" if report.file.startswith("/") else "") + quote(one_line(report.file, 1000))
        location["physicalLocation"] = {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
    return location


def _fingerprint(stack: str, name: str) -> str:
    """Identify a finding from run to run by stack and code, so that changed wording opens no new alert."""
    return hashlib.sha256(f"{stack}\0{name}".encode("utf-8", "replace")).hexdigest()


def _notifications(report: Report) -> list[dict[str, Any]]:
    notes = [
        {
            "level": "error",
            "descriptor": {"id": verdict.code},
            "message": {"text": _message(verdict)},
            "locations": [_location(report)],
        }
        for verdict in report.counted
        if verdict.outcome is Outcome.ERROR
    ]
    if report.result is None:
        text = {"text": f"{one_line(report.name, 200)}: {wording.headline(report)}"}
        notes.append({"level": "error", "message": text, "locations": [_location(report)]})
    return notes
