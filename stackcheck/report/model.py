"""The Report: everything that one run found out about one stack, frozen, and what follows from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from stackcheck import __version__
from stackcheck.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED
from stackcheck.verdict import Outcome, Verdict, exit_code, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """What was looked at: which engine ran it, what it is called, its digest, its size in bytes."""

    kind: str = ""
    """`image`, `venv`, `here`, or empty when nothing was built or probed."""
    engine: str = ""
    name: str = ""
    digest: str = ""
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Hashes:
    """What the verdicts rest on beside the stack: sha256 of the agent and the tables, and the fingerprint."""

    agent: str = ""
    tables: str = ""
    fingerprint: str = ""
    """Of the definition, the lock, the base and everything else that went into what was built."""


@dataclass(frozen=True, slots=True)
class Report:
    """One stack's verdicts, with what they were reached on.

    `started` is ISO 8601 in UTC. `resolution` is distribution name -> version. `observation` is the agent's
    document as it came, kept so that a later run can be compared with this one.
    """

    stack: str
    verdicts: tuple[Verdict, ...]
    file: str = ""
    """The definition file, as the user would name it; empty when there is none."""
    summary: str = ""
    command: str = ""
    """`check`, `verify` or `probe`."""
    subject: Subject = Subject()
    started: str = ""
    seconds: float = 0.0
    expect: Literal["pass", "fail"] = "pass"
    expect_codes: tuple[str, ...] = ()
    resolution: Mapping[str, str] = field(default_factory=dict)
    observation: Mapping[str, Any] | None = None
    hashes: Hashes = Hashes()
    tool_version: str = __version__

    @property
    def name(self) -> str:
        """Return the stack's id, or what was probed when no stack was named."""
        return self.stack or self.subject.name or "(no stack)"

    @property
    def title(self) -> str:
        """Return `file::id`, as test items name the stack."""
        return f"{self.file}::{self.stack}" if self.file else self.name

    @property
    def counted(self) -> tuple[Verdict, ...]:
        """Return the verdicts that take part in the result."""
        return tuple(verdict for verdict in self.verdicts if verdict.counts)

    @property
    def waived(self) -> tuple[Verdict, ...]:
        """Return the verdicts that the stack accepts with a written reason."""
        return tuple(verdict for verdict in self.verdicts if not verdict.counts)

    @property
    def counts(self) -> dict[Outcome, int]:
        """Return how many counted verdicts have each outcome; every outcome is there."""
        found = Counter(verdict.outcome for verdict in self.counted)
        return {outcome: found[outcome] for outcome in Outcome}

    @property
    def worst(self) -> Outcome | None:
        """Return the worst outcome that counts; None when nothing was judged."""
        return worst(self.verdicts)

    @property
    def result(self) -> Outcome | None:
        """Return the outcome to headline: a proven FAIL outweighs an ERROR, as it does in the exit code."""
        return Outcome.FAIL if self.counts[Outcome.FAIL] else self.worst

    @property
    def failed_codes(self) -> frozenset[str]:
        """Return the codes with at least one FAIL that counts."""
        return frozenset(v.code for v in self.counted if v.outcome is Outcome.FAIL)

    @property
    def as_expected(self) -> bool:
        """Tell whether exactly the expected codes failed (none, for a stack that is expected to pass)."""
        return self.failed_codes == (frozenset(self.expect_codes) if self.expect == "fail" else frozenset())

    def exit_code(self, *, strict: bool = False, accept_expected: bool = False) -> int:
        """Return the exit code of this report alone.

        With `accept_expected`, a stack that is expected to fail is 0 when exactly its expected codes failed
        (and 3 when something could not be checked), and 1 when it failed in another way or not at all.
        """
        if not accept_expected or self.expect == "pass":
            return exit_code(self.verdicts, strict=strict)
        if not self.as_expected:
            return EXIT_FAIL
        rest = {verdict.outcome for verdict in self.counted} - {Outcome.FAIL}
        unchecked = Outcome.ERROR in rest or (strict and rest - {Outcome.PASS})
        return EXIT_UNCHECKED if unchecked else EXIT_OK


def overall_exit_code(
    reports: Iterable[Report], *, strict: bool = False, accept_expected: bool = False
) -> int:
    """Return the exit code of several reports: 1 if any is 1, else 3 if any is 3 or there is none, else 0."""
    codes = {report.exit_code(strict=strict, accept_expected=accept_expected) for report in reports}
    if EXIT_FAIL in codes:
        return EXIT_FAIL
    return EXIT_UNCHECKED if EXIT_UNCHECKED in codes or not codes else EXIT_OK
