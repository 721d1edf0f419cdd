"""What a table row is allowed to say: cite it, fail by it, or say that there is none.

The one place that holds the promise "an unverified row may warn, it may never fail a stack": rules that judge
by a row of a table fail through `failed_by`, never through `registry.failed` with the row beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence, Level, Outcome
from stackcheck.rules.questions import HAS_A_FILE
from stackcheck.rules.registry import Finding, failed, passed, skipped, warned
from stackcheck.rules.strongest import overruled_note

if TYPE_CHECKING:
    from datetime import date

    from stackcheck.environment import Environment
    from stackcheck.knowledge.reading import Row
    from stackcheck.rules.registry import Names

UNVERIFIED = "This rests on knowledge that no primary source confirms, so it is a warning."


def cite(row: Row, what: str) -> Evidence:
    """Return a row as evidence: what it says, and where that can be read again and when it was."""
    return Evidence(what, row.cited)


def failed_by(  # noqa: PLR0913 - the fields of a verdict
    message: str,
    *said: tuple[Row, str],
    expected: str,
    found: str,
    hint: str,
    doubtful: bool = False,
    about: Names = (),
) -> Finding:
    """Fail a stack by table rows, each with what it says; warn when one of them is not verified.

    `doubtful`: the field that decides is marked unverified although the row is not.
    """
    evidence = [cite(row, what) for row, what in said]
    if doubtful or any(row.unverified for row, _ in said):
        return doubted(message, *evidence, expected=expected, found=found, hint=hint, about=about)
    return failed(message, *evidence, expected=expected, found=found, hint=hint, about=about)


def doubted(
    message: str, *evidence: Evidence, expected: str, found: str, hint: str, about: Names = ()
) -> Finding:
    """Warn where unverified knowledge speaks against a stack."""
    text = f"{message} {UNVERIFIED}"
    doubt = warned(text, *evidence, expected=expected, found=found, hint=hint, about=about)
    return doubt._replace(unverified=True)


def shown_by_resolver(finding: Finding, env: Environment, name: str, other: str) -> Finding:
    """Give way to the resolver where it has shown what a row of a table denies.

    A row says what METADATA requires; the resolver has read that METADATA, and took both.
    """
    if finding.outcome is not Outcome.FAIL or not env.accepts(name, other):
        return finding
    return _overruled(finding, f"{name} {env.version(name)} accepts {other} {env.version(other)}")


def denies(finding: Finding, question: str, name: str) -> Finding:
    """Name the question that a FAIL about a distribution answers: another rule may say it too."""
    return finding._replace(subject=name, question=question if finding.outcome is Outcome.FAIL else "")


def no_file_fits(finding: Finding, name: str) -> Finding:
    """Name the question that a FAIL about files of a distribution answers."""
    return denies(finding, HAS_A_FILE, name) if finding.outcome is Outcome.FAIL else finding


def wheel_was_found(finding: Finding, env: Environment, name: str) -> Finding:
    """Give way to the resolver where it has found the wheel that a row of a table says there is not."""
    taken = env.taken(name)
    if finding.outcome is not Outcome.FAIL:
        return finding
    if taken is None:
        return no_file_fits(finding, name)
    return _overruled(finding, f"{taken.filename} was found for this Python and platform")


def _overruled(finding: Finding, shown: str) -> Finding:
    note = overruled_note(finding.message, Level.STATED, Level.RESOLVED)
    return passed(f"{shown}, as the resolver shows.", *finding.evidence)._replace(
        level=Level.RESOLVED,
        subject=finding.subject,
        question=finding.question,
        notes=(note,),
    )


def no_data(what: str, newest: object, checked: date) -> Finding:
    """Say that the tables do not know a version: neither good nor bad, with the age of the knowledge."""
    return skipped(
        f"no data on {what}: the tables of stackcheck end with {newest} and were checked on {checked}",
        hint="`stackcheck tables refresh` reads newer releases from the package index",
    )
