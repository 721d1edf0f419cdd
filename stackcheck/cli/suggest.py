"""`stackcheck suggest`: the smallest change to a definition that makes its stack good."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.cli import options, output, stacks
from stackcheck.intake import catalog
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED, UsageError
from stackcheck.model.verdict import Outcome
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Entry, Lines, Listing, Section
from stackcheck.report.sections import finding
from stackcheck.report.wording import plural
from stackcheck.steps.options import Options
from stackcheck.storage.reading import read_text
from stackcheck.suggest import spell
from stackcheck.suggest.answer import answer
from stackcheck.suggest.edited import edit_text, unified

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.verdict import Verdict
    from stackcheck.suggest import Change, Suggestion
    from stackcheck.suggest.answer import Answer


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    options.add_resolving(parser)
    output.configure(parser, (*FORMATS, "diff"))


def execute(args: argparse.Namespace) -> int:
    """Run the command: 1 when for some stack nothing was found, 3 when the resolver could not be asked."""
    tell, how = output.progress(args), Options(offline=args.offline, locks=args.locks)
    answers = [(stack, answer(stack, how, tell)) for stack in stacks.chosen(args)]
    if args.format == "diff":
        diffs = (_diff(stack, found.suggestion) for stack, found in answers)
        output.write("".join(diffs), args.output)
    else:
        output.write_document(document(answers), args)
    if not all(found.found for _, found in answers):
        return EXIT_FAIL
    return EXIT_UNCHECKED if any(found.broken for _, found in answers) else EXIT_OK


def document(answers: Sequence[tuple[Stack, Answer]]) -> Document:
    """Return what was found for each stack: the diff, each change with its reasons, and what still fails."""
    sections = tuple(_section(stack, found) for stack, found in answers)
    return Document(sections, lambda: [_row(stack, found) for stack, found in answers])


def _section(stack: Stack, found: Answer) -> Section:
    suggestion, diff = found.suggestion, _diff(stack, found.suggestion)
    remaining = tuple(finding(each)._replace(shown=False) for each in suggestion.remaining)
    lifted = 'The stack says expect = "fail": take that, and expect_codes, out with these changes.'
    return Section(
        name=stack.id,
        headline=_headline(found),
        outcome="" if found.found else Outcome.FAIL.word,
        notes=(found.gap,) if found.gap and found.found else (),
        parts=(
            *remaining,
            *([Lines(tuple(diff.splitlines()), literal=True)] if diff else []),
            *map(_explained, suggestion.changes),
            *_verdicts("Still fails", suggestion.remaining),
            *_verdicts("New, and to be known", suggestion.doubts),
            *_verdicts("To be known", found.known),
            *_verdicts("Not checked", found.unchecked),
        ),
        tail=(lifted,) if suggestion.changes and stack.expect == "fail" else (),
        file=stack.file,
        title=stack.title,
    )


def _headline(found: Answer) -> str:
    suggestion = found.suggestion
    if not found.found:
        tried = f"{plural(suggestion.tried, 'changed definition')} {_were(suggestion.tried)} judged"
        bound = "nothing else is known to try" if suggestion.exhausted else "the search ended at its bound"
        return f"no change was found that makes it good: {tried}, {bound}"
    checked = "by the rules and by resolving it" if found.resolved else "by running the rules again"
    if not suggestion.changes:
        return f"{_unchanged(found)} (checked {checked})"
    least = ", the fewest of those known" if suggestion.smallest else ""
    changes = plural(len(suggestion.changes), "change")
    if not found.resolved:
        return f"with {changes} no rule fails{least} (shown {checked}; that it resolves is not proven)"
    return f"{changes} {_make(suggestion)} it good{least} (proven {checked})"


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


def _explained(change: Change) -> Listing:
    reasons = [f"without it: {reason}" for reason in change.needed_for] or ["it goes with the changes above"]
    more = [f"and {len(reasons) - 2} more"] if len(reasons) > 2 else []
    source = [f"[{change.source}]"] if change.source else []
    heading = f"{'.'.join(change.path)}: {spell(change.before)} -> {spell(change.after)}"
    return Listing(heading, tuple(map(Entry, (*reasons[:2], *more, *source))), loud=False)


def _verdicts(heading: str, verdicts: tuple[Verdict, ...]) -> list[Listing]:
    entries = tuple(
        Entry(f"{each.outcome.word} {each.code}: {each.message}", do=each.hint) for each in verdicts
    )
    return [Listing(heading, entries)] if entries else []


def _diff(stack: Stack, suggestion: Suggestion) -> str:
    """Return the unified diff of the stack's own file; "" for a member of a family, and when it says less.

    The changed text is read back as a definition: only one that is the suggested stack is shown.
    """
    if not suggestion.changes or not suggestion.proven or stack.axes or not stack.file:
        return ""
    try:
        before = read_text(Path(stack.file))
        after = edit_text(before, stack.id, suggestion.changes)
    except (UsageError, KeyError, ValueError):
        return ""
    read, faults = catalog.load_text(after, file=stack.file)
    same = not faults and suggestion.stack in read
    return unified(before, after, stack.file) if same else ""


def _row(stack: Stack, found: Answer) -> dict[str, Any]:
    suggestion = found.suggestion
    return {
        "stack": stack.id,
        "file": stack.file,
        "found": found.found,
        "resolved": found.resolved,
        "gap": found.gap,
        "smallest": suggestion.smallest,
        "tried": suggestion.tried,
        "changes": [
            {
                "path": list(change.path),
                "before": spell(change.before),
                "after": spell(change.after),
                "needed_for": list(change.needed_for),
                "source": change.source,
            }
            for change in suggestion.changes
        ],
        "diff": _diff(stack, suggestion),
        "failed": [_verdict(each) for each in suggestion.failed],
        "remaining": [_verdict(each) for each in suggestion.remaining],
        "doubts": [_verdict(each) for each in suggestion.doubts],
    }


def _verdict(verdict: Verdict) -> dict[str, str]:
    return {"code": verdict.code, "outcome": verdict.outcome.name, "message": verdict.message}
