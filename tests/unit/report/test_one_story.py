"""Text, Markdown and HTML are made of one document, so they tell the same in the same order."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from stackcheck.model.verdict import Outcome
from stackcheck.report import render
from tests.unit.report.report_cases import MIXED, PASSED, UNMADE, report, verdict

if TYPE_CHECKING:
    from stackcheck.model.report import Report

WARNED = report(verdict(Outcome.WARN, "AB102", "be careful"), verdict(Outcome.PASS))
EXPECTED = replace(MIXED, stack="known", expect="fail", expect_codes=("CUMM101",))
STORIES = {
    "one": [MIXED],
    "good": [PASSED],
    "several": [PASSED, WARNED, EXPECTED, MIXED, UNMADE],
}


class _Headings(HTMLParser):
    """The texts of the headings and of what leads a section, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"h1", "h2", "h3"} or ("class", "lead") in attrs:
            self._open = True
            self.told.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"h1", "h2", "h3", "p"}:
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.told[-1] += data


def _words(line: str) -> str:
    return " ".join(re.sub(r"[\\`:]", "", line).split()).upper()


def _of_text(reports: list[Report]) -> list[str]:
    lines = render(reports, "text", width=1000).splitlines()
    left = [line for line in lines if line and not line.startswith((" ", "-", "result"))]
    counts = re.compile(r"what a code means|\d+ checks?|(FAIL|WARN|PASS|NOTHING) +\S+ {2,}.*\d s$")
    return [_words(line) for line in left if not counts.match(line)]


def _of_markdown(reports: list[Report]) -> list[str]:
    return [_words(line.lstrip("# ")) for line in render(reports, "md").splitlines() if line.startswith("#")]


def _of_html(reports: list[Report]) -> list[str]:
    page = _Headings()
    page.feed(render(reports, "html").partition('<h2 id="rules">')[0])
    return [_words(told) for told in page.told]


@pytest.mark.parametrize("story", STORIES)
def test_headlines_and_findings_come_in_the_same_order(story: str) -> None:
    reports = STORIES[story]
    told = _of_text(reports)
    assert len(told) >= len(reports)
    assert "\n".join(_of_markdown(reports)) == "\n".join(told)
    # A page has the headline below the name; together they are the line of the others.
    assert " ".join(" ".join(_of_html(reports)).split()) == " ".join(" ".join(told).split())


def test_the_worst_stack_leads_in_every_format() -> None:
    told = [_of_text(STORIES["several"]), _of_markdown(STORIES["several"]), _of_html(STORIES["several"])]
    assert {each[0] for each in told} == {
        "FAIL 5 STACKS 2 FAILED, 1 NOT CHECKED AT ALL, 1 PASSED WITH WARNINGS, 1 PASSED"
    }
