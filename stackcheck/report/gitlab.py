"""A document as GitLab's Code Quality report, which is shown in a merge request beside the lines it is about.

A list of objects with `description`, `check_name`, `fingerprint`, `severity`, and `location` with a path
relative to the repository and a line (docs.gitlab.com/ci/testing/code_quality, as quoted in
github.com/phpstan/phpstan-src/pull/4421, read 2026-11-30). The fingerprint is that of SARIF: by stack and
code, so that new wording is not a new finding.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stackcheck.model.escape import one_line
from stackcheck.model.evidence import Outcome
from stackcheck.report.document import Finding, place_of
from stackcheck.report.sarif import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.report.document import Document, Section

_SEVERITY = {Outcome.FAIL: "critical", Outcome.ERROR: "major", Outcome.WARN: "minor"}
"""What is proven broken, what could not be found out, what should be known."""


def render_gitlab(document: Document) -> str:
    """Render a document as one JSON list, an object a finding, the worst first."""
    rows = [row for section in document.sections for row in _section(section)]
    order = list(_SEVERITY.values())
    rows.sort(key=lambda row: order.index(row["severity"]))
    return json.dumps(rows, indent=2) + "\n"


def _section(section: Section) -> Iterator[dict[str, Any]]:
    found = section.findings
    if section.outcome == "NOTHING":
        found = (*found, Finding(Outcome.ERROR, section.outcome, section.headline))
    for finding in found:
        if finding.outcome in _SEVERITY and not (finding.accepted or finding.expected):
            yield _row(section, finding)


def _row(section: Section, finding: Finding) -> dict[str, Any]:
    code = one_line(finding.code or finding.word, 60)
    do = "".join(f" Do: {row.value}." for row in finding.rows if row.name == "do")
    said = one_line(f"{code}: {finding.message or finding.title}{do}")
    file, line = place_of(finding, section)
    return {
        "description": f"{one_line(section.name, 200)}: {said}",
        "check_name": code,
        "fingerprint": fingerprint(section.name, finding.name or finding.heading),
        "severity": _SEVERITY[finding.outcome],
        "location": {"path": one_line(file, 1000).removeprefix("./"), "lines": {"begin": line or 1}},
    }
