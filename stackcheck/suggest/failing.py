"""Hold changed definitions against the rules: what fails, what is in doubt, and what only hides a break."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules import before_build
from stackcheck.rules.accepting import waive
from stackcheck.rules.registry import judge_all, judge_one
from stackcheck.rules.strongest import strongest
from stackcheck.suggest.change import apply
from stackcheck.suggest.changed_facts import facts_of
from stackcheck.suggest.learned import RESOLVES, Learned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.model.verdict import Verdict
    from stackcheck.rules.registry import Rule
    from stackcheck.suggest.change import Edit
    from stackcheck.suggest.wishes import Wishes


@dataclass(frozen=True, slots=True)
class Judged:
    """A stack with an edit made, and what the rules say of it.

    `fails` are the FAILs, and what must not pass for a repair: a check that failed before and is not made any
    more, and a new break that only unverified knowledge speaks for. `doubts` are the warnings and gaps that
    were not there before.
    """

    stack: Stack
    fails: tuple[Verdict, ...]
    doubts: tuple[Verdict, ...] = ()


class Judging:
    """The rules that need no build, what the resolver has proven and what is wished, over changed stacks."""

    def __init__(self, facts: Facts, learned: Learned | None = None, wishes: Wishes | None = None) -> None:
        self.facts = dict(facts)
        self.wishes = wishes
        self.learned = learned or Learned()
        if facts["env"].resolution is not None:
            known = (facts["stack"], facts["env"].resolution)
            self.learned = replace(self.learned, resolved=(*self.learned.resolved, known))
        self.rules: dict[str, Rule] = {rule.code: rule for rule in before_build(Level.STATED)}
        self.original: Stack = facts["stack"]
        fails, self.doubts = self._verdicts(self.original)
        self.start = Judged(self.original, tuple(fails))
        self.skipped = Counter(each.code for each in self.doubts if each.outcome is Outcome.SKIP)

    def judge(self, edit: Edit) -> Judged:
        """Run every rule over the stack with an edit made."""
        if not edit:
            return self.start
        stack = apply(self.original, edit)
        fails, doubts = self._verdicts(stack)
        failed = {each.code for each in self.start.fails}
        new = _beyond(doubts, self.doubts)
        hidden = [each for each in new if _hides_a_break(each, failed)]
        return Judged(stack, (*fails, *hidden), tuple(each for each in new if each not in hidden))

    def bad(self, code: str, stack: Stack) -> int:
        """Count what stands against a stack by one rule: FAILs, unverified ones too, and new gaps."""
        verdicts = judge_one(self.rules[code], self.facts | self.changed(stack)) if code in self.rules else []
        verdicts += [
            each for each in (*self.learned.against(stack), *self._unmet(stack)) if each.code == code
        ]
        fails = sum(each.outcome >= Outcome.FAIL or each.unverified for each in verdicts)
        return fails + max(0, sum(each.outcome is Outcome.SKIP for each in verdicts) - self.skipped[code])

    def lifts(self, code: str, stack: Stack, changed: Stack, before: int) -> bool:
        """Tell whether a change answers a FAIL of a rule, `before` being what is bad of the stack.

        What the resolver has proven is known one by one: a conflict that the change brings comes next.
        """
        if code == RESOLVES and (standing := self.learned.standing(stack)):
            return any(not each.stands(changed) for each in standing)
        return self.bad(code, changed) < before

    def changed(self, stack: Stack) -> dict[str, Any]:
        """Return the facts that a changed definition has of its own."""
        facts = facts_of(self.facts, stack)
        return facts | {"env": replace(facts["env"], resolution=self.learned.resolution_of(stack))}

    def _unmet(self, stack: Stack) -> tuple[Verdict, ...]:
        """Return what was asked for and does not hold of a stack."""
        if self.wishes is None:
            return ()
        return tuple(self.wishes.against(self.changed(stack)["env"], self.facts["tables"]))

    def _verdicts(self, stack: Stack) -> tuple[list[Verdict], list[Verdict]]:
        """Return what fails, and what is in doubt (WARN and SKIP), without what the stack accepts."""
        judged = judge_all(self.rules.values(), self.facts | self.changed(stack))
        verdicts = strongest((*judged, *self.learned.against(stack), *self._unmet(stack)))
        counted = [each for each in waive(verdicts, stack) if each.counts]
        doubts = [each for each in counted if each.outcome in (Outcome.WARN, Outcome.SKIP)]
        return [each for each in counted if each.outcome >= Outcome.FAIL], doubts


def _beyond(verdicts: Iterable[Verdict], before: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts beyond those that were there before, by rule and outcome."""
    there = Counter((each.code, each.outcome) for each in before)
    new = []
    for each in verdicts:
        key = (each.code, each.outcome)
        there[key] -= 1
        if there[key] < 0:
            new.append(each)
    return new


def _hides_a_break(new: Verdict, failed: set[str]) -> bool:
    return new.unverified or (new.outcome is Outcome.SKIP and new.code in failed)
