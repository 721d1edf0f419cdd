"""How text from images, indexes and logs is made harmless, for a terminal and for each format."""

from __future__ import annotations

import pytest

from stackcheck.model.escape import block, one_line
from stackcheck.report.github import command
from stackcheck.report.markdown import code, inline


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


def test_workflow_command_escapes_as_the_runner_undoes_it() -> None:
    made = command("error", "50%: a,b", "a,b:c.toml", "done")
    assert made == "::error file=a%2Cb%3Ac.toml,title=50%25%3A a%2Cb::done"


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
    [("a", "`a`"), ("a`b", "``a`b``"), ("`a``", "``` `a`` ```"), ("a|b", "`a|b`"), ("<b>", "`<b>`")],
)
def test_markdown_code_span_outlasts_its_content(text: str, span: str) -> None:
    assert code(text) == span
