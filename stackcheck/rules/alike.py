"""Judge once what stacks have in common: in a fleet many differ in their name, or in their GPUs, alone.

A rule is first asked about a stack that lacks its name and its hardware, then about one that lacks its name,
then about the stack itself. Whoever reads what is lacking is stopped (`WithheldError`), so an answer that
came is one for every stack that is the same in all the rest, and is kept for them. Where no rule has read
the name, neither the facts nor the rules of the next such stack have to be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from stackcheck.model.facts import as_named
from stackcheck.model.resolution import Resolution
from stackcheck.rules.registry import Rule, WithheldError, judge_all, judge_named, judge_one

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from stackcheck.environment import Environment
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.model.report import Report
    from stackcheck.model.verdict import Verdict

    _Key: TypeAlias = tuple[str, str, tuple[Any, ...]]

_NAME: Final = frozenset({"id", "family", "file", "summary", "axes"})
_HARDWARE: Final = frozenset({"gpus", "driver", "driver_cuda"})
_VIEWS: Final = (_NAME | _HARDWARE, _NAME)
"""What a stack is shown without, the least of it first."""
_MOST_KEPT = 2048
_BARE: Final = "_without_hardware"


class _View:
    """A stack without some of its fields, with its methods."""

    def __init__(self, stack: Stack, without: frozenset[str]) -> None:
        self.__dict__.update((name, value) for name, value in vars(stack).items() if name not in without)
        self.__dict__.setdefault("_of", type(stack))

    def model_copy(self, *, update: dict[str, Any]) -> _View:
        """Return it with other values, as a stack does: a rule may ask the others about a changed one."""
        changed = object.__new__(_View)
        changed.__dict__.update(vars(self))
        changed.__dict__.update(update)
        return changed

    def __getattr__(self, name: str) -> Any:
        found = vars(self._of).get(name)
        if isinstance(found, FunctionType):
            return MethodType(found, self)
        if isinstance(found, property) and found.fget:
            return found.fget(self)
        raise WithheldError(name)


@dataclass(frozen=True, slots=True)
class _Once:
    """What was read of Environments of stacks that are alike but for their hardware, and what reads that."""

    said: dict[Hashable, tuple[Any, frozenset[str]]] = field(default_factory=dict)
    reads: set[Hashable] = field(default_factory=set)

    def __call__(self, what: Hashable, read: Callable[[Environment], Any], env: Environment) -> Any:
        """Return what `read` says of an Environment; what it looks up there counts as looked up."""
        if what in self.reads:
            return read(env)
        if what not in self.said:
            bare = _without_hardware(env)
            bare.forget()
            try:
                found = read(bare)
            except WithheldError:
                self.reads.add(what)
                return read(env)
            self.said[what] = found, frozenset(bare.asked)
        found, asked = self.said[what]
        env.asked.update(asked)
        return found


@dataclass(frozen=True, slots=True)
class Alike:
    """What the rules said of the stacks of one run, by what they read of them.

    `reads`: which view of a stack a rule needs, by its code; the stack itself comes after the last one.
    `said`: what rules said of the first view. `once`: what a rule that asks the others was told of it.
    `steps`: what there is to say of the last view, in the order of the rules, and between it the rules that
    need the stack itself. `reports`: what came of that, where no rule needs the stack itself; `verdicts` are
    theirs. Threads share them: whoever writes an entry writes the same.
    """

    reads: dict[str, int] = field(default_factory=dict)
    said: dict[_Key, dict[str, list[Verdict]]] = field(default_factory=dict)
    steps: dict[_Key, list[list[Verdict] | Rule]] = field(default_factory=dict)
    once: dict[_Key, _Once] = field(default_factory=dict)
    reports: dict[_Key, Report] = field(default_factory=dict)
    verdicts: dict[Verdict, Verdict] = field(default_factory=dict)

    def known(self, stack: Stack) -> Report | None:
        """Return the report of a stack without a lock that differs from this one in its name alone."""
        return None if _is_alone(stack) else self.reports.get(_key(stack, _VIEWS[-1]))

    def keep(self, stack: Stack, report: Report) -> None:
        """Keep the report of a stack without a lock, as it was before the places in its files were told."""
        if _is_alone(stack):
            return
        key = _key(stack, _VIEWS[-1])
        if not any(isinstance(step, Rule) for step in self.steps.get(key, ())):
            _make_room(self.reports)
            _make_room(self.verdicts)
            # Equal ones become one, which is found faster by whoever keeps what he made of it.
            verdicts = tuple(self.verdicts.setdefault(each, each) for each in report.verdicts)
            self.reports[key] = replace(report, verdicts=verdicts)

    def judge(self, rules: Iterable[Rule], facts: Facts) -> tuple[Verdict, ...]:
        """Return what `judge_all` returns; of a stack that others cannot be like, without keeping it.

        `rules` are the same in every call.
        """
        stack: Stack = facts["stack"]
        if facts.get("lock") is not None or _is_alone(stack):
            return judge_all(rules, facts)
        key = _key(stack, _VIEWS[-1])
        steps = self.steps.get(key)
        if steps is None:
            _make_room(self.steps)
            steps = self.steps[key] = list(self._stepwise(rules, facts))
        return tuple(
            verdict
            for step in steps
            for verdict in (judge_one(step, facts) if isinstance(step, Rule) else step)
        )

    def _stepwise(self, rules: Iterable[Rule], facts: Facts) -> Iterator[list[Verdict] | Rule]:
        _make_room(self.said)
        _make_room(self.once)
        key = _key(facts["stack"], _VIEWS[0])
        said, once = self.said.setdefault(key, {}), self.once.setdefault(key, _Once())
        views = [_viewed(facts, without, once) for without in _VIEWS]
        shared: list[Verdict] = []
        for each in rules:
            found = self._shared(each, views, said)
            if found is None:
                yield from (shared, each)
                shared = []
            else:
                shared += found
        yield shared

    def _shared(
        self, rule: Rule, views: Sequence[Facts], said: dict[str, list[Verdict]]
    ) -> list[Verdict] | None:
        """Return what a rule says of one of the views; None where it needs the stack itself."""
        while (at := self.reads.get(rule.code, 0)) < len(views):
            if at == 0 and rule.code in said:
                return said[rule.code]
            try:
                found = judge_named(rule, views[at])
            except WithheldError:
                self.reads[rule.code] = at + 1
                continue
            if at == 0:
                said[rule.code] = found
            return found
        return None


def _without_hardware(env: Environment) -> Environment:
    """Return an Environment whose stack lacks its hardware, the same one each time it is asked for."""
    if _BARE not in env.__dict__:
        view: Any = _View(env.stack, _HARDWARE)
        env.__dict__[_BARE] = replace(env, stack=view, asked=set())
    bare: Environment = env.__dict__[_BARE]
    return bare


def _is_alone(stack: Stack) -> bool:
    """Tell whether what is judged is more than the definition, so that no other stack has it."""
    return bool(stack.image.dockerfile or stack.below or stack.read_from)


def _make_room(kept: dict[Any, Any]) -> None:
    if len(kept) >= _MOST_KEPT:
        kept.clear()


def _key(stack: Stack, without: frozenset[str]) -> _Key:
    """Return what stacks have in common that are alike but for some fields."""
    shared = stack.model_dump_json(exclude={*without, "gpus"}, exclude_defaults=True)
    return stack.file.rpartition("/")[0], shared, () if "gpus" in without else stack.gpus


def _viewed(facts: Facts, without: frozenset[str], once: _Once) -> Facts:
    view: Any = _View(facts["stack"], without)
    resolution = _unnamed(facts["env"].resolution)
    resolved = {name: _unnamed(facts[name]) for name in ("resolving", "resolution") if name in facts}
    env = replace(facts["env"], stack=view, resolution=resolution, asked=set(), once=once)
    return as_named({**facts, **resolved, "stack": view, "env": env})


def _unnamed(found: Any) -> Any:
    """Return a resolution without its lock, which names the stack."""
    return replace(found, written=_withheld) if isinstance(found, Resolution) else found


def _withheld() -> str:
    raise WithheldError("lock_text")
