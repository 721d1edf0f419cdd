"""Find the smallest set of changes with which no rule fails, and prove it by running the rules again.

A best-first search over edits: a stack that fails is expanded by the edits that answer one of its FAILs,
because every solution has to answer it. The first pass goes by the number of changes alone, so that what it
finds is the smallest set of the candidates; it takes the FAIL with the fewest answers first. Where that takes
too long, a second pass takes the FAIL first that only a far-reaching edit answers (another torch, say),
decides each entry once, and goes where the fewest rules still fail. Nothing is random and nothing depends on
the clock, so the same stack and tables give the same suggestion.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from stackcheck.suggest.builds import pythons_with_wheels
from stackcheck.suggest.candidates import Reach, generators_for
from stackcheck.suggest.change import apply, value_at
from stackcheck.suggest.failing import Judging
from stackcheck.suggest.learned import Learned
from stackcheck.suggest.moves import FAR, far_steps, offered
from stackcheck.suggest.suggestion import Change, Suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.suggest.candidates import Generator
    from stackcheck.suggest.change import Edit, Path
    from stackcheck.suggest.failing import Judged
    from stackcheck.suggest.wishes import Wishes


@dataclass(frozen=True, slots=True)
class Limits:
    """How far is searched.

    changes: in one suggestion. first, second: stacks that each pass expands. looked: edits that one generator
    is asked for; answers: those of them that are taken; weighed: those among which the second pass chooses.
    """

    changes: int = 16
    first: int = 60
    second: int = 120
    looked: int = 200
    answers: int = 8
    weighed: int = 64


@dataclass(frozen=True, slots=True)
class Cost:
    """What one change of an edit costs, and the change that it goes with (itself for most)."""

    reach: int
    rank: int
    leader: Path


_Answer: TypeAlias = "tuple[dict[Path, Any], dict[Path, Cost]]"
"""An edit of the original stack, and what each of its changes costs."""


@dataclass(order=True, slots=True)
class _Node:
    """One place of the search; ordered by how promising it is, then by when it was found."""

    estimate: int
    reach: int
    doubts: int
    rank: int
    serial: int
    edit: dict[Path, Any] = field(compare=False)
    costs: dict[Path, Cost] = field(compare=False)
    judged: Judged = field(compare=False)


def suggestions(
    facts: Facts,
    limits: Limits | None = None,
    learned: Learned | None = None,
    wishes: Wishes | None = None,
) -> Iterator[Suggestion]:
    """Yield suggestions, the best first: at least one, which says what remains when none was found."""
    search = _Search(facts, limits or Limits(), learned or Learned(), wishes)
    if not search.start.fails:
        yield Suggestion(search.start.stack, ())
        return
    seen: set[frozenset[tuple[Path, Any]]] = set()
    for greedy in (False, True):
        for node in search.solutions(greedy=greedy):
            least = search.irredundant(node)
            if (key := frozenset(least.items())) not in seen:
                yield search.explained(least, smallest=not greedy and not seen)
                seen.add(key)
        if search.exhausted:
            break
    if not seen:
        yield search.given_up()


class _Search:
    def __init__(self, facts: Facts, limits: Limits, learned: Learned, wishes: Wishes | None) -> None:
        self.judging, self.tables, self.limits = Judging(facts, learned, wishes), facts["tables"], limits
        self.own = (offered(learned), pythons_with_wheels(learned), *(wishes.generators if wishes else ()))
        """What knows more than the tables: the resolver's answers, and what is wished."""
        self.original: Stack = facts["stack"]
        self.start = self.best = self.judging.start
        self.serial = 0
        self.exhausted = False

    def solutions(self, *, greedy: bool) -> Iterator[_Node]:
        """Yield places after which nothing fails, in the order in which the search comes to them."""
        expanded, most = 0, self.limits.second if greedy else self.limits.first
        frontier: list[_Node] = [_Node(0, 0, 0, 0, 0, {}, {}, self.start)]
        seen: set[frozenset[tuple[Path, Any]]] = {frozenset()}
        while frontier and expanded < most:
            node = heapq.heappop(frontier)
            if not node.judged.fails:
                yield node
                continue
            if len(node.judged.fails) < len(self.best.fails):
                self.best = node.judged
            expanded += 1
            for edit, costs in self.answers(node, greedy=greedy):
                key = frozenset(edit.items())
                if key not in seen and 0 < len(edit) <= self.limits.changes:
                    seen.add(key)
                    heapq.heappush(frontier, self.node(edit, costs, greedy=greedy))
        self.exhausted = not frontier

    def node(self, edit: dict[Path, Any], costs: dict[Path, Cost], *, greedy: bool) -> _Node:
        judged = self.judging.judge(edit)
        self.serial += 1
        codes = len({each.code for each in judged.fails})
        return _Node(
            estimate=len(edit) + FAR * far_steps(edit, self.original) + (codes if greedy else min(codes, 1)),
            reach=sum(each.reach for each in costs.values()),
            doubts=len(judged.doubts),
            rank=sum(each.rank for each in costs.values()),
            serial=self.serial,
            edit=edit,
            costs=costs,
            judged=judged,
        )

    def answers(self, node: _Node, *, greedy: bool) -> list[_Answer]:
        """Return the edits that answer one FAIL of a stack."""
        chosen: list[_Answer] = []
        for code in dict.fromkeys(verdict.code for verdict in node.judged.fails):
            found = self.answers_to(code, node, greedy=greedy)
            if found and (not chosen or _before(found, chosen, greedy=greedy)):
                chosen = found
            if len(chosen) == 1 and not greedy:
                break
        return chosen

    def answers_to(self, code: str, node: _Node, *, greedy: bool) -> list[_Answer]:
        found: list[_Answer] = []
        for generator in (*self.generators_of_its_own(code), *generators_for(code)):
            far = greedy and generator.reach >= Reach.TORCH
            kept = self.steps(code, node, generator, self.limits.weighed if far else self.limits.answers)
            steps = [step for step in kept if not greedy or node.edit.keys().isdisjoint(step[1])]
            answers = [
                self.merged(node, step, Cost(int(generator.reach), rank, next(iter(step))))
                for rank, step in steps
            ]
            found += self.most_promising(answers) if far else answers
        return found

    def generators_of_its_own(self, code: str) -> Iterator[Generator]:
        return (each for each in self.own if code in each.codes)

    def steps(self, code: str, node: _Node, generator: Generator, most: int) -> list[tuple[int, Edit]]:
        """Return the nearest edits of a generator that answer a FAIL, each with its place among them."""
        stack = node.judged.stack
        before = self.judging.bad(code, stack)
        kept: list[tuple[int, Edit]] = []
        for rank, step in enumerate(
            islice(generator.edits(self.judging.changed(stack)["env"], self.tables), self.limits.looked)
        ):
            if len(kept) >= most:
                break
            changed = apply(stack, step)
            if self.is_idle(step, stack) or self.judging.learned.asks_silent(changed, self.original):
                continue
            if self.judging.lifts(code, stack, changed, before):
                kept.append((rank, step))
        return kept

    def most_promising(self, answers: list[_Answer]) -> list[_Answer]:
        """Return the answers after which the fewest rules fail: another torch is chosen but once."""
        failing = {id(each): {v.code for v in self.judging.judge(each[0]).fails} for each in answers}
        return sorted(answers, key=lambda each: len(failing[id(each)]))[: self.limits.answers]

    @staticmethod
    def is_idle(step: Edit, stack: Stack) -> bool:
        return all(value_at(stack, path) == value for path, value in step.items())

    def merged(self, node: _Node, step: Edit, cost: Cost) -> _Answer:
        """Return the edit with a step made too: what is as it was at first is no change."""
        edit = {
            path: value
            for path, value in {**node.edit, **step}.items()
            if value != value_at(self.original, path)
        }
        costs = node.costs | {path: Cost(0, 0, cost.leader) for path in step} | {cost.leader: cost}
        return edit, {path: each for path, each in costs.items() if path in edit}

    def irredundant(self, node: _Node) -> dict[Path, Any]:
        """Leave out what is not needed, with all that goes with it: then nothing more can be spared."""
        least = dict(node.edit)
        for leader in dict.fromkeys(each.leader for each in node.costs.values()):
            fewer = {path: value for path, value in least.items() if node.costs[path].leader != leader}
            if not self.judging.judge(fewer).fails:
                least = fewer
        return least

    def explained(self, edit: dict[Path, Any], *, smallest: bool) -> Suggestion:
        judged = self.judging.judge(edit)
        changes = tuple(self.change(path, edit) for path in edit)
        return Suggestion(
            stack=judged.stack,
            failed=self.start.fails,
            changes=changes,
            remaining=judged.fails,
            doubts=judged.doubts,
            tried=self.serial,
            exhausted=self.exhausted,
            smallest=smallest,
        )

    def change(self, path: Path, edit: dict[Path, Any]) -> Change:
        """Say why one change is there: what fails when all the others are made and it is not."""
        judged = self.judging.judge({each: value for each, value in edit.items() if each != path})
        without = judged.fails or judged.doubts
        cited = (evidence.source for verdict in without for evidence in verdict.evidence if evidence.source)
        return Change(
            path,
            value_at(self.original, path),
            edit[path],
            tuple(dict.fromkeys(f"{verdict.code}: {verdict.message}" for verdict in without)),
            next(cited, ""),
        )

    def given_up(self) -> Suggestion:
        return Suggestion(
            self.original,
            self.start.fails,
            remaining=self.best.fails,
            tried=self.serial,
            exhausted=self.exhausted,
        )


def _before(found: list[_Answer], chosen: list[_Answer], *, greedy: bool) -> bool:
    if not greedy:
        return len(found) < len(chosen)
    return _least_reach(found) > _least_reach(chosen)


def _least_reach(answers: list[_Answer]) -> int:
    return min(max(cost.reach for cost in costs.values()) for _, costs in answers if costs)
