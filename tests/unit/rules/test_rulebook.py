"""The rules as documentation: every rule has its parts, and the shipped reference is current."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcheck import rules
from stackcheck.model.verdict import Level
from stackcheck.report import render_document, rulebook
from stackcheck.rules.registry import Rule

LABELS = ("Source", "Example", "Fix")
DOCS = Path(__file__).parents[3] / "docs"


def _rule(code: str, level: Level = Level.STATED) -> Rule:
    text, needs = "Because.\n\nSource: a wheel's\nMETADATA\nFix: pin it", ("stack", "tables")
    return Rule(code, "The title", text, needs, lambda: None, lambda _facts: True, __name__, (level,))


def test_one_rule_for_a_terminal() -> None:
    assert render_document(rulebook.document([_rule("AB101")]), "text") == (
        "AB101: The title\n"
        "      Runs before the build, from the definition and the tables; needs: stack, tables\n"
        "\n"
        "    Because.\n\n    Source: a wheel's\n    METADATA\n    Fix: pin it\n"
    )


def test_the_index_is_by_family() -> None:
    rules = [_rule("B401"), _rule("A102"), _rule("A101")]
    title = "The rules as documentation: every rule has its parts, and the shipped reference is current"
    assert render_document(rulebook.document(rules, index=True), "text") == (
        f"A: {title}\n\n    A101       The title\n    A102       The title\n"
        f"\nB: {title}\n\n    B401       The title\n"
    )


def test_markdown_makes_list_items_of_labelled_lines() -> None:
    made = rulebook.render_markdown([_rule("AB301", Level.RUN)])
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
    assert lacking(rule.text) == [], f"the docstring of {rule.code} in {rule.module} lacks these parts"


def lacking(text: str) -> list[str]:
    """Return the parts that the documentation of a rule must have and this one has not."""
    lines = text.splitlines()
    return [each for each in LABELS if not any(line.startswith((f"{each}:", f"{each}s:")) for line in lines)]


def test_a_docstring_without_its_parts_is_told_which() -> None:
    assert lacking("") == ["Source", "Example", "Fix"]
    assert lacking("It breaks.\n\nSources: two pages\nFix: pin it") == ["Example"]
