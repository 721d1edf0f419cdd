"""The Report: everything that one run found out about one stack, frozen, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the types of the fields
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from stackcheck import __version__
from stackcheck.model.acceptance import code_of, covered
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED
from stackcheck.model.reach import Reach, reach_of
from stackcheck.model.verdict import Level, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class Subject:
    """What was looked at: which engine ran it, what it is called, its digest, its size in bytes."""

    kind: str = ""
    """`image`, `venv`, `wheels`, `here`, or empty when nothing was built or looked at."""
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


@dataclass(frozen=True)
class Report:
    """One stack's verdicts, with what they were reached on.

    `started` is ISO 8601 in UTC. `resolution` is distribution name -> version. `observation` is the agent's
    document as it came, kept so that a later run can be compared with this one. What follows from verdicts
    is worked out once: renderers ask for it again and again.
    """

    stack: str
    verdicts: tuple[Verdict, ...]
    family: str = ""
    """The id of the family that the stack is a member of; empty for one that stands alone."""
    file: str = ""
    """The definition file, as the user would name it; empty when there is none."""
    summary: str = ""
    terms: tuple[str, ...] = ()
    """What the call did not take of the definition, a sentence each: `check --untrusted`."""
    read_from: tuple[str, ...] = ()
    """The project's own files that were read; empty where a definition states the stack."""
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
    knowledge: str = ""
    """The day of the knowledge that it was judged by, and folders that were read beside ours."""
    tool_version: str = __version__

    @property
    def name(self) -> str:
        """Return the stack's id, or what was probed when no stack was named."""
        return self.stack or self.subject.name or "(no stack)"

    @property
    def title(self) -> str:
        """Return `file::id`, as test items name the stack."""
        return f"{self.file}::{self.stack}" if self.file else self.name

    @cached_property
    def reach(self) -> Reach:
        """Return how far the run came."""
        return reach_of(self.verdicts, self.command)

    @cached_property
    def made(self) -> tuple[Verdict, ...]:
        """Return the verdicts without those that only say that their level was not reached."""
        skips, skip = self.reach.skips, Outcome.SKIP
        return tuple(each for each in self.verdicts if each.outcome is not skip or not skips(each))

    @cached_property
    def counted(self) -> tuple[Verdict, ...]:
        """Return the verdicts that take part in the result: not accepted, and of a level that was reached."""
        return tuple(verdict for verdict in self.made if not verdict.waived)

    @cached_property
    def waived(self) -> tuple[Verdict, ...]:
        """Return the verdicts that the stack accepts with a written reason."""
        return tuple(verdict for verdict in self.made if verdict.waived)

    @cached_property
    def counts(self) -> dict[Outcome, int]:
        """Return how many counted verdicts have each outcome; every outcome is there."""
        found = [verdict.outcome for verdict in self.counted]
        return {outcome: found.count(outcome) for outcome in Outcome}

    @cached_property
    def result(self) -> Outcome | None:
        """Return the worst outcome of what was reached; None when nothing was checked.

        A SKIP says nothing of the stack and never leads. A proven FAIL outweighs an ERROR, as it does in the
        exit code.
        """
        return _result(self.counts)

    @cached_property
    def failed_codes(self) -> frozenset[str]:
        """Return the codes with at least one FAIL that counts."""
        return frozenset(each.code for each in self._failed)

    @cached_property
    def unexpected(self) -> tuple[Verdict, ...]:
        """Return the FAILs that count and that the definition does not expect."""
        return tuple(each for number, each in enumerate(self._failed) if number not in self._expected)

    @cached_property
    def unmet(self) -> tuple[str, ...]:
        """Return what the definition expects to fail and what did not, though it was checked."""
        met = {text for texts in self._expected.values() for text in texts}
        stated = self.expect_codes if self.expect == "fail" else ()
        return tuple(each for each in stated if each not in met and code_of(each) not in self.unchecked_codes)

    @cached_property
    def as_expected(self) -> bool:
        """Tell whether exactly what is expected failed (nothing, for a stack that is expected to pass).

        An expected one that was not checked, offline say, did not fail to fail; one at least has to.
        """
        expected = self.expect == "fail" and bool(self.expect_codes)
        return not self.unexpected and not self.unmet and bool(self._failed) == expected

    @cached_property
    def _failed(self) -> tuple[Verdict, ...]:
        return tuple(each for each in self.verdicts if each.outcome is Outcome.FAIL and each.counts)

    @cached_property
    def _expected(self) -> Mapping[int, tuple[str, ...]]:
        return covered(self.expect_codes, self._failed) if self.expect == "fail" else {}

    @cached_property
    def unchecked_codes(self) -> frozenset[str]:
        """Return the codes of which nothing is said but that they were not checked."""
        said = {v.code for v in self.verdicts if v.outcome not in (Outcome.SKIP, Outcome.ERROR)}
        return frozenset(v.code for v in self.verdicts) - said

    def exit_code(self, *, strict: bool = False, require: Level | None = None) -> int:
        """Return the exit code of this report alone.

        1 for any FAIL (a proven break outweighs a doubt); else 3 for any ERROR, when nothing was checked,
        when the level `require` was not reached, and with `strict` for any WARN or SKIP; else 0. The FAILs of
        a stack that is expected to fail do not count when they are exactly the expected ones; failing in
        another way, or not at all, is 1.
        """
        counts = self.counts
        if self.result is None:
            return EXIT_UNCHECKED
        if self.unexpected or self.unmet:
            return EXIT_FAIL
        if not self.as_expected:  # what had to fail was not checked
            return EXIT_UNCHECKED
        doubts = {Outcome.ERROR, *((Outcome.WARN, Outcome.SKIP) if strict else ())}
        if any(counts[outcome] for outcome in doubts):
            return EXIT_UNCHECKED
        return EXIT_UNCHECKED if require is not None and not self.reach.covers(require) else EXIT_OK


def _result(counts: Mapping[Outcome, int]) -> Outcome | None:
    order = (Outcome.FAIL, Outcome.ERROR, Outcome.WARN, Outcome.PASS)
    return next((outcome for outcome in order if counts[outcome]), None)


def overall_exit_code(codes: Iterable[int]) -> int:
    """Return the exit code of several reports: 1 if any is 1, else 3 if any is 3 or there is none, else 0."""
    found = set(codes)
    if EXIT_FAIL in found:
        return EXIT_FAIL
    return EXIT_UNCHECKED if EXIT_UNCHECKED in found or not found else EXIT_OK
