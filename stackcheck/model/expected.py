"""What a stack is expected to fail with, and how its failures stand to that. Pure.

An entry is a code, `LOCK201`, or a code and what its finding is about, `LOCK201:mmcv`. A bare code stands
for one failure of that rule, whatever it is about: a second one is new, unless the code is listed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet


class Failure(NamedTuple):
    """What fails: the code of a rule, and what its finding is about; "" where that is not stated."""

    code: str
    subject: str = ""

    def __str__(self) -> str:
        """Return it as a definition spells it."""
        return f"{self.code}:{self.subject}" if self.subject else self.code


def parse_expected(text: str) -> Failure:
    """Return the code and the subject of an entry of `expect_codes`."""
    code, _, subject = text.partition(":")
    return Failure(code.strip(), subject.strip())


@dataclass(frozen=True, slots=True)
class Comparison:
    """How failures stand to an expectation: what failed as expected, what did not fail, and what is new."""

    met: frozenset[Failure]
    """The failures that were expected."""
    missing: tuple[str, ...]
    unchecked: tuple[str, ...]
    """Expected entries of which nothing is said but that they were not checked: they did not fail to fail."""
    surplus: tuple[Failure, ...]

    @property
    def exact(self) -> bool:
        """Tell whether nothing is missing and nothing is new."""
        return not self.missing and not self.surplus


def compared(expected: Iterable[str], failed: Iterable[Failure], unchecked: AbstractSet[str]) -> Comparison:
    """Hold failures against expected entries; `unchecked` are the codes that were not checked."""
    left, met, open_entries = sorted(set(failed)), set[Failure](), list[str]()
    entries = sorted(expected, key=lambda text: not parse_expected(text).subject)
    for entry in entries:  # those with a subject first: a bare code takes what they leave
        wanted = parse_expected(entry)
        found = next((each for each in left if _is(each, wanted)), None)
        if found is None:
            open_entries.append(entry)
        else:
            left.remove(found)
            met.add(found)
    told = {entry for entry in open_entries if parse_expected(entry).code in unchecked}
    return Comparison(
        frozenset(met),
        tuple(sorted(entry for entry in open_entries if entry not in told)),
        tuple(sorted(told)),
        tuple(left),
    )


def _is(failure: Failure, wanted: Failure) -> bool:
    return failure.code == wanted.code and wanted.subject in ("", failure.subject)
