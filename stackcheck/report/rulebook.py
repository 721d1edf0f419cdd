"""The rules as documentation, made of their docstrings: what each checks, why, by which source; the fix."""

from __future__ import annotations

import re
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any

from stackcheck.model.evidence import Level
from stackcheck.report.document import Document, Explanation, Lines, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.rules.registry import Rule

STAGES = {
    Level.STATED: "before the build, from the definition and the tables",
    Level.RESOLVED: "before the build, from the resolution and the index",
    Level.BYTES: "in what was built, without a GPU",
    Level.RUN: "in what was built, without a GPU",
    Level.GPU: "on a GPU",
}
"""When a rule runs, by the level of its answers."""
OF_FILES = "in what was built and on unpacked wheels, without a GPU"
"""When a rule runs that needs nothing but the files of packages."""

_ADDRESS = re.compile(r"https://[A-Za-z0-9._~/?#%=&+:,-]{1,300}")

LABELS = ("Source", "Sources", "Example", "Fix")
"""What labelled lines of a rule's docstring begin with, before a colon."""


def stage(rule: Rule) -> str:
    """Say when a rule runs."""
    return OF_FILES if rule.of_files else STAGES[rule.level]


def family_title(rule: Rule) -> str:
    """Return what the rule's family is about: what its folder says, else the first line of its module."""
    module = sys.modules[rule.module]
    families = getattr(sys.modules.get(rule.module.rpartition(".")[0]), "FAMILIES", {})
    title: str = families.get(rule.family) or (module.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return title


def explanation(rule: Rule) -> Explanation:
    """Return what a rule says of itself, with the first address among its sources."""
    address = _ADDRESS.search(rule.text.partition("Source")[2])
    return Explanation(rule.code, rule.title, rule.text, address[0].rstrip(".,;") if address else "")


def document(rules: Sequence[Rule], *, index: bool = False) -> Document:
    """Return rules as a document: the whole text of each, or with `index` a line each, by family."""
    sections = map(_family, _families(rules)) if index else map(_rule, rules)
    return Document(tuple(sections), lambda: [_row(rule) for rule in rules], package="stackcheck.rules")


def _rule(rule: Rule) -> Section:
    runs = f"Runs {stage(rule)}; needs: {', '.join(rule.needs)}"
    named = (f"In `ignore` and `expect_codes`: {_named(rule)}",) if rule.about else ()
    text = Lines(tuple(rule.text.splitlines()), literal=True)
    return Section(rule.code, rule.title, notes=(runs, *named), parts=(text,))


def _named(rule: Rule, quote: str = "") -> str:
    """Return the form that accepts what one finding is about."""
    return f"{quote}{rule.code}:{rule.about.upper().replace(' ', '-')}{quote}"


def _family(group: tuple[str, Sequence[Rule]]) -> Section:
    family, members = group
    lines = tuple(f"{rule.code:<10} {rule.title}" for rule in members)
    return Section(family, family_title(members[0]), parts=(Lines(lines, literal=True),))


def _row(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "family": rule.family,
        "title": rule.title,
        "runs": stage(rule),
        "needs": list(rule.needs),
        "text": rule.text,
    }


def render_markdown(rules: Sequence[Rule]) -> str:
    """Render the rule reference, docs/rules.md: the docstrings are Markdown, so their markup stays."""
    lines = [
        "# The rules",
        "",
        "Made from the rules themselves by `stackcheck explain --all --format md`; do not edit it here.",
        "A code is never used again for something else.",
    ]
    for family, members in _families(rules):
        lines += ["", f"## {family}: {family_title(members[0])}"]
        for rule in members:
            lines += ["", f"### {rule.code}: {rule.title}", ""]
            named = f" In `ignore` and `expect_codes`: {_named(rule, '`')}." if rule.about else ""
            needs = ", ".join(f"`{need}`" for need in rule.needs)
            lines += [f"Runs {stage(rule)}. Needs: {needs}.{named}", ""]
            lines += _paragraphs(rule.text)
    return "\n".join(lines) + "\n"


def _families(rules: Sequence[Rule]) -> Iterator[tuple[str, list[Rule]]]:
    ordered = sorted(rules, key=lambda rule: (rule.family, rule.code))
    return ((family, list(members)) for family, members in groupby(ordered, key=lambda rule: rule.family))


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the text with each labelled line (`Source: ...`), and what continues it, as a list item."""
    in_item = False
    for line in text.splitlines():
        label, colon, rest = line.partition(":")
        labelled = bool(colon) and rest[:1] in ("", " ") and label in LABELS
        in_item = labelled or (in_item and bool(line))
        yield f"- {line}" if labelled else f"  {line}" if in_item else line
