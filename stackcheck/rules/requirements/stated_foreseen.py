"""What the loose pins of a stack take today, held against the rest by every rule that judges pins."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from stackcheck.environment.foreseen import Taken, foreseen, unforeseen, unread
from stackcheck.environment.torchplaces import searched, shown
from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.rules.registry import RULES, Finding, Rule, failed, judge_one, passed, rule, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
    check that resolves the stack decides. uv stops at the first index that has torch, further indexes before
    the default one: where it takes another torch than pip, both are judged, and only what is wrong with both
    is a FAIL.

    Source: https://pip.pypa.io/en/stable/cli/pip_install/#finding-packages and
    https://docs.astral.sh/uv/concepts/indexes/#searching-across-multiple-indexes (checked 2026-11-30)
    Example: `torch>=2.0` on Python 3.8 with CUDA toolkit 11.8: torch 2.4.1 is taken, a build for CUDA 12.1.
    Fix: pin the release that is meant; `stackcheck lock` prints the one that is taken.
    """
    by_pip, by_uv = env.ask("foreseen", _both)
    if _same(by_pip, by_uv):
        found = [*_found(env, by_pip, tables, "An installer").values()]
    else:
        taken = {"pip": by_pip, "uv": by_uv}
        found = _by_both({who: _found(env, each, tables, who) for who, each in taken.items()}, taken)
    found += _not_foreseen(env)
    return found or [
        passed(f"{_what([each], who)}; it fits the rest of the stack.", _cite(each))
        for who, taken in _told_apart(by_pip, by_uv)
        for each in taken
    ]


def _both(env: Environment) -> tuple[tuple[Taken, ...], tuple[Taken, ...]]:
    """Return what pip takes, and what uv does."""
    by_pip = foreseen(env)
    return by_pip, by_pip if searched(env, "uv") == searched(env) else foreseen(env, "uv")


def _same(one: Sequence[Taken], other: Sequence[Taken]) -> bool:
    """Tell whether two installers take the same; for what reason they do is another matter."""
    return [(each.name, each.version, each.index) for each in one] == [
        (each.name, each.version, each.index) for each in other
    ]


def _told_apart(by_pip: Sequence[Taken], by_uv: Sequence[Taken]) -> list[tuple[str, Sequence[Taken]]]:
    """Return who takes what: of uv torch alone, the rest comes from the one index that it is on."""
    if _same(by_pip, by_uv):
        return [("An installer", by_pip)]
    return [("pip", by_pip), ("uv", [each for each in by_uv if each.name == "torch"])]


_Found: TypeAlias = "dict[tuple[str, tuple[str, ...]], Finding]"
"""What is wrong with a choice, by the code of the rule and the names of what it is about."""


def _found(env: Environment, taken: tuple[Taken, ...], tables: Tables, who: str) -> _Found:
    found: _Found = {("", (each.name,)): _none_fits(each, who) for each in taken if each.version is None}
    if not any(each.version for each in taken):
        return found
    doubt = unread(env, [each.name for each in taken])
    for verdict, asked in _judged(env, taken, tables):
        if resting := [each for each in taken if each.version and each.name in asked]:
            finding = _said(verdict, resting, doubt, who)
            found[verdict.code, verdict.about or (verdict.subject,)] = finding
    return found


def _by_both(wrong: Mapping[str, _Found], taken: Mapping[str, Sequence[Taken]]) -> list[Finding]:
    """Return what is wrong with the choice of pip or of uv: a FAIL only where both choices are wrong."""
    lost = all(any(each.outcome is Outcome.FAIL for each in one.values()) for one in wrong.values())
    told: dict[tuple[str, tuple[str, ...]], Finding] = {}
    for who, other in (("pip", "uv"), ("uv", "pip")):
        for key, finding in wrong[who].items():
            if key not in wrong[other]:
                outcome = finding.outcome if lost else Outcome.WARN
                message = f"{finding.message} {_choice_of(other, taken[other])}"
                told[key] = finding._replace(outcome=outcome, message=message)
            else:
                told.setdefault(key, finding if lost else finding._replace(outcome=Outcome.WARN))
    return list(told.values())


def _choice_of(who: str, taken: Sequence[Taken]) -> str:
    torch = next((each for each in taken if each.name == "torch"), None)
    if torch is None:
        return f"What {who} takes was not foreseen."
    return f"{who} takes {torch.version} ({torch.why})." if torch.version else f"{who} finds none."


def _not_foreseen(env: Environment) -> list[Finding]:
    """Say which place the tables do not speak of, where torch is loose and may come from it."""
    place = unforeseen(env)
    if place is None:
        return []
    asked = env.stated["torch"].package.version
    text = f"which torch `{asked}` is was not foreseen: what {shown(place)} has is not known"
    return [skipped(text, hint="pin torch, or let the pins be resolved (without --offline)")]


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


def _judged(
    env: Environment, taken: tuple[Taken, ...], tables: Tables
) -> Iterator[tuple[Verdict, frozenset[str]]]:
    """Yield what rules say of the pinned stack and not of the loose one, with what they looked up."""
    changed = env.changed(_pinned(env, taken))
    for each in filter(_is_about_pins, RULES.values()):
        bad, asked = env.ask((each.code, taken), partial(_bad, each, tables), changed)
        if bad:
            known = {verdict.about or verdict.subject for verdict in _bad(each, tables, env)[0]}
            yield from (
                (verdict, asked) for verdict in bad if (verdict.about or verdict.subject) not in known
            )


def _bad(rule: Rule, tables: Tables, env: Environment) -> tuple[tuple[Verdict, ...], frozenset[str]]:
    """Return what a rule says against a stack, and the distributions that it looked up."""
    env.forget()
    facts: Facts = {"stack": env.stack, "env": env, "tables": tables}
    found = tuple(verdict for verdict in judge_one(rule, facts) if verdict.outcome in _BAD)
    return found, frozenset(env.asked)


def _is_about_pins(each: Rule) -> bool:
    return _FACTS.issuperset(each.needs) and "env" in each.needs and each.family not in _OF_THE_TEXT


def _said(verdict: Verdict, resting: Sequence[Taken], doubt: Sequence[str], who: str) -> Finding:
    sure = all(each.closed for each in resting) or verdict.code in _STAYS
    text = f"{_what(resting, who)}: {verdict.message}"
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


def _what(taken: Sequence[Taken], who: str) -> str:
    named = [f"{each.version} for `{each.name} {each.asked}` ({each.why})" for each in taken if each.version]
    return f"{who} takes {' and '.join(named)}"


def _cite(taken: Taken) -> Evidence:
    return Evidence(f"{taken.name} {taken.asked} takes {taken.version}", taken.source)


def _few(names: Sequence[str]) -> str:
    most = 3
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _none_fits(taken: Taken, who: str) -> Finding:
    alone = " uv asks no other index." if taken.index and who == "uv" else ""
    return (failed if taken.closed else warned)(
        f"No known {taken.name} in {taken.asked} {taken.lacks}: {taken.why}.{alone}",
        Evidence(taken.why, taken.source),
        expected=f"a {taken.name} with a wheel for it",
        found=f"{taken.name} {taken.asked}",
        hint="name an index that has one, or take a range that reaches older releases"
        if taken.index
        else "take one of that list, or a range that reaches older releases",
        about=taken.name,
    )
