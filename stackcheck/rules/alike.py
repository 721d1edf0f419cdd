"""Judge once what stacks have in common: in a fleet many differ in their name, or in their GPUs, alone.

A rule is first asked about a stack that lacks its name and its hardware, then about one that lacks its name,
then about the stack itself. Whoever reads what is lacking is stopped (`WithheldError`), so an answer that
came is one for every stack that is the same in all the rest, and is kept for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from stackcheck.model.resolution import Resolution
from stackcheck.rules.registry import Rule, WithheldError, judge_all, judge_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.model.verdict import Verdict

_NAME: Final = frozenset({"id", "family", "file", "summary", "axes", "expect", "expect_codes"})
_HARDWARE: Final = frozenset({"gpus", "driver", "driver_cuda"})
_VIEWS: Final = (_NAME | _HARDWARE, _NAME)
"""What a stack is shown without, the least of it first."""
_MOST_KEPT = 2048


class _View:
    """A stack without some of its fields, with its methods."""

    def __init__(self, stack: Stack, without: frozenset[str]) -> None:
        self.__dict__.update((name, value) for name, value in vars(stack).items() if name not in without)
        self.__dict__["_of"] = type(stack)

    def __getattr__(self, name: str) -> Any:
        found = vars(self._of).get(name)
        if isinstance(found, FunctionType):
            return MethodType(found, self)
        if isinstance(found, property) and found.fget:
            return found.fget(self)
        raise WithheldError(name)


@dataclass(frozen=True, slots=True)
class Alike:
    """What the rules said of the stacks of one run, by what they read of them.

    `reads`: which view of a stack a rule needs, by its code; the stack itself comes after the last one.
    Threads share both: whoever writes an entry writes the same.
    """

    reads: dict[str, int] = field(default_factory=dict)
    said: dict[tuple[Any, ...], dict[str, list[Verdict]]] = field(default_factory=dict)

    def judge(self, rules: Iterable[Rule], facts: Facts) -> tuple[Verdict, ...]:
        """Return what `judge_all` returns; of a stack that others cannot be like, without keeping it."""
        stack: Stack = facts["stack"]
        if facts.get("lock") is not None or "dockerfile" in facts or stack.below or stack.read_from:
            return judge_all(rules, facts)
        return tuple(self._judged(rules, facts))

    def _judged(self, rules: Iterable[Rule], facts: Facts) -> Iterator[Verdict]:
        said = [self._said(facts["stack"], without) for without in _VIEWS]
        views: dict[int, Facts] = {len(_VIEWS): facts}
        for each in rules:
            found = None
            while found is None:
                at = self.reads.get(each.code, 0)
                found = said[at].get(each.code) if at < len(said) else None
                if found is not None:
                    break
                if at not in views:
                    views[at] = _viewed(facts, _VIEWS[at])
                try:
                    found = judge_one(each, views[at])
                except WithheldError:
                    self.reads[each.code] = at + 1
                else:
                    if at < len(said):
                        said[at][each.code] = found
            yield from found

    def _said(self, stack: Stack, without: frozenset[str]) -> dict[str, list[Verdict]]:
        """Return what was said of the stacks that are like this one but for some fields."""
        shared = stack.model_dump_json(exclude={*without, "gpus"}, exclude_defaults=True)
        folder = stack.file.rpartition("/")[0]
        key = (folder, shared) if "gpus" in without else (folder, shared, stack.gpus)
        if len(self.said) >= _MOST_KEPT:
            self.said.clear()
        return self.said.setdefault(key, {})


def _viewed(facts: Facts, without: frozenset[str]) -> Facts:
    view: Any = _View(facts["stack"], without)
    resolution = _unnamed(facts["env"].resolution)
    resolved = {name: _unnamed(facts[name]) for name in ("resolving", "resolution") if name in facts}
    env = replace(facts["env"], stack=view, resolution=resolution, asked=set())
    return {**facts, **resolved, "stack": view, "env": env}


def _unnamed(found: Any) -> Any:
    """Return a resolution without its lock, which names the stack."""
    return replace(found, written=_withheld) if isinstance(found, Resolution) else found


def _withheld() -> str:
    raise WithheldError("lock_text")
