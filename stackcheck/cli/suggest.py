"""`stackcheck suggest`: the smallest change to a definition that makes its stack good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck import catalog, suggested
from stackcheck.cli import options, output, stacks
from stackcheck.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED
from stackcheck.report.wording import plural
from stackcheck.steps.options import Options
from stackcheck.suggest import spell
from stackcheck.suggest.edited import edit_text, unified

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from stackcheck.definition import Stack
    from stackcheck.suggest import Change, Suggestion
    from stackcheck.suggested import Answer
    from stackcheck.verdict import Verdict


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    options.add_resolving(parser)
    output.configure(parser, ("text", "diff", "json"))


def execute(args: argparse.Namespace) -> int:
    """Run the command: 1 when for some stack nothing was found, 3 when the resolver could not be asked."""
    tell, how = output.progress(args), Options(offline=args.offline, locks=args.locks)
    answers = [(stack, suggested.answer(stack, how, tell)) for stack in stacks.chosen(args)]
    output.write(_rendered(answers, args.format), args.output)
    if not all(found.found for _, found in answers):
        return EXIT_FAIL
    return EXIT_UNCHECKED if any(found.broken for _, found in answers) else EXIT_OK


def _rendered(answers: list[tuple[Stack, Answer]], form: str) -> str:
    if form == "json":
        return json.dumps([_row(stack, found) for stack, found in answers], indent=2) + "\n"
    if form == "diff":
        return "".join(_diff(stack, found.suggestion) for stack, found in answers)
    return "\n\n".join("\n".join(_text(stack, found)) for stack, found in answers) + "\n"


def _text(stack: Stack, found: Answer) -> Iterator[str]:
    suggestion = found.suggestion
    yield f"{stack.id}: {_headline(found)}"
    if found.gap and found.found:
        yield f"    {output.line(found.gap)}"
    diff = _diff(stack, suggestion)
    if diff:
        yield from ("", diff.rstrip("\n"))
    for change in suggestion.changes:
        yield from ("", *_explained(change))
    yield from _verdicts("still fails", suggestion.remaining)
    yield from _verdicts("new, and to be known", suggestion.doubts)
    if suggestion.changes and stack.expect == "fail":
        yield from (
            "",
            'The stack says expect = "fail": take that, and expect_codes, out with these changes.',
        )


def _headline(found: Answer) -> str:
    suggestion = found.suggestion
    if not found.found:
        tried = f"{plural(suggestion.tried, 'changed definition')} {_were(suggestion.tried)} judged"
        bound = "nothing else is known to try" if suggestion.exhausted else "the search ended at its bound"
        return f"no change was found that makes it good: {tried}, {bound}"
    checked = "by the rules and by resolving it" if found.resolved else "by running the rules again"
    if not suggestion.changes:
        return f"nothing to change: no rule fails (checked {checked})"
    least = ", the fewest of those known" if suggestion.smallest else ""
    changes = plural(len(suggestion.changes), "change")
    return f"{changes} {_make(suggestion)} it good{least} (proven {checked})"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _make(suggestion: Suggestion) -> str:
    return "makes" if len(suggestion.changes) == 1 else "make"


def _explained(change: Change) -> Iterator[str]:
    before, after = output.line(spell(change.before)), output.line(spell(change.after))
    yield f"{'.'.join(change.path)}: {before} -> {after}"
    reasons = change.needed_for or ("it goes with the changes above",)
    for reason in reasons[:2]:
        yield f"    without it: {output.line(reason)}" if change.needed_for else f"    {reason}"
    if len(reasons) > 2:
        yield f"    and {len(reasons) - 2} more"
    if change.source:
        yield f"    [{output.line(change.source)}]"


def _verdicts(title: str, verdicts: tuple[Verdict, ...]) -> Iterator[str]:
    if verdicts:
        yield from ("", f"{title}:")
    for each in verdicts:
        yield f"    {each.outcome.name} {each.code}: {output.line(each.message)}"


def _diff(stack: Stack, suggestion: Suggestion) -> str:
    """Return the unified diff of the stack's own file; "" for a member of a family, and when it says less.

    The changed text is read back as a definition: only one that is the suggested stack is shown.
    """
    if not suggestion.changes or not suggestion.proven or stack.axes or not stack.file:
        return ""
    try:
        before = Path(stack.file).read_text(encoding="utf-8")
        after = edit_text(before, stack.id, suggestion.changes)
    except (OSError, KeyError, ValueError):
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
