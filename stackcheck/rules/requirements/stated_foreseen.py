"""What the loose pins of a stack take today, held against the rest by every rule that judges pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.environment.foreseen import Taken, foreseen, unread
from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.rules.registry import RULES, Finding, Rule, failed, judge_one, passed, rule, warned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.environment import Environment
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts
    from stackcheck.model.verdict import Verdict

_FACTS = frozenset({"stack", "env", "tables"})
_OF_THE_TEXT = frozenset({"PIN", "KNOW", "STACK", "DOCKER", "RECIPE"})
"""Families about how a stack is written, not about what is installed."""
_STAYS = frozenset({"CUDA103"})
"""Rules about the kind of build: a later release of the same place is of that kind too."""
_BAD = (Outcome.WARN, Outcome.FAIL)


def _is_loose(facts: Facts) -> bool:
    env: Environment = facts["env"]
    return env.resolution is None and any(
        each.exact is None or each.name == "torch" for each in env.stated.values()
    )


@rule("PIN104", when=_is_loose, about="package")
def loose_pins_today(env: Environment, tables: Tables) -> list[Finding]:
    """What ranges and `latest` take today fits the rest of the stack.

    Nobody states which torch `torch>=2.0` is; an installer takes the newest that has a wheel for the Python
    and platform, and of several indexes the highest version. That one is judged as if it were pinned. It is a
    FAIL where no later release can change it: the range, the Python or the index ends before what is newest,
    and nothing in the stack may hold it back. Otherwise it is a WARN: it is what the tables know, and a
    check that resolves the stack decides.

    Source: https://pip.pypa.io/en/stable/cli/pip_install/#finding-packages (checked 2026-11-30)
    Example: `torch>=2.0` on Python 3.8 with CUDA toolkit 11.8: torch 2.4.1 is taken, a build for CUDA 12.1.
    Fix: pin the release that is meant; `stackcheck lock` prints the one that is taken.
    """
    taken = foreseen(env)
    if not taken:
        return []
    absent = [_none_fits(each) for each in taken if each.version is None]
    changed = env.changed(_pinned(env, taken))
    doubt = unread(env, [each.name for each in taken])
    found = [
        _said(verdict, resting, doubt)
        for verdict, asked in _judged(env, changed, tables)
        if (resting := [each for each in taken if each.version and each.name in asked])
    ]
    if absent or found:
        return [*absent, *found]
    return [passed(f"{_what([each])}; it fits the rest of the stack.", _cite(each)) for each in taken]


def _pinned(env: Environment, taken: Sequence[Taken]) -> Stack:
    """Return the definition with what is taken in the place of what is loose."""
    packages = dict(env.stack.packages)
    for each in taken:
        if each.version is not None:
            row = packages[each.name]
            kind = "find_links" if each.index.endswith(".html") else "index"
            place = {"index": None, "find_links": None, kind: each.index} if each.index else {}
            packages[each.name] = row.model_copy(update={"version": str(each.version), **place})
    return env.stack.model_copy(update={"packages": packages})


def _judged(env: Environment, changed: Environment, tables: Tables) -> Iterator[tuple[Verdict, set[str]]]:
    """Yield what rules say of the pinned stack and not of the loose one, with what they looked up."""
    now: Facts = {"stack": changed.stack, "env": changed, "tables": tables}
    before: Facts = {"stack": env.stack, "env": env, "tables": tables}
    for each in filter(_is_about_pins, RULES.values()):
        changed.forget()
        bad = [verdict for verdict in judge_one(each, now) if verdict.outcome in _BAD]
        if not bad:
            continue
        asked = {*changed.asked}
        known = {
            verdict.about or verdict.subject for verdict in judge_one(each, before) if verdict.outcome in _BAD
        }
        yield from ((verdict, asked) for verdict in bad if (verdict.about or verdict.subject) not in known)


def _is_about_pins(each: Rule) -> bool:
    return _FACTS.issuperset(each.needs) and "env" in each.needs and each.family not in _OF_THE_TEXT


def _said(verdict: Verdict, resting: Sequence[Taken], doubt: Sequence[str]) -> Finding:
    sure = all(each.closed for each in resting) or verdict.code in _STAYS
    text = f"{_what(resting)}: {verdict.message}"
    evidence = (*verdict.evidence, *map(_cite, resting))
    about = verdict.about or tuple(each.name for each in resting)
    if verdict.outcome is Outcome.FAIL and sure and not doubt:
        finding = failed(
            text,
            *evidence,
            expected=verdict.expected,
            found=verdict.found,
            hint=verdict.hint,
            about=about,
        )
    else:
        if doubt and verdict.outcome is Outcome.FAIL:
            text += f" Whether {_few(doubt)} holds that back is not known here."
        finding = warned(
            text, *evidence, expected=verdict.expected, found=verdict.found, hint=verdict.hint, about=about
        )
    return finding._replace(subject=verdict.subject, unverified=verdict.unverified)


def _what(taken: Sequence[Taken]) -> str:
    named = [f"{each.version} for `{each.name} {each.asked}` ({each.why})" for each in taken if each.version]
    return f"An installer takes {' and '.join(named)}"


def _cite(taken: Taken) -> Evidence:
    return Evidence(f"{taken.name} {taken.asked} takes {taken.version}", taken.source)


def _few(names: Sequence[str]) -> str:
    most = 3
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _none_fits(taken: Taken) -> Finding:
    return (failed if taken.closed else warned)(
        f"No known {taken.name} in {taken.asked} has a wheel for {taken.lacks}: {taken.why}.",
        Evidence(taken.why, taken.source),
        expected=f"a {taken.name} with a wheel for it",
        found=f"{taken.name} {taken.asked}",
        hint="take one of that list, or a range that reaches older releases",
        about=taken.name,
    )
