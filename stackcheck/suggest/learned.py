"""What the resolver has proven on the way, and of which other definitions it is just as true.

A conflict between two requirements stands in every definition that makes both, whatever else of it changes
and whichever index has the files. So nothing has to be asked twice, and a conflict that was proven once does
not vanish because a later question could not be answered.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from stackcheck.model.resolution import Resolution
from stackcheck.model.verdict import Outcome
from stackcheck.rules import load_all
from stackcheck.rules.registry import judge_one
from stackcheck.suggest.kept import SHARED, changed_packages, still_resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import Unresolved
    from stackcheck.model.verdict import Verdict

    Premise: TypeAlias = tuple[Requirement | None, Requirement]
    """(who requires, what): None is the stack itself."""

RESOLVES = "LOCK201"
"""The rule that says what the resolver found."""


_HOST = ("python", "platform", "glibc")
"""Fields of a definition on which it hangs whether a wheel fits."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that the resolver has proven of a definition."""

    why: Unresolved
    stack: Stack = field(repr=False)

    @property
    def premises(self) -> tuple[Premise, ...]:
        """Return the requirements that exclude each other, or the one that no file serves."""
        texts = self.why.requirements
        if self.why.kind != "conflict":
            texts = tuple(f"{self.why.who}: {each}" for each in texts[:1])
        return tuple(premise for text in texts if (premise := _premise(text)))

    @property
    def names(self) -> tuple[str, ...]:
        """Return what it is about: what is required before who requires it, torch last."""
        found = [requirement for premise in self.premises for requirement in reversed(premise) if requirement]
        names = dict.fromkeys(canonicalize_name(each.name) for each in found)
        return tuple(sorted(names, key=lambda name: name == "torch"))

    def required(self, name: str) -> list[SpecifierSet]:
        """Return what others than the stack require of a package."""
        return [what.specifier for who, what in self.premises if who and canonicalize_name(what.name) == name]

    def stands(self, stack: Stack) -> bool:
        """Tell whether it is proven of another definition too."""
        if any(getattr(self.stack, name) != getattr(stack, name) for name in self._hosts):
            return False
        if not self.premises:
            return not changed_packages(self.stack, stack)
        if self.why.kind == "conflict":
            return all(self._is_made(premise, stack) for premise in self.premises)
        same = all(getattr(self.stack, name) == getattr(stack, name) for name in {*SHARED} - {*_HOST})
        (who, what) = self.premises[0]
        asker = not who or self._is_unchanged(who.name, stack)
        return same and self._is_unchanged(what.name, stack) and asker

    @property
    def _hosts(self) -> tuple[str, ...]:
        """Return what of the host it hangs on: what no index has, is there for nobody."""
        return () if self.why.kind == "not-found" else _HOST

    def _is_unchanged(self, name: str, stack: Stack) -> bool:
        key = canonicalize_name(name)
        if key not in self.stack.packages:  # drawn in by others: by whom is not known
            return key not in stack.packages
        return self.stack.packages[key] == stack.packages.get(key)

    def _is_made(self, premise: Premise, stack: Stack) -> bool:
        """Tell whether a definition makes a requirement that contradicts the other one just as well."""
        who, what = premise
        if who is None:
            others = [each for each in self.premises if each != premise]
            return all(_excludes(other[1], what.name, self.stack, stack) for other in others)
        row = stack.packages.get(canonicalize_name(who.name))
        if row is None or row.exact is None:
            return not changed_packages(self.stack, stack)
        return who.specifier.contains(row.exact.public, prereleases=True)


def _excludes(other: Requirement, name: str, before: Stack, after: Stack) -> bool:
    """Tell whether what a definition states of a package contradicts a requirement of somebody else."""
    key = canonicalize_name(name)
    row = after.packages.get(key)
    if row is None or row.exact is None:
        return row == before.packages.get(key)
    return not other.specifier.contains(row.exact.public, prereleases=True)


def _premise(text: str) -> Premise | None:
    who, colon, what = text.rpartition(": ")
    try:
        return (_requirement(who) if colon else None), Requirement(what)
    except InvalidRequirement:
        return None


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:  # the stack itself
        return None


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known beyond the tables.

    `failures` are proven; `silent` are indexes that did not answer; `resolved` definitions with what they
    resolve to; `refused` definitions with what then fails of rules that need a resolution. `offers` are
    versions that resolve, by package and the version in whose place they come, nearest first.
    """

    failures: tuple[Failure, ...] = ()
    silent: tuple[Unresolved, ...] = ()
    resolved: tuple[tuple[Stack, Resolution], ...] = ()
    refused: tuple[tuple[Stack, tuple[Verdict, ...]], ...] = ()
    offers: Mapping[tuple[str, str], tuple[Version, ...]] = field(default_factory=dict)

    def plus(self, stack: Stack, answer: Resolution | Unresolved, fails: Iterable[Verdict]) -> Learned:
        """Return what is known after one more answer of the resolver; `fails` are its FAILs."""
        reasons = answer.unreached if isinstance(answer, Resolution) else (answer, *answer.others)
        proven = [Failure(replace(each, others=()), stack) for each in reasons if each.proven]
        known = {each.why for each in self.failures}
        silent = [each for each in reasons if not each.proven and each.where]
        found = ((stack, answer),) if isinstance(answer, Resolution) else ()
        refusal = tuple(fails)
        return replace(
            self,
            failures=(*self.failures, *(each for each in proven if each.why not in known)),
            silent=tuple(dict.fromkeys((*self.silent, *silent))),
            resolved=(*found, *self.resolved),
            refused=(*self.refused, (stack, refusal)) if refusal else self.refused,
        )

    def standing(self, stack: Stack) -> list[Failure]:
        """Return the proven failures of a definition."""
        return [each for each in self.failures if each.stands(stack)]

    def asks_silent(self, stack: Stack, original: Stack) -> bool:
        """Tell whether a definition newly states an index that did not answer: nothing of it is proven."""
        fresh = _hosts(stack) - _hosts(original)
        return any(urlsplit(each.where).netloc in fresh for each in self.silent)

    def against(self, stack: Stack) -> Iterator[Verdict]:
        """Yield what is proven against a definition."""
        yield from (verdict for each in self.standing(stack) for verdict in said(each.why))
        for refused, fails in self.refused:
            if refused.packages == stack.packages and _alike(refused, stack):
                yield from fails

    def resolution_of(self, stack: Stack) -> Resolution | None:
        """Return what the nearest resolved definition says of a stack; None where none says anything."""
        if not self.resolved:
            return None
        before, found = min(self.resolved, key=lambda each: len(changed_packages(each[0], stack)))
        return still_resolved(found, before, stack)


def said(why: Unresolved) -> list[Verdict]:
    """Return what the rules say of one reason why nothing was resolved."""
    rule = next(rule for rule in load_all() if rule.code == RESOLVES)
    found = judge_one(rule, {"resolving": replace(why, others=())})
    return [each for each in found if each.outcome >= Outcome.FAIL]


def _alike(one: Stack, other: Stack) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in SHARED)


def _hosts(stack: Stack) -> set[str]:
    index, rows = stack.index, stack.packages.values()
    own = [url for row in rows for url in (row.index, row.find_links)]
    return {urlsplit(url).netloc for url in (index.url, *index.extra, *index.find_links, *own) if url}
