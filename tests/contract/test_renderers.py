"""Every renderer, over what commands say: hostile text forges nothing, and nothing grows without bound."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from stackcheck.cli import build, lock
from stackcheck.drift import past
from stackcheck.drift.history import Run
from stackcheck.drift.rendering import document as drift_document
from stackcheck.model.errors import BuildFailedError
from stackcheck.model.resolution import Unresolved
from stackcheck.model.verdict import Outcome
from stackcheck.report import FORMATS, render, render_document, rulebook
from stackcheck.report.document import Document, Entry, Finding, Lines, Listing, Part, Row, Section, Table
from stackcheck.report.jsonfile import from_json
from stackcheck.report.sections import report_document
from stackcheck.rules.registry import Rule
from tests.unit.report.report_cases import HOSTILE, hostile, hostile_drift

if TYPE_CHECKING:
    from collections.abc import Callable

BAD = HOSTILE + "A" * 5000


def _every_part() -> Document:
    """Return a document in which everything that can be said is hostile."""
    findings = [
        Finding(outcome, BAD, BAD, BAD, (Row("do", BAD), Row("see", BAD, BAD)), BAD, BAD, accepted, BAD)
        for outcome in Outcome
        for accepted in ("", BAD)
    ]
    parts: tuple[Part, ...] = (
        *findings,
        Listing(BAD, (Entry(BAD, (BAD, BAD), BAD),)),
        Table((BAD, BAD), ((BAD, BAD),), right=1),
        Lines((BAD, BAD)),
        Lines((BAD, BAD), literal=True),
    )
    section = Section(
        BAD, BAD, "FAIL", (BAD,), (BAD,), parts, (BAD,), file=BAD, title=BAD, started=BAD, facts=(("x", BAD),)
    )
    overview = Table((BAD, BAD), (("FAIL", BAD), ("FAIL", BAD)))
    return Document((section, section), lambda: {"x": BAD}, BAD, overview)


def _history() -> Document:
    change = ("benign", BAD, BAD, BAD)
    runs = [Run(BAD, 1, BAD, {(BAD, BAD, BAD): change}, frozenset())]
    return past.document([past.Past(BAD, runs)], alone=True)


DOCUMENTS: dict[str, Callable[[], Document]] = {
    "every part": _every_part,
    "one report": lambda: report_document([hostile()]),
    "drift": lambda: drift_document([hostile_drift()]),
    "drifts": lambda: drift_document([hostile_drift(), hostile_drift()], {BAD: BAD}),
    "history": _history,
    "histories": lambda: past.document([past.Past(BAD, ()), past.Past(BAD, ())], alone=False),
    "lock": lambda: lock.document({BAD: Unresolved("conflict", BAD, (BAD,), BAD, hint=BAD)}),
    "build": lambda: build.document([], [(BAD, BuildFailedError(BAD, log_tail=BAD, log_file=BAD))]),
    "explain": lambda: rulebook.document([Rule("AB101", BAD, BAD, (BAD,), lambda: None, bool, __name__)]),
    "two reports": lambda: report_document([hostile(), hostile()]),
}
EVERY = pytest.mark.parametrize("what", DOCUMENTS)


@EVERY
@pytest.mark.parametrize("form", FORMATS)
def test_only_printable_characters_get_out(what: str, form: str) -> None:
    rendered = render_document(DOCUMENTS[what](), form)
    assert [c for c in rendered if not (c.isprintable() or c == "\n")] == []
    assert rendered.endswith("\n")


@EVERY
@pytest.mark.parametrize("form", [form for form in FORMATS if form != "json"])
def test_what_gets_out_is_bounded(what: str, form: str) -> None:
    document = DOCUMENTS[what]()
    parts = sum(len(section.parts) + 3 for section in document.sections)
    assert len(render_document(document, form)) < 16_000 * parts


@EVERY
def test_no_line_of_text_begins_as_ours_does(what: str) -> None:
    lines = render_document(DOCUMENTS[what](), "text").splitlines()
    assert not [line for line in lines if line.startswith(("PASS  everything", "##["))]


def test_the_lines_of_a_report_that_stand_at_the_left_are_ours() -> None:
    lines = render([hostile()], "text").splitlines()
    leading = [line.split()[0] for line in lines if line and not line.startswith(" ")]
    assert leading == ["FAIL", "FAIL", "ERROR", "WARN", "SKIP", "PASS", "ACCEPTED", "NOT", "6", "what"]


@EVERY
def test_junit_holds_no_other_element(what: str) -> None:
    root = ET.fromstring(render_document(DOCUMENTS[what](), "junit"))  # noqa: S314 - our own output
    assert {element.tag for element in root.iter()} <= {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped",
        "system-out", "system-err",
    }  # fmt: skip


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += attrs


@EVERY
def test_html_holds_no_other_element_and_links_nowhere(what: str) -> None:
    page = _Tags()
    page.feed(render_document(DOCUMENTS[what](), "html"))
    assert not page.seen & {"script", "img", "iframe", "link", "object"}
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    assert {value for name, value in page.attributes if name == "href"} <= {"#stack-1", "#stack-2"}


@EVERY
def test_every_line_for_the_runner_is_ours(what: str) -> None:
    lines = render_document(DOCUMENTS[what](), "github").splitlines()
    ours = ("::error ", "::warning ", "::notice ", "stackcheck: ")
    assert [line for line in lines if not line.startswith(ours)] == []
    assert not [line for line in lines if "##[" in line or "%0A::error" in line]


@EVERY
def test_sarif_holds_it_as_text(what: str) -> None:
    log = json.loads(render_document(DOCUMENTS[what](), "sarif"))
    levels = {result["level"] for run in log["runs"] for result in run["results"]}
    assert levels <= {"error", "warning", "note", "none"}


@EVERY
def test_markdown_opens_no_structure(what: str) -> None:
    text = render_document(DOCUMENTS[what](), "md")
    outside_code = re.sub(r"(?s)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"(?m)^(PASS|::error|# forged)", outside_code)
    assert "<script" not in outside_code
    assert "<img" not in outside_code
    assert "@everyone" not in outside_code
    assert not re.search(r"(?<!\\)!\[", outside_code)


def test_json_of_reports_keeps_every_character_and_escapes_it() -> None:
    document = render([hostile()], "json")
    assert document.isascii()
    assert from_json(document) == (hostile(),)
