"""Suggest changes with everything that may be asked: the rules always, the resolver where it is allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from stackcheck import rules
from stackcheck.definition import LATEST
from stackcheck.resolving import locking, resolve
from stackcheck.resolving.resolution import PROVEN, Resolution, Unresolved
from stackcheck.rules.registry import judge_all
from stackcheck.steps.claiming import claimed
from stackcheck.suggest import Change, Suggestion, suggestions
from stackcheck.suggest.change import apply, value_at
from stackcheck.verdict import Level, Outcome, Verdict

if TYPE_CHECKING:
    from stackcheck.definition import Stack
    from stackcheck.steps.options import Options
    from stackcheck.suggest.change import Edit
    from stackcheck.targets import Progress

MOST = 3
"""Suggestions that are given to the resolver before it is said that none was found."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A suggestion, and what the resolver says of the changed stack.

    `resolved` says that it found every file; `gap` why it could not be asked, "" when it was; `broken` that
    something which should have been reached was not.
    """

    suggestion: Suggestion
    resolved: bool = False
    gap: str = ""
    broken: bool = False

    @property
    def found(self) -> bool:
        """Tell whether nothing fails any more, by all that was asked."""
        return self.suggestion.proven


def answer(stack: Stack, options: Options, progress: Progress) -> Answer:
    """Return the smallest change that makes a stack good, proven by the rules, and online by resolving."""
    facts = claimed(stack)
    refused: Answer | None = None
    for suggestion in islice(suggestions(facts), MOST):
        if not suggestion.proven:
            return refused or Answer(suggestion, gap=_OFFLINE if options.offline else "nothing to resolve")
        found = _asked(suggestion, facts, options, progress)
        if found.found:
            return found
        refused = refused or found
    if refused is None:
        raise AssertionError("a search that yields nothing")
    return refused


_OFFLINE = "not resolved, because of --offline: that every file exists was not checked"


def _asked(suggestion: Suggestion, facts: dict[str, Any], options: Options, progress: Progress) -> Answer:
    if options.offline:
        return Answer(suggestion, gap=_OFFLINE)
    progress(f"{suggestion.stack.id}: resolving {_what(suggestion)}")
    resolving, fails = _resolved(suggestion.stack, facts, options)
    if isinstance(resolving, Unresolved) and resolving.kind in PROVEN:
        loosened = _loosened(suggestion, resolving, facts, options, progress)
        if loosened is not None:
            return Answer(loosened, resolved=True)
    if isinstance(resolving, Unresolved) and resolving.kind not in PROVEN:
        gap = f"not resolved: {resolving.message}"
        return Answer(suggestion, gap=gap, broken=resolving.kind != "not-stated")
    return Answer(replace(suggestion, remaining=fails), resolved=not fails)


def _what(suggestion: Suggestion) -> str:
    return f"with {len(suggestion.changes)} changes" if suggestion.changes else "it as it is"


def _resolved(
    stack: Stack, facts: dict[str, Any], options: Options
) -> tuple[Resolution | Unresolved, tuple[Verdict, ...]]:
    """Resolve a stack; return what came of it, and what then fails. The lock is of the stack as it was."""
    more = locking.resolution_facts(
        stack, resolve.Options(offline=options.offline, memory=options.memory), options.locks
    )
    env = facts["env"].changed(stack)
    if isinstance(more["resolving"], Resolution):
        env = replace(env, resolution=more["resolving"])
    asked = facts | more | {"stack": stack, "env": env, "lock": None}
    verdicts = judge_all(rules.before_build(), asked)
    fails = tuple(v for v in verdicts if v.outcome >= Outcome.FAIL and v.code not in stack.ignore)
    return more["resolving"], fails


def _loosened(
    suggestion: Suggestion,
    conflict: Unresolved,
    facts: dict[str, Any],
    options: Options,
    progress: Progress,
) -> Suggestion | None:
    """Let the resolver choose one of the packages that a failure names; hold its choice to the rules."""
    stack = suggestion.stack
    for name in _named(conflict, stack):
        package = stack.packages[name]
        progress(f"{stack.id}: resolving with any {name}")
        free: Edit = {("packages", name): package.model_copy(update={"version": LATEST})}
        resolving, _ = _resolved(apply(stack, free), facts, options)
        version = resolving.version(name) if isinstance(resolving, Resolution) else None
        if version is None:
            continue
        edit: Edit = {("packages", name): package.model_copy(update={"version": str(version)})}
        changed = apply(stack, edit)
        early = judge_all(
            rules.before_build(Level.STATED), facts | {"stack": changed, "env": facts["env"].changed(changed)}
        )
        if any(v.outcome >= Outcome.FAIL and v.code not in stack.ignore for v in early):
            continue
        _, fails = _resolved(changed, facts, options)
        if not fails:
            why = Change(("packages", name), package, edit["packages", name], (conflict.message,))
            return replace(suggestion, stack=changed, changes=(*_without(suggestion, why), why))
    return None


def _without(suggestion: Suggestion, change: Change) -> tuple[Change, ...]:
    return tuple(each for each in suggestion.changes if each.path != change.path)


def _named(conflict: Unresolved, stack: Stack) -> list[str]:
    """Return the packages of the stack that a failure is about: what is required before what requires it.

    Each text is a requirement, or `who: requirement`. torch comes last, because most depends on it.
    """
    names = []
    for part in (part for text in conflict.requirements for part in reversed(text.split(": "))):
        try:
            names.append(canonicalize_name(Requirement(part).name))
        except InvalidRequirement:
            continue
    stated = [name for name in dict.fromkeys(names) if value_at(stack, ("packages", name)) is not None]
    return sorted(stated, key=lambda name: name == "torch")
