"""The report as GitHub-flavoured Markdown, for a pull request comment or a job summary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.report import wording
from stackcheck.report.escape import block, one_line
from stackcheck.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.report.model import Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$])")


def render_markdown(reports: Sequence[Report]) -> str:
    """Render reports as Markdown; a table first when there are several."""
    parts = [] if len(reports) == 1 else ["\n".join(_table(reports))]
    parts += ["\n".join(_report(report)) for report in reports]
    return "\n\n".join(parts) + "\n"


def inline(text: object) -> str:
    """Return text that Markdown shows as it stands: no markup, HTML, link, mention or issue reference."""
    escaped = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = _SPECIAL.sub(r"\\\1", escaped)
    escaped = re.sub(r"^(\d+)\.|^(-)", r"\1\\." if escaped[:1].isdigit() else r"\\\2", escaped)
    return escaped.replace("@", "@<!-- -->").replace("://", ":<!-- -->//").replace("www.", "www<!-- -->.")


def code(text: object) -> str:
    """Return text as a code span, fenced by more backticks than it holds (CommonMark 6.1)."""
    content = one_line(text).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", content)), default=0) + 1)
    pad = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{pad}{content}{pad}{fence}"


def _table(reports: Sequence[Report]) -> Iterator[str]:
    if not reports:
        yield f"**{wording.NOTHING}**: no stack was checked"
        return
    yield "| result | stack | failed | error | warned | not checked | passed | accepted | time |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    columns = [Outcome.FAIL, Outcome.ERROR, Outcome.WARN, Outcome.SKIP, Outcome.PASS]
    for report in reports:
        counts = [str(report.counts[outcome] or "") for outcome in columns]
        cells = [
            f"**{wording.label(report)}**",
            code(report.name),
            *counts,
            str(len(report.waived) or ""),
            wording.duration(report.seconds),
        ]
        yield f"| {' | '.join(cells)} |"


def _report(report: Report) -> Iterator[str]:
    yield f"## {wording.label(report)} {code(report.name)}: {wording.headline(report)}"
    yield ""
    if report.summary:
        yield f"{inline(report.summary)}  "
    if wording.expectation(report):
        yield f"{inline(wording.expectation(report))}  "
    yield f"{code(wording.subject(report))} {inline(wording.when(report))}"
    for outcome in (Outcome.FAIL, Outcome.ERROR, Outcome.WARN):
        for verdict in report.counted:
            if verdict.outcome is outcome:
                yield from _verdict(verdict, outcome.name)
    for verdict in report.waived:
        yield from _verdict(verdict, f"{wording.ACCEPTED} ({verdict.outcome.name})")
    groups = wording.unchecked(report.verdicts)
    if groups:
        yield from ("", "### Not checked", "")
        yield from (f"- {inline(each.reason)}: {' '.join(each.codes)}" for each in groups)
    yield ""
    yield wording.tally(report)


def _verdict(verdict: Verdict, label: str) -> Iterator[str]:
    yield from ("", f"### {label} {inline(verdict.code)} {inline(verdict.title)}", "")
    yield from (f"> {inline(line)}  " for line in block(verdict.message) if line.strip())
    rows = [
        f"- {name}: {code(v)}" for name, v in (("expected", verdict.expected), ("found", verdict.found)) if v
    ]
    rows += [f"- because: {inline(verdict.waived)}"] if verdict.waived else []
    rows += [f"- do: {inline(verdict.hint)}"] if verdict.hint else []
    rows += [
        f"- see: {code(each.what)}{f', {_source(each.source)}' if each.source else ''}"
        for each in verdict.evidence
    ]
    yield from ["", *rows] if rows else []


def _source(source: str) -> str:
    """Link an address only when it is nothing but an https address; show anything else as code."""
    return f"<{source}>" if re.fullmatch(r"https://[A-Za-z0-9._~/?#%=&+:,-]{1,300}", source) else code(source)
