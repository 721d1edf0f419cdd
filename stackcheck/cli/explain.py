"""`stackcheck explain`: the documentation of a rule, from the rule itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck import rules
from stackcheck.cli import output
from stackcheck.model.errors import UsageError
from stackcheck.model.near import did_you_mean
from stackcheck.report import FORMATS, rulebook
from stackcheck.rules.registry import RULES, current_code

if TYPE_CHECKING:
    import argparse

    from stackcheck.rules.registry import Rule


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("codes", nargs="*", metavar="CODE", help="a rule's code, or a family such as TORCH")
    parser.add_argument("--all", action="store_true", help="the whole text of every rule")
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    codes = args.codes
    chosen = [rule for code in codes for rule in _named(code.upper())] if codes else rules.load_all()
    if args.format == "md":
        output.write(rulebook.render_markdown(chosen), args.output)
    else:
        output.write_document(rulebook.document(chosen, index=not (codes or args.all)), args)
    return 0


def _named(code: str) -> list[Rule]:
    if rule := rules.find(code):
        return [rule]
    rules.load_all()
    found = [rule for rule in RULES.values() if current_code(code) in (rule.code, rule.family)]
    if not found:
        near = did_you_mean(code, sorted({*RULES, *(rule.family for rule in RULES.values())}))
        raise UsageError(f"no rule has the code {code!r}{near}; `stackcheck explain` lists all")
    return found
