"""Make what was asked for first, and repair what that breaks: where the search for the fewest takes too long.

What is found is small, and is not claimed to be the smallest.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from stackcheck.suggest.change import apply, value_at
from stackcheck.suggest.failing import Judging
from stackcheck.suggest.learned import Learned
from stackcheck.suggest.search import Limits, suggestions
from stackcheck.suggest.suggestion import Change
from stackcheck.suggest.wishes import WISHED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.suggest.suggestion import Suggestion
    from stackcheck.suggest.wishes import Wishes

_STARTS = 2
"""Ways to make what was asked for that are repaired: the nearest ones."""
_STEPS = 6
"""Wishes that are made one after the other."""
QUICK = 8
"""Stacks that the search for the fewest expands before this is tried."""


def suggest(
    facts: Facts,
    limits: Limits | None = None,
    learned: Learned | None = None,
    wishes: Wishes | None = None,
) -> Suggestion:
    """Return the smallest change found that makes a stack good and meets what is wished of it.

    `facts` are those of the definition: stack, tables, and the Dockerfile where one is named. `learned` is
    what the resolver has proven; without it the tables alone speak.
    """
    limits, learned = limits or Limits(), learned or Learned()
    if wishes is None or not any(wishes.unmet(facts["env"], facts["tables"])):
        return next(suggestions(facts, limits, learned, wishes))
    least = next(suggestions(facts, replace(limits, first=QUICK, second=0), learned, wishes))
    if least.proven or least.exhausted:
        return least
    found = [
        _from_the_start(each, facts["stack"], least)
        for start in _starts(facts, learned, wishes)
        if (each := _repaired(start, facts, limits, learned, wishes)).proven
    ]
    return min(found, key=lambda each: len(each.changes), default=least)


def _starts(facts: Facts, learned: Learned, wishes: Wishes) -> Iterator[Stack]:
    """Yield the stack with everything made that was asked for, the nearest way first."""
    seen: list[Stack] = []
    for number in range(_STARTS):
        stack = _made(number, facts, learned, wishes)
        if stack is not None and stack not in seen:
            seen.append(stack)
            yield stack


def _made(number: int, facts: Facts, learned: Learned, wishes: Wishes) -> Stack | None:
    judging = Judging(facts, learned, wishes)
    stack: Stack = facts["stack"]
    for _ in range(_STEPS):
        env = judging.changed(stack)["env"]
        if not any(wishes.unmet(env, facts["tables"])):
            return stack
        edits = list(islice(wishes.edits(env, facts["tables"]), number + 1))
        if not edits:
            return None
        stack, number = apply(stack, edits[-1]), 0
    return None


def _repaired(start: Stack, facts: Facts, limits: Limits, learned: Learned, wishes: Wishes) -> Suggestion:
    changed = Judging(facts, learned, wishes).changed(start)
    return next(suggestions({**facts, **changed}, limits, learned, wishes))


def _from_the_start(found: Suggestion, original: Stack, least: Suggestion) -> Suggestion:
    """Return a suggestion as changes of the stack as it was, not of the one that was repaired."""
    reasons = {each.path: each for each in found.changes}
    paths = dict.fromkeys((*_differing(original, found.stack), *reasons))
    wished = [f"{each.code}: {each.message}" for each in least.failed if each.code == WISHED]
    changes = []
    for path in paths:
        before, after, why = value_at(original, path), value_at(found.stack, path), reasons.get(path)
        if before != after:
            said = why.needed_for if why else tuple(wished)
            changes.append(Change(path, before, after, said, why.source if why else ""))
    return replace(found, failed=least.failed, changes=tuple(changes), smallest=False, tried=found.tried)


def _differing(one: Stack, other: Stack) -> Iterator[tuple[str, ...]]:
    """Yield the entries that two definitions of one stack state differently."""
    for field in type(one).model_fields:
        before, after = getattr(one, field), getattr(other, field)
        if before == after:
            continue
        if isinstance(before, dict):
            yield from ((field, key) for key in {**before, **after} if before.get(key) != after.get(key))
        elif field in {"index", "image"}:
            names = type(before).model_fields
            yield from ((field, key) for key in names if getattr(before, key) != getattr(after, key))
        else:
            yield (field,)
