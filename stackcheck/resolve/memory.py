"""What one run has learned of indexes and caches, for all its stacks: nothing is waited for twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from stackcheck.model.resolution import Resolution, Unresolved
    from stackcheck.resolve.question import Question

_DEAD = ("unreachable", "denied", "bad-index")
_MOST_RESOLVED = 512


@dataclass(frozen=True, slots=True)
class RunMemory:
    """Indexes and pages that did not answer, by URL, and packages that uv's cache does not have.

    uv looks at the first pin of a question before anything else. Where the cache lacks that one, uv says so
    whatever else is asked; where it lacks a later one, uv may have found a conflict before. So `uncached`
    holds first pins alone, and what a stack is told does not depend on the stacks before it.

    `resolved` is what came of the last stacks, by all that resolving reads of them, each with the id of the
    stack that was resolved: of a run offline, another one that differs in nothing else gets the same.

    Threads share it: each entry is written once, whole, and says the same whoever writes it. `asking` has a
    lock for each question that was put to uv.
    """

    dead: dict[str, Unresolved] = field(default_factory=dict)
    uncached: dict[tuple[str, ...], Unresolved] = field(default_factory=dict)
    resolved: dict[str, tuple[str, Resolution | Unresolved]] = field(default_factory=dict)
    asking: dict[Hashable, Lock] = field(default_factory=dict)

    def one_at_a_time(self, question: Hashable) -> Lock:
        """Return the lock of a question: who asks the same meanwhile waits for the answer of the first."""
        return self.asking.setdefault(question, Lock())

    def keep_dead(self, url: str, why: Unresolved) -> None:
        """Remember an index or page (URL without credentials) that did not answer."""
        if why.kind in _DEAD:
            self.dead.setdefault(url, why)

    def keep_uncached(self, question: Question, why: Unresolved) -> None:
        """Remember that an offline run could not find the first pin of a question in uv's cache."""
        first = _first(question)
        if why.kind == "offline" and why.requirements in ((first,), (first.partition("=")[0],)):
            self.uncached.setdefault(_key(first, question), why)

    def keep_resolved(self, asked: str, stack: str, found: Resolution | Unresolved) -> None:
        """Remember what came of a stack; a lock is long, so no more than some hundreds are kept."""
        if len(self.resolved) >= _MOST_RESOLVED:
            self.resolved.clear()
        self.resolved[asked] = stack, found

    def uncached_of(self, question: Question) -> Unresolved | None:
        """Return why an offline run cannot resolve a question whose first pin uv's cache does not have."""
        return self.uncached.get(_key(_first(question), question)) if self.uncached else None


def _first(question: Question) -> str:
    """Return the first package that is asked for, such as "torch==2.5.0"; "" when it is not pinned."""
    asked = (n for n in question.packages if n not in question.absent and n not in question.given)
    name = next(asked, "")
    exact = question.packages[name].exact if name else None
    return f"{name}=={exact}" if exact is not None else ""


def _key(pin: str, question: Question) -> tuple[str, ...]:
    """Return what decides whether a pin is cached: the cache may have its wheel, and not its source."""
    form = "source" if pin.partition("=")[0] in question.built else "wheel"
    return pin, form, question.asks_python, question.uv_platform, *(p.shown for p in question.places)
