"""`stackcheck explain`: what a code or another word of a report means, from the place that it comes from."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from stackcheck import rules
from stackcheck.cli import output
from stackcheck.model.errors import UsageError
from stackcheck.model.near import did_you_mean
from stackcheck.report import FORMATS, rulebook
from stackcheck.report.document import Entry, Lines, Listing, Section
from stackcheck.rules.registry import RULES, current_code

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stackcheck.cli.terms import Term
    from stackcheck.rules.registry import Rule


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "codes",
        nargs="*",
        metavar="CODE",
        help="a rule's code, a family such as TORCH, or another word of a report: SKIP, no-python-wheel, "
        "breaks-next-build, driver-too-old",
    )
    parser.add_argument("--all", action="store_true", help="the whole text of every rule, and every word")
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    found = [_named(code) for code in args.codes]
    chosen = [rule for known, _ in found for rule in known] if found else rules.load_all()
    words = [term for _, terms in found for term in terms] if found else _words()
    if args.format == "md" and not any(terms for _, terms in found):
        output.write(rulebook.render_markdown(chosen), args.output)
        return 0
    index = not (found or args.all)
    told = rulebook.document(chosen, index=index)
    data = told.data() if told.data else []
    sections = (*told.sections, *(_index(words) if index else map(_section, words)))
    output.write_document(
        told._replace(sections=sections, data=lambda: [*data, *(term._asdict() for term in words)]), args
    )
    return 0


def _words() -> Sequence[Term]:
    from stackcheck.cli import terms  # noqa: PLC0415 - a rule needs no table of changes

    return terms.every()


def _named(word: str) -> tuple[Sequence[Rule], Sequence[Term]]:
    """Return the rules of a code or a family, or else what another word means; raise UsageError."""
    code = word.upper()
    if rule := rules.find(code):
        return [rule], ()
    from stackcheck.cli import terms  # noqa: PLC0415 - a rule needs no table of changes

    if found := terms.find(word):
        return (), found
    rules.load_all()
    family = [rule for rule in RULES.values() if current_code(code) in (rule.code, rule.family)]
    if not family:
        known = {*RULES, *(rule.family for rule in RULES.values())}
        near = did_you_mean(code, sorted(known | {term.word.upper() for term in terms.every()}))
        raise UsageError(f"no rule has the code {code!r}{near}; `stackcheck explain` lists all")
    return family, ()


def _section(term: Term) -> Section:
    listing = [Listing("Changes of this class", tuple(map(Entry, term.more)))] if term.more else []
    return Section(term.word, term.kind, parts=(Lines((term.means,), literal=True), *listing))


def _index(words: Sequence[Term]) -> list[Section]:
    """Return a section for each kind of word, with a line each."""
    return [
        Section(kind, parts=(Lines(tuple(f"{each.word:<17} {each.means}" for each in group), literal=True),))
        for kind, group in groupby(words, key=lambda term: term.kind)
    ]
