"""Text from images, indexes and logs cannot act on what shows it, nor forge a line of a report."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from stackcheck.report import FORMATS, render
from stackcheck.report.escape import block, one_line
from stackcheck.report.github import command
from stackcheck.report.jsonfile import from_json
from stackcheck.report.markdown import code, inline
from tests.unit.report_cases import HOSTILE, hostile


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain", "plain"),
        ("größer 数 ✓", "größer 数 ✓"),
        ("a\nb\r\nc\td\x0b e", "a b c d e"),
        ("a\x1b[31;1mb\x1b[0mc", "abc"),
        ("a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1b]0;title\x07b", "ab"),
        ("an OSC that never ends \x1b]0;hides nothing", "an OSC that never ends 0;hides nothing"),
        ("a\x9b31mb", "ab"),
        ("a\x1bPq#0\x1b\\b\x1b(Bc", "abc"),
        ("\u202egnp.exe\u2066\u200b\ufeff", "gnp.exe"),
        ("a\x00b\x7fc\x85d", "abc d"),
        ("\ud800x\ufffe\uffff", "x"),
        ("a\u2028b\u2029c\u00a0d", "a b c d"),
        ("x" * 700, "x" * 600 + "… (100 more characters)"),
        ("x" * 622, "x" * 622),  # the note would be as long as what it leaves out
        ("x" * 623, "x" * 600 + "… (23 more characters)"),
    ],
)
def test_one_line(text: str, clean: str) -> None:
    assert one_line(text) == clean


def test_block_keeps_lines_and_counts_what_it_leaves_out() -> None:
    assert block("a\r\n  b\x1b[1m\nc\n\n") == ["a", "  b", "c"]
    assert block("\n".join("abcdef"), lines=4) == ["a", "b", "c", "d", "… (2 more lines)"]
    assert block("aaaa\nbbbb\ncccc", limit=9) == ["aaaa", "bbbb", "… (1 more lines)"]
    assert block("") == []


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_text_leaves_only_printable_characters_in_every_format(form: str) -> None:
    rendered = render([hostile(), hostile()], form)
    assert [c for c in rendered if not (c.isprintable() or c == "\n")] == []
    assert "\x1b" not in rendered


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "json"])
def test_hostile_text_is_bounded_in_every_format(form: str) -> None:
    assert len(render([hostile()], form)) < 80_000


def test_hostile_text_forges_no_line_of_the_text_report() -> None:
    lines = render([hostile()], "text").splitlines()
    leading = [line.split()[0] for line in lines if line and not line.startswith(" ")]
    assert leading == ["FAIL", "FAIL", "ERROR", "WARN", "ACCEPTED", "NOT", "6", "the"]


def test_hostile_text_is_text_in_junit() -> None:
    root = ET.fromstring(render([hostile()], "junit"))  # noqa: S314 - our own output
    tags = {element.tag for element in root.iter()}
    assert tags <= {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped",
        "system-out", "system-err",
    }  # fmt: skip
    assert "</failure><script>" in (root.findtext(".//failure") or "")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += attrs


def test_hostile_text_is_text_in_html() -> None:
    page = _Tags()
    page.feed(render([hostile(), hostile()], "html"))
    assert not page.seen & {"script", "img", "iframe", "link", "object"}
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    assert {value for name, value in page.attributes if name == "href"} == {"#stack-1", "#stack-2"}


def test_hostile_text_makes_no_workflow_command() -> None:
    lines = render([hostile()], "github").splitlines()
    starts = [line.split(" ", 1)[0] for line in lines]
    assert starts == ["::error", "::error", "::warning", "::notice", "::notice", "stackcheck:"]
    assert not [line for line in lines if "##[" in line]
    assert all("%0A::error" not in line for line in lines)


def test_workflow_command_escapes_as_the_runner_undoes_it() -> None:
    made = command("error", "50%: a,b", "a,b:c.toml", "done")
    assert made == "::error file=a%2Cb%3Ac.toml,title=50%25%3A a%2Cb::done"


def test_hostile_text_is_one_string_in_sarif() -> None:
    log = json.loads(render([hostile()], "sarif"))
    assert {result["ruleId"] for result in log["runs"][0]["results"]} == {"AB101", "AB102"}


def test_json_keeps_every_character_and_escapes_it() -> None:
    document = render([hostile()], "json")
    assert document.isascii()
    assert from_json(document) == (hostile(),)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("spconv_cpu *died*", r"spconv\_cpu \*died\*"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("[x](https://evil)", r"\[x\]\(https:<!-- -->//evil\)"),
        ("@team see #1", r"@<!-- -->team see \#1"),
        ("1. one", r"1\. one"),
        ("- item", r"\- item"),
        ("a | b", r"a \| b"),
        ("www.evil.example", "www<!-- -->.evil.example"),
    ],
)
def test_markdown_shows_text_as_it_stands(text: str, shown: str) -> None:
    assert inline(text) == shown


@pytest.mark.parametrize(
    ("text", "span"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`a``", "``` `a`` ```"), ("a|b", r"`a\|b`"), ("<b>", "`<b>`")],
)
def test_markdown_code_span_outlasts_its_content(text: str, span: str) -> None:
    assert code(text) == span


def test_hostile_text_opens_no_markdown_structure() -> None:
    text = render([hostile()], "md")
    assert not re.search(r"(?m)^(PASS|::error|# forged)", text)
    outside_code = re.sub(r"(`+).*?\1", "", text)
    assert "<script" not in outside_code
    assert "<img" not in outside_code
    assert not re.search(r"(?<!\\)!\[", outside_code)
    assert HOSTILE not in text
