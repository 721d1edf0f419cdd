"""Judge one stack on many hosts, and each rule no more often than what it reads of them differs.

Most rules read nothing of a host. Which do is not listed anywhere: a stack that notes who reads its GPUs and
its driver tells it, rule by rule and run by run. A rule is a pure function of what it reads, so what it said
holds for every host that has the same of all that it has read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stackcheck.environment import Environment
from stackcheck.intake.stack import Stack
from stackcheck.rules.registry import judge_one

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackcheck.model.facts import Facts
    from stackcheck.model.verdict import Verdict
    from stackcheck.rules.registry import Rule

HOST = ("gpus", "driver", "driver_cuda")
"""What differs from host to host: fields of a definition."""
_READ: set[str] = set()
_WHOLE = frozenset({"model_dump", "model_dump_json", "model_copy", "__iter__", "__eq__", "__dict__"})


class WatchedStack(Stack):
    """A stack that notes in `_READ` which fields of its host are read."""

    def __getattribute__(self, name: str) -> Any:
        """Note the read; whoever takes the whole has read every field."""
        if name in HOST:
            _READ.add(name)
        elif name in _WHOLE:
            _READ.update(HOST)
        return super().__getattribute__(name)


@dataclass(slots=True)
class _Said:
    """What a rule said where the host had these values; of the fields that it did not read, any."""

    read: Mapping[str, Any]
    verdicts: list[Verdict]

    def holds(self, host: Mapping[str, Any]) -> bool:
        return all(host[name] == value for name, value in self.read.items())


@dataclass(slots=True)
class OnHosts:
    """The rules over one stack, asked for one host after the other; `facts` are those of the definition."""

    stack: Stack
    facts: Facts
    rules: Sequence[Rule]
    said: dict[str, list[_Said]] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    """What the Environment has worked out without a look at the host: the next host's begins with it."""

    def verdicts(self, host: Mapping[str, Any]) -> list[Verdict]:
        """Return what the rules say of the stack on a host: the values of `HOST`."""
        facts: dict[str, Any] | None = None
        found: list[Verdict] = []
        for rule in self.rules:
            for kept in self.said.get(rule.code, ()):
                if not kept.read or kept.holds(host):
                    break
            else:
                facts = facts or self._facts_on(host)
                kept = self._judged(rule, facts, host)
            found += kept.verdicts
        return found

    def _facts_on(self, host: Mapping[str, Any]) -> dict[str, Any]:
        env: Environment = self.facts["env"]
        own = _on(self.stack, host)
        stated = own if env.stack is self.stack else _on(env.stack, host)
        moved = Environment(stated, env.tables, env.user, env.resolution)
        moved.__dict__.update(self.shared)
        return {**self.facts, "stack": own, "env": moved}

    def _judged(self, rule: Rule, facts: dict[str, Any], host: Mapping[str, Any]) -> _Said:
        env: Environment = facts["env"]
        before = set(env.__dict__)
        _READ.clear()
        verdicts = judge_one(rule, facts)
        read = {name: host[name] for name in _READ}
        if read:
            # What was worked out meanwhile may rest on the host, and who takes it next has to be seen.
            for name in set(env.__dict__) - before:
                del env.__dict__[name]
        else:
            self.shared.update((name, env.__dict__[name]) for name in set(env.__dict__) - before)
        kept = _Said(read, verdicts)
        self.said.setdefault(rule.code, []).append(kept)
        return kept


def _on(stack: Stack, host: Mapping[str, Any]) -> Stack:
    moved = stack.model_copy(update=dict(host))
    object.__setattr__(moved, "__class__", WatchedStack)  # models are frozen; validating again takes 1 ms
    return moved
