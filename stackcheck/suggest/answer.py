"""Answer `stackcheck suggest`: search by the rules, ask the resolver, search on with what it has proven."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from stackcheck.model.resolution import Resolution
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules import before_build
from stackcheck.steps.claiming import claimed
from stackcheck.suggest.asking import Asked, Asking
from stackcheck.suggest.failing import Judging
from stackcheck.suggest.learned import RESOLVES, Learned
from stackcheck.suggest.stepwise import suggest
from stackcheck.suggest.suggestion import Suggestion
from stackcheck.suggest.wishes import WISHED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.intake.stack import Stack
    from stackcheck.model.verdict import Verdict
    from stackcheck.steps.options import Options
    from stackcheck.suggest.search import Limits
    from stackcheck.suggest.wishes import Wishes
    from stackcheck.targets import Progress

MOST = 12
"""Changed definitions that are given to the resolver before it is said that none was found."""
LATE = "The time that was given is over: what was left to ask was not asked."
OFFLINE = "Not resolved, because of --offline: that every file exists was not checked."


@dataclass(frozen=True, slots=True)
class Aim:
    """What an answer has to hold to beside that nothing fails.

    `wishes` hold of what is found; `limits` say how far is searched; after `until`, a time of the monotonic
    clock, nothing is asked any more.
    """

    wishes: Wishes | None = None
    limits: Limits | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A suggestion, and what the resolver says of the changed stack.

    `resolved` says that it found every file; `gap` why that is not proven, "" when it is; `broken` that
    something which should have been reached was not. Of a stack that needs no change `unchecked` are the
    checks that were not made, and `known` what the resolver warns of and what would fail if it were verified.
    `resolution` is what the resolver takes for the changed stack; `learned` what it has proven on the way.
    """

    suggestion: Suggestion
    resolved: bool = False
    gap: str = ""
    broken: bool = False
    unchecked: tuple[Verdict, ...] = ()
    known: tuple[Verdict, ...] = ()
    resolution: Resolution | None = None
    learned: Learned = field(default_factory=Learned, repr=False)

    @property
    def found(self) -> bool:
        """Tell whether nothing is known to fail any more, by all that was asked."""
        return self.suggestion.proven


def answer(
    stack: Stack,
    options: Options,
    progress: Progress,
    aim: Aim | None = None,
) -> Answer:
    """Return the smallest change that makes a stack good, proven by the rules, and online by resolving.

    What the resolver refuses is learned, and the search goes on with it: a conflict stands in every
    definition that makes both requirements. An index that does not answer proves nothing, so another way is
    looked for first.
    """
    facts, aim = claimed(stack), aim or Aim()
    wishes, limits = aim.wishes, aim.limits
    if options.offline:
        return _by_rules(suggest(facts, limits, wishes=wishes), Judging(facts, wishes=wishes))
    asking, learned = Asking(facts, options, progress, wishes, aim.until), Learned()
    suggestion, unproven = Suggestion(stack, ()), None
    if wishes is not None:  # what is asked for is not there yet: what the stack was resolves to says little
        suggestion = suggest(facts, limits, wishes=wishes)
    asked: list[Stack] = []
    while suggestion.proven and suggestion.stack not in asked and len(asked) < MOST and not asking.late:
        progress(f"{stack.id}: resolving {_what(suggestion)}")
        said = asking.judged(suggestion.stack)
        asked.append(suggestion.stack)
        if not said.fails:
            found = _answered(suggestion, said, learned)
            if not said.errors or not suggestion.changes:
                return found
            unproven = unproven or found
        learned = _taught(learned, suggestion.stack, said, asking)
        suggestion = suggest(facts, limits, learned, wishes)
    if unproven is not None:
        return replace(unproven, learned=learned)
    given_up = _given_up(suggestion, Judging(facts, learned, wishes))
    return Answer(given_up, gap=LATE if asking.late else "", broken=asking.late, learned=learned)


def _by_rules(suggestion: Suggestion, judging: Judging) -> Answer:
    doubts = () if suggestion.changes or not suggestion.proven else judging.doubts
    return Answer(suggestion, gap=OFFLINE, unchecked=_of(Outcome.SKIP, doubts), known=_known(doubts))


def _of(outcome: Outcome, verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    return tuple(each for each in verdicts if each.outcome is outcome)


def _known(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    return tuple(each for each in _of(Outcome.WARN, verdicts) if each.code == RESOLVES or each.unverified)


def _what(suggestion: Suggestion) -> str:
    return f"with {len(suggestion.changes)} changes" if suggestion.changes else "it as it is"


def _answered(suggestion: Suggestion, said: Asked, learned: Learned) -> Answer:
    """Return a definition that nothing is proven against as the answer, with what was not checked of it."""
    resolved = isinstance(said.resolving, Resolution) and not said.errors
    asked = (*said.errors, *_of(Outcome.SKIP, said.verdicts))
    gaps = [each.message for each in asked if each.code == RESOLVES]
    unchanged = not suggestion.changes
    return Answer(
        suggestion,
        resolved=resolved,
        gap="" if resolved else next(iter(gaps), "Not resolved."),
        broken=bool(said.errors),
        unchecked=_of(Outcome.SKIP, said.verdicts) if unchanged else (),
        known=_known(said.verdicts) if unchanged else (),
        resolution=said.resolving if isinstance(said.resolving, Resolution) else None,
        learned=learned,
    )


def _taught(learned: Learned, stack: Stack, said: Asked, asking: Asking) -> Learned:
    """Return what is known after one more answer, with the versions that go in the place of refused ones."""
    searched = {rule.code for rule in before_build(Level.STATED)} | {RESOLVES, WISHED}
    late = [each for each in said.fails if each.code not in searched]
    fresh = learned.plus(stack, said.resolving, late)
    new = [each for each in fresh.failures if each not in learned.failures]
    offers = dict(fresh.offers)
    for failure in new:
        others = [each for each in new if each is not failure]
        for name in failure.names:
            key = (name, stack.packages[name].version if name in stack.packages else "")
            found = asking.instead(name, failure, others)
            offers[key] = tuple(dict.fromkeys((*offers.get(key, ()), *found)))
    return replace(fresh, offers=offers)


def _given_up(suggestion: Suggestion, judging: Judging) -> Suggestion:
    """Return that nothing was found: what was refused last is not a suggestion."""
    if not suggestion.proven:
        return suggestion
    start = judging.start
    return replace(
        suggestion, stack=start.stack, changes=(), doubts=(), remaining=start.fails, exhausted=False
    )
