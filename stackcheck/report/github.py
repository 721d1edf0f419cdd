"""The report as GitHub workflow commands, which the runner turns into annotations.

Escaping as the runner's own toolkit does it (actions/toolkit, packages/core/src/command.ts, checked
2026-11-20): in the message `%`, CR and LF; in a property `:` and `,` as well. The older `##[command]` form is
recognised anywhere in a line, so it is broken up too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.report import wording
from stackcheck.report.escape import one_line
from stackcheck.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.report.model import Report

_LEVEL = {Outcome.FAIL: "error", Outcome.ERROR: "error", Outcome.WARN: "warning"}


def render_github(reports: Sequence[Report]) -> str:
    """Render reports as one annotation a finding, and one plain line a stack."""
    lines = [line for report in reports for line in _report(report)]
    return "\n".join(lines or [command("error", "stackcheck", "", "no stack was checked")]) + "\n"


def command(level: str, title: str, file: str, message: str) -> str:
    """Return one workflow command line; the runner shows `%0A` as a line break."""
    properties = [f"title={_property(title)}"]
    if file:
        properties.insert(0, f"file={_property(file)}")
    return f"::{level} {','.join(properties)}::{message}"


def _report(report: Report) -> Iterator[str]:
    order = {Outcome.FAIL: 0, Outcome.ERROR: 1, Outcome.WARN: 2}
    found = [v for v in report.verdicts if v.outcome in order]
    for verdict in sorted(found, key=lambda v: (bool(v.waived), order[v.outcome])):
        level = "notice" if verdict.waived else _LEVEL[verdict.outcome]
        yield command(level, _title(report, verdict), report.file, _message(verdict))
    for each in wording.unchecked(report.verdicts):
        text = f"{_data(each.reason)}: {_data(' '.join(each.codes))}"
        yield command("notice", f"NOT CHECKED {report.name}", report.file, text)
    if report.result is None:
        yield command("error", f"{wording.NOTHING} {report.name}", report.file, wording.headline(report))
    yield _data(
        f"stackcheck: {wording.label(report)} {one_line(report.name, 200)}: {wording.headline(report)}"
    )


def _title(report: Report, verdict: Verdict) -> str:
    label = wording.ACCEPTED if verdict.waived else verdict.outcome.name
    return f"{label} {verdict.code} {report.name}"


def _message(verdict: Verdict) -> str:
    rows = [
        ("", verdict.message),
        ("expected", verdict.expected),
        ("found", verdict.found),
        ("because", verdict.waived),
        ("do", verdict.hint),
    ]
    return "%0A".join(_data(f"{name}: {value}" if name else value) for name, value in rows if value)


def _data(text: str) -> str:
    return one_line(text).replace("##[", "## [").replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
