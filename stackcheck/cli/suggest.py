"""`stackcheck suggest`: the smallest change to a definition that makes its stack good."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from stackcheck.cli import options, output, stacks
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED
from stackcheck.model.evidence import Outcome
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Entry, Lines, Listing, Section
from stackcheck.report.sections import finding
from stackcheck.report.wording import plural
from stackcheck.steps.options import Options
from stackcheck.suggest.answer import answer
from stackcheck.suggest.sections import change_data, explained, listed, verdict_data
from stackcheck.suggest.written import Edit, edit_of, write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.suggest import Suggestion
    from stackcheck.suggest.answer import Aim, Answer


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    options.add_resolving(parser)
    parser.add_argument(
        "--write",
        action="store_true",
        help="write the change into the definition, or the files of the project: the lines of the diff alone",
    )
    output.configure(parser, (*FORMATS, "diff"))
    stacks.accept_gpus(parser)


def execute(args: argparse.Namespace) -> int:
    """Run the command: 1 when for some stack nothing was found, 3 when the resolver could not be asked."""
    return run(args)


def run(args: argparse.Namespace, aim: Aim | None = None) -> int:
    """Suggest changes to each stack that was named, which hold to an aim; return the exit code."""
    tell, how = output.progress(args), Options(offline=args.offline, locks=args.locks)
    answers: list[Told] = []
    for stack in stacks.chosen(args):
        found = answer(stack, how, tell, aim)
        edit = edit_of(stack, found.suggestion, partial(_again, stack, args), partial(_good, how, aim))
        answers.append(Told(stack, found, edit, _write(edit, answers) if args.write else ""))
    if args.format == "diff":
        output.write("".join(each.edit.diff for each in answers), args.output)
    else:
        output.write_document(document(answers, aim), args)
    if not all(each.found.found and (each.done or not args.write) for each in answers):
        return EXIT_FAIL
    return EXIT_UNCHECKED if any(each.found.broken for each in answers) else EXIT_OK


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of one stack: what was found, how its files change, and whether that was written."""

    stack: Stack
    found: Answer
    edit: Edit = field(default_factory=Edit)
    wrote: str = ""
    """What was written, or why nothing was, a sentence; "" where that was not asked for."""

    @property
    def written(self) -> tuple[str, ...]:
        """Return the files that were written."""
        return tuple(self.edit.texts) if self.wrote.startswith("Written") else ()

    @property
    def done(self) -> bool:
        """Tell whether nothing is left to change in the files."""
        return bool(self.written) or not self.found.suggestion.changes


def _again(stack: Stack, args: argparse.Namespace) -> Stack | None:
    """Read a stack once more, as it was named."""
    return next((each for each in stacks.chosen(args) if each.title == stack.title), None)


def _good(how: Options, aim: Aim | None, stack: Stack) -> bool:
    """Tell whether a stack needs no change, by all that is asked for a suggestion."""
    said = answer(stack, how, lambda _line: None, aim)
    return said.found and not said.suggestion.changes


def _write(edit: Edit, before: Sequence[Told]) -> str:
    """Write an edit that is whole, and say so; not into a file whose lines this call has moved already."""
    if edit.by_hand:
        return "Nothing was written: a part of it is left to you."
    if not edit.whole:
        return "Nothing was written: these lines are shared with other stacks, or there was nothing to write."
    if touched := {file for each in before for file in each.written} & edit.texts.keys():
        return f"Nothing was written: {', '.join(sorted(touched))} has just changed; run the command again."
    write(edit)
    return f"Written: {', '.join(edit.texts)}."


def document(answers: Sequence[Told], aim: Aim | None = None) -> Document:
    """Return what was found for each stack: the diff, each change with its reasons, and what still fails."""
    goal = " and ".join(map(str, aim.wishes)) if aim and aim.wishes else ""
    return Document(tuple(_section(each, goal) for each in answers), lambda: list(map(_row, answers)))


def _section(told: Told, goal: str) -> Section:
    stack, found, diff = told.stack, told.found, told.edit.diff
    suggestion = found.suggestion
    remaining = tuple(finding(each)._replace(shown=False) for each in suggestion.remaining)
    lifted = 'The stack says expect = "fail": take that, and expect_codes, out with these changes.'
    return Section(
        name=stack.id,
        headline=_headline(found, goal),
        outcome="" if found.found else Outcome.FAIL.word,
        notes=(found.gap,) if found.gap and found.found else (),
        parts=(
            *remaining,
            *([Lines(tuple(diff.splitlines()), literal=True)] if diff else []),
            *([Listing("Left to you", tuple(map(Entry, told.edit.by_hand)))] if told.edit.by_hand else []),
            *map(explained, suggestion.changes),
            *listed("Still fails", suggestion.remaining),
            *listed("New, and to be known", suggestion.doubts),
            *listed("To be known", found.known),
            *listed("Not checked", found.unchecked),
        ),
        tail=(
            *((lifted,) if suggestion.changes and stack.expect == "fail" else ()),
            *((told.wrote,) if told.wrote and suggestion.changes else ()),
        ),
        file=stack.file,
        title=stack.title,
    )


def _headline(found: Answer, goal: str) -> str:
    suggestion, good = found.suggestion, f"{goal} and good" if goal else "good"
    if not found.found:
        tried = f"{plural(suggestion.tried, 'changed definition')} {_were(suggestion.tried)} judged"
        bound = "nothing else is known to try" if suggestion.exhausted else "the search ended at its bound"
        return f"no change was found that makes it {good}: {tried}, {bound}"
    checked = "by the rules and by resolving it" if found.resolved else "by running the rules again"
    if not suggestion.changes:
        return f"{_unchanged(found)} (checked {checked})"
    least = ", the fewest of those known" if suggestion.smallest else ""
    changes = plural(len(suggestion.changes), "change")
    if not found.resolved:
        with_it = f"with {changes} it is {goal}, and" if goal else f"with {changes}"
        return f"{with_it} no rule fails{least} (shown {checked}; that it resolves is not proven)"
    return f"{changes} {_make(suggestion)} it {good}{least} (proven {checked})"


def _unchanged(found: Answer) -> str:
    if not found.unchecked:
        return "nothing to change: no rule fails"
    count = len(found.unchecked)
    checks = f"{plural(count, 'check')} {_were(count)}"
    return f"no rule fails, but {checks} not made, so nothing is known to change"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _make(suggestion: Suggestion) -> str:
    return "makes" if len(suggestion.changes) == 1 else "make"


def _row(told: Told) -> dict[str, Any]:
    stack, found = told.stack, told.found
    suggestion = found.suggestion
    return {
        "stack": stack.id,
        "file": stack.file,
        "found": found.found,
        "resolved": found.resolved,
        "gap": found.gap,
        "smallest": suggestion.smallest,
        "tried": suggestion.tried,
        "changes": [change_data(each) for each in suggestion.changes],
        "diff": told.edit.diff,
        "by_hand": list(told.edit.by_hand),
        "written": list(told.written),
        "failed": [verdict_data(each) for each in suggestion.failed],
        "remaining": [verdict_data(each) for each in suggestion.remaining],
        "doubts": [verdict_data(each) for each in suggestion.doubts],
    }
