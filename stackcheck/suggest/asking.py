"""Ask the resolver about changed definitions: do they resolve, and which other version of a package does."""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from stackcheck import rules
from stackcheck.model.resolution import Resolution, Unresolved
from stackcheck.model.verdict import Outcome
from stackcheck.model.versions import LATEST
from stackcheck.resolve import locking, resolver
from stackcheck.resolve.question import question_of
from stackcheck.resolve.verify_refusals import Reader, asked_for
from stackcheck.rules.accepting import waive
from stackcheck.rules.registry import judge_all
from stackcheck.rules.strongest import strongest
from stackcheck.suggest.change import apply
from stackcheck.suggest.changed_facts import facts_of
from stackcheck.suggest.moves import is_movable, step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.intake.stack import Stack
    from stackcheck.model.verdict import Verdict
    from stackcheck.steps.options import Options
    from stackcheck.suggest.learned import Failure
    from stackcheck.suggest.wishes import Wishes
    from stackcheck.targets import Progress


@dataclass(frozen=True)
class Asked:
    """What the resolver and then the rules say of a definition, without what it accepts."""

    resolving: Resolution | Unresolved
    verdicts: tuple[Verdict, ...]

    @property
    def fails(self) -> tuple[Verdict, ...]:
        """Return what is proven against it."""
        return tuple(each for each in self.verdicts if each.outcome is Outcome.FAIL)

    @property
    def errors(self) -> tuple[Verdict, ...]:
        """Return what could not be checked, though it was to be."""
        return tuple(each for each in self.verdicts if each.outcome is Outcome.ERROR)


@dataclass
class Asking:
    """The resolver, for one stack and its changed copies; `facts` are those of the definition."""

    facts: dict[str, Any]
    options: Options
    progress: Progress
    wishes: Wishes | None = None
    until: float | None = None
    """When it has to be done, by the monotonic clock; None: as long as it takes."""
    answers: dict[Any, Any] = field(default_factory=dict)

    @property
    def how(self) -> resolver.Options:
        """Return how the resolver is asked."""
        options, left = self.options, self.options.timeout_s
        if self.until is not None:
            left = max(1.0, self.until - time.monotonic())
        return resolver.Options(
            offline=options.offline, memory=options.memory, answers=self.answers, timeout_s=left
        )

    @property
    def late(self) -> bool:
        """Tell whether its time is over."""
        return self.until is not None and time.monotonic() >= self.until

    def judged(self, stack: Stack) -> Asked:
        """Resolve a definition and run every rule that needs no build. The lock is of the stack as it was.

        With `options.bytes` the rules over the files of the wheels too; what was wished has to hold as well.
        """
        more = locking.resolution_facts(stack, self.how, self.options.locks)
        changed, found = facts_of(self.facts, stack), more["resolving"]
        env = replace(changed["env"], resolution=found if isinstance(found, Resolution) else None)
        facts = self.facts | more | changed | {"env": env, "lock": None}
        judged = judge_all(rules.before_build(), facts)
        if self.options.bytes and isinstance(found, Resolution):
            judged += self._by_their_files(stack, facts)
        verdicts = strongest((*judged, *self._unmet(stack, env)))
        return Asked(found, tuple(each for each in waive(verdicts, stack) if each.counts))

    def _unmet(self, stack: Stack, env: Environment) -> Iterator[Verdict]:
        """Yield what was asked for and does not hold of what is resolved."""
        if self.wishes is None:
            return
        yield from self.wishes.against(env, self.facts["tables"])
        if env.resolution is not None:
            yield from self.wishes.built(env.resolution, lambda name: bool(self._listed(stack, name)))

    def _by_their_files(self, stack: Stack, facts: dict[str, Any]) -> tuple[Verdict, ...]:
        """Run the rules over the files of the wheels, where the call asks for them."""
        from stackcheck.steps.unpacking import unpacked  # noqa: PLC0415 - most questions open no wheel

        files = unpacked(stack, facts, self.options, self.progress)
        return judge_all(rules.of_files(), facts | files.facts)

    def instead(self, name: str, failure: Failure, others: Sequence[Failure]) -> tuple[Version, ...]:
        """Return the nearest versions of a package, older and newer, with which a failure is gone.

        What else fails is left out of the question. Pre-releases, and what would have to be built, are never
        offered in the place of a wheel.
        """
        package = failure.stack.packages.get(name)
        if package is None or not is_movable(package) or name == "torch":  # torch moves by the tables
            return ()
        self.progress(f"{failure.stack.id}: resolving with another {name}")
        about = {name, *failure.names}
        foreign = {each for other in others for each in other.names} - about
        stated = failure.stack.packages
        alone = apply(failure.stack, {("packages", each): None for each in foreign if each in stated})
        now = package.exact
        if now is None:
            newest = self._taken(alone, name, LATEST)
            return (newest,) if newest else ()
        older = self._taken(alone, name, f"<{now.public}")
        newest = self._taken(alone, name, f">={now.public},!={now.public}")
        newer = self._lowest(alone, name, now, newest) if newest else None
        fitting = [each for each in (older, newer) if each is not None] or self._required(failure, name)
        return tuple(sorted(fitting, key=partial(step, now)))

    def _taken(self, stack: Stack, name: str, wanted: str) -> Version | None:
        """Return the version that the resolver takes in a range; None where it takes none that counts."""
        row = stack.packages[name].model_copy(update={"version": wanted})
        found = resolver.resolve(apply(stack, {("packages", name): row}), self.how)
        if not isinstance(found, Resolution) or name in found.source_only or found.unreached:
            return None
        version = found.version(name)
        return version if version and not version.is_prerelease else None

    def _lowest(self, stack: Stack, name: str, now: Version, newest: Version) -> Version:
        """Return the lowest version above the present one that resolves, found by halving."""
        between = [each for each in self._listed(stack, name) if now < each < newest]
        place = bisect_left(between, 1, key=lambda each: self._taken(stack, name, str(each)) is not None)
        return between[place] if place < len(between) else newest

    def _required(self, failure: Failure, name: str) -> list[Version]:
        """Return the nearest version that others require; what it requires itself is asked about next."""
        now, wanted = failure.stack.packages[name].exact, failure.required(name)
        if now is None or not wanted:
            return []
        fits = [v for v in self._listed(failure.stack, name) if all(v in each for each in wanted)]
        return sorted(fits, key=partial(step, now))[:1]

    def _listed(self, stack: Stack, name: str) -> list[Version]:
        """Return the final versions with a wheel that the indexes of a stack list, oldest first."""
        fetcher = self.how.fetcher
        files, _ = Reader(fetcher, self.options.memory).files(
            name, asked_for(name, question_of(stack), fetcher)
        )
        sound = (each for each in files if each.yanked is None and each.is_wheel)
        return sorted({f.version for f in sound if f.version and not f.version.is_prerelease})
