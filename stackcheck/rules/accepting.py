"""What a stack accepts of the findings about it, with a written reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stackcheck.model.acceptance import code_of, covered
from stackcheck.model.verdict import Outcome
from stackcheck.rules.registry import current_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.verdict import Verdict


def current_text(text: str) -> str:
    """Return a text that accepts or expects findings, with the code that answers today."""
    code = code_of(text)
    return f"{current_code(code)}{text.removeprefix(code)}"


def waive(verdicts: Sequence[Verdict], stack: Stack) -> tuple[Verdict, ...]:
    """Mark the WARNs and FAILs that the stack accepts with a written reason."""
    reasons = {current_text(text): reason for text, reason in stack.ignore.items()}
    bad = [number for number, each in enumerate(verdicts) if each.outcome in (Outcome.WARN, Outcome.FAIL)]
    texts = covered(reasons, [verdicts[number] for number in bad])
    waived = {
        bad[number]: "; ".join(dict.fromkeys(reasons[text] for text in named))
        for number, named in texts.items()
    }
    return tuple(
        replace(each, waived=waived[number]) if number in waived else each
        for number, each in enumerate(verdicts)
    )
