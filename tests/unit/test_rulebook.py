"""The rules as documentation: every rule has its parts, and the shipped reference is current."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcheck import rulebook, rules
from stackcheck.rules.registry import Rule

DOCS = Path(__file__).parents[2] / "docs"


def _rule(code: str, text: str = "Because.\n\nSource: a wheel's\nMETADATA\nFix: pin it") -> Rule:
    return Rule(code, "The title", text, ("stack", "tables"), lambda: None, lambda _facts: True, __name__)


def test_one_rule_for_a_terminal() -> None:
    assert rulebook.render_rule(_rule("AB101")) == (
        "AB101  The title\n"
        "Runs before the build, from the definition and the tables; needs: stack, tables\n"
        "\n"
        "Because.\n\nSource: a wheel's\nMETADATA\nFix: pin it\n"
    )


def test_the_index_is_by_family() -> None:
    made = rulebook.render_index([_rule("B401"), _rule("A102"), _rule("A101")])
    title = "The rules as documentation: every rule has its parts, and the shipped reference is current"
    assert made == (
        f"A: {title}\n  A101       The title\n  A102       The title\n\nB: {title}\n  B401       The title\n"
    )


def test_markdown_makes_list_items_of_labelled_lines() -> None:
    made = rulebook.render_markdown([_rule("AB301")])
    assert made.endswith(
        "### AB301: The title\n"
        "\n"
        "Runs in what was built, without a GPU. Needs: `stack`, `tables`.\n"
        "\n"
        "Because.\n"
        "\n"
        "- Source: a wheel's\n"
        "  METADATA\n"
        "- Fix: pin it\n"
    )


def test_the_shipped_reference_is_current() -> None:
    shipped = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert shipped == rulebook.render_markdown(rules.load_all()), (
        "run: stackcheck explain --all --format md -o docs/rules.md"
    )


@pytest.mark.parametrize("rule", rules.load_all(), ids=lambda rule: rule.code)
def test_every_rule_says_why_from_which_source_and_what_to_do(rule: Rule) -> None:
    lines = rule.text.splitlines()
    assert lines[0].strip()
    for label in ("Source", "Example", "Fix"):
        assert any(line.startswith((f"{label}:", f"{label}s:")) for line in lines), label
    assert rule.code[-3] in rulebook.STAGES
