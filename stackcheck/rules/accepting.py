"""What a stack accepts of the findings about it, with a written reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stackcheck.model.acceptance import code_of, covered, uncovered_note
from stackcheck.model.evidence import Outcome
from stackcheck.rules.registry import current_code
from stackcheck.rules.strongest import said_once, strongest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.verdict import Verdict


def current_text(text: str) -> str:
    """Return a text that accepts or expects findings, with the code that answers today."""
    code = code_of(text)
    return f"{current_code(code)}{text.removeprefix(code)}"


def waive(verdicts: Sequence[Verdict], stack: Stack) -> tuple[Verdict, ...]:
    """Mark the WARNs and FAILs that the stack accepts with a written reason.

    Where a text would cover more than it says, the findings of its rule say how to state it.
    """
    reasons = {current_text(text): reason for text, reason in stack.ignore.items()}
    if not reasons:
        return tuple(verdicts)
    bad = [number for number, each in enumerate(verdicts) if each.outcome in (Outcome.WARN, Outcome.FAIL)]
    texts = covered(reasons, [verdicts[number] for number in bad])
    waived = {bad[number]: _joined(reasons[text] for text in named) for number, named in texts.items()}
    left = [verdicts[number] for number in bad if number not in waived]
    used = {text for named in texts.values() for text in named}
    notes = {code_of(text): uncovered_note(text, left) for text in reasons if text not in used}
    uncovered = {id(each) for each in left}
    return tuple(
        replace(each, waived=waived[number])
        if number in waived
        else _noted(each, notes.get(each.code, "") if id(each) in uncovered else "")
        for number, each in enumerate(verdicts)
    )


def settled(verdicts: Sequence[Verdict], stack: Stack) -> tuple[Verdict, ...]:
    """Return what a report says: the strongest answers, what the stack accepts marked, each conflict once."""
    named = {code_of(current_text(text)) for text in stack.expect_codes}
    return said_once(waive(strongest(verdicts), stack), named)


def _noted(verdict: Verdict, note: str) -> Verdict:
    return replace(verdict, notes=(*verdict.notes, f"ignore: {note}.")) if note else verdict


def _joined(reasons: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(reasons))
