"""Rules about the definition itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.acceptance import code_of
from stackcheck.model.near import did_you_mean
from stackcheck.rules.registry import (
    RULES,
    Finding,
    current_code,
    failed,
    passed,
    rule,
    skipped,
    states,
    warned,
)

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts


_REFUSED = "correct the line: pip stops there, and installs nothing of the file"
_UNREAD = "if it concerns torch, write NAME==VERSION or NAME @ ADDRESS there, or state it in a definition"
"""What to do about a line that was not understood."""


@rule("STACK101", when=states("ignore", "expect_codes"), about="code")
def named_codes_exist(stack: Stack) -> list[Finding]:
    """The rule codes that a stack names exist.

    An ignore for a code that no rule has silences nothing and reads as if it did; an expected code that no
    rule has can never be met.

    Source: the rules of this version of stackcheck (`stackcheck explain`).
    Example: `ignore = { TORCH999 = "..." }`.
    Fix: correct the code, or remove the entry.
    """
    named = [("ignore", code) for code in stack.ignore]
    named += [("expect_codes", code) for code in stack.expect_codes]
    unknown = [
        failed(
            f"{key} names {code}, and no rule has that code",
            expected="a code that `stackcheck explain` lists",
            found=code,
            hint=f"correct it in {stack.file or 'the definition'}"
            f"{did_you_mean(code_of(code), sorted(RULES))}",
            about=code,
        )
        for key, code in named
        if current_code(code_of(code)) not in RULES
    ]
    return unknown or [passed(f"all {len(named)} rule codes that the stack names exist")]


@rule("STACK102", when=states("read_from"), about="line")
def files_are_understood(stack: Stack) -> list[Finding]:
    """Everything that a project's own files state was understood.

    A line that was not read may install another torch: what it says is not part of the stack that was judged.
    A line that is not a requirement ends pip, which then installs nothing of the file.

    Source: the formats that stackcheck reads (`stackcheck check --help`).
    Example: `pip install torch==${TORCH}` where nothing in the Dockerfile sets TORCH.
    Fix: state it in the file, or write a definition.
    """
    left = [warned(text, hint=_REFUSED, about=text)._replace(place=place) for place, text in stack.refused]
    left += [skipped(text, hint=_UNREAD) for text in stack.unread]
    left += [skipped(text) for text in stack.unsettled]
    return left or [passed("Every line of the files that states what is installed was understood.")]


def _states_packages(facts: Facts) -> bool:
    stack: Stack = facts["stack"]
    return bool(stack.read_from and (stack.packages or stack.contradictions))


@rule("STACK103", when=_states_packages, about="place")
def files_agree(stack: Stack) -> list[Finding]:
    """No file and no later step takes back what another one states.

    pip replaces what is installed without a word: a later install of another version leaves that one, and
    what was compiled for the first stays.

    Source: https://pip.pypa.io/en/stable/cli/pip_install/ (--upgrade, --force-reinstall).
    Example: a Dockerfile installs torch 2.5.0 from PyTorch's index and later `pip install torch==2.6.0`.
    Fix: state each version in one place.
    """
    found = [
        warned(
            text, expected="one version", found="two", hint="state the version in one place", about=text
        )._replace(
            place=place,
        )
        for place, text in stack.contradictions
    ]
    return found or [passed("No file and no later step takes back what another one states.")]
