"""`stackcheck explain`: the documentation of a rule, from the rule itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stackcheck import rulebook, rules
from stackcheck.cli import output
from stackcheck.definition import did_you_mean
from stackcheck.errors import UsageError
from stackcheck.rules.registry import RULES, Rule, current_code

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("codes", nargs="*", metavar="CODE", help="a rule's code, or a family such as TORCH")
    parser.add_argument("--all", action="store_true", help="the whole text of every rule")
    output.configure(parser, ("text", "md", "json"))


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    every = rules.load_all()
    chosen = [rule for code in args.codes for rule in _named(code.upper())] if args.codes else every
    output.write(_rendered(chosen, args.format, index=not (args.codes or args.all)), args.output)
    return 0


def _named(code: str) -> list[Rule]:
    found = [rule for rule in RULES.values() if current_code(code) in (rule.code, rule.family)]
    if not found:
        near = did_you_mean(code, sorted({*RULES, *(rule.family for rule in RULES.values())}))
        raise UsageError(f"no rule has the code {code!r}{near}; `stackcheck explain` lists all")
    return found


def _rendered(chosen: Sequence[Rule], form: str, *, index: bool) -> str:
    if form == "json":
        rows = [
            {
                "code": rule.code,
                "family": rule.family,
                "title": rule.title,
                "runs": rulebook.stage(rule),
                "needs": list(rule.needs),
                "text": rule.text,
            }
            for rule in chosen
        ]
        return json.dumps(rows, indent=2) + "\n"
    if form == "md":
        return rulebook.render_markdown(chosen)
    return rulebook.render_index(chosen) if index else "\n".join(map(rulebook.render_rule, chosen))
