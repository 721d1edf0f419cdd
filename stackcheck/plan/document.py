"""A plan as every format shows it: what serves each package, what had to give way, what was not checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.model.redact import without_userinfo
from stackcheck.model.verdict import Outcome
from stackcheck.plan.planning import is_open
from stackcheck.report.document import Document, Entry, Lines, Listing, Section, Table
from stackcheck.report.wording import plural
from stackcheck.suggest.change import spell
from stackcheck.suggest.sections import change_data, explained, listed, verdict_data
from stackcheck.suggest.wishes import WISHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.model.verdict import Verdict
    from stackcheck.plan.excluding import Nearest
    from stackcheck.plan.planning import Plan
    from stackcheck.plan.serving import Served
    from stackcheck.suggest.suggestion import Suggestion

_MOST = 8
"""Reasons that are shown of why nothing fits."""


def document(plan: Plan, served: Sequence[Served], text: str) -> Document:
    """Return a plan with what serves it, and `text`: its definition."""
    section = _working(plan, served, text) if plan.works else _excluded(plan)
    return Document((section,), lambda: _data(plan, served, text))


def _working(plan: Plan, served: Sequence[Served], text: str) -> Section:
    suggestion, found = plan.found.suggestion, plan.found
    return Section(
        name="plan",
        headline=_headline(plan),
        notes=(found.gap,) if found.gap else (),
        parts=(
            _table(served),
            Lines(tuple(text.splitlines()), literal=True),
            *_listing("Had to give way", plan.gave_way),
            *(listed("Against the newest", _in_the_way(suggestion)) if suggestion.changes else ()),
            *map(explained, suggestion.changes),
            *_listing("Left out", left_out(plan)),
            *listed("To be known", (*suggestion.doubts, *found.known)),
            *listed("Not checked", found.unchecked),
        ),
    )


def _headline(plan: Plan) -> str:
    stack = plan.stack
    name = f"torch {stack.packages['torch'].version}, Python {stack.python}, {stack.platform}"
    if plan.proven:
        return f"{name} (proven by the rules and by resolving it)"
    return f"{name} (no rule fails; that it resolves is not proven)"


def _table(served: Sequence[Served]) -> Table:
    rows = tuple(
        (
            each.name,
            each.version or "not known",
            f"source: {each.file}" if each.built and each.file else each.file or "not known",
            each.place,
            f"{each.level.word}: {each.evidence}",
        )
        for each in served
    )
    return Table(("package", "version", "file", "from", "evidence"), rows)


def _listing(heading: str, sentences: Sequence[str]) -> list[Listing]:
    return [Listing(heading, tuple(map(Entry, sentences)))] if sentences else []


def left_out(plan: Plan) -> tuple[str, ...]:
    """Return what was not looked at, or did not answer, a sentence each."""
    return tuple(dict.fromkeys(_left_out(plan)))


def _left_out(plan: Plan) -> Iterator[str]:
    for each in plan.found.learned.silent:
        yield f"{without_userinfo(each.where)} did not answer: {each.message.rstrip('.')}."
    resolution = plan.resolution
    for each in resolution.unreached if resolution else ():
        yield f"{each.message.rstrip('.')}."
    for note in resolution.left_out if resolution else ():
        yield f"{note.rstrip('.')}."
    if resolution is None:
        yield from (f"{each}: which version that is, was not looked up." for each in is_open(plan.stack))


def _excluded(plan: Plan) -> Section:
    suggestion = plan.found.suggestion
    return Section(
        name="plan",
        headline=_why_not(plan),
        outcome=(Outcome.ERROR if plan.found.broken else Outcome.FAIL).word,
        notes=(plan.found.gap,) if plan.found.gap else (),
        parts=(
            *listed("In the way", _in_the_way(suggestion)),
            *map(_way, plan.nearest),
            *_listing("Left out", left_out(plan)),
        ),
    )


def _in_the_way(suggestion: Suggestion) -> tuple[Verdict, ...]:
    """Return what fails of the draft, each once; where nothing does, what is not as it was asked for."""
    every = {(each.code, each.message): each for each in (*suggestion.failed, *suggestion.remaining)}
    said = [each for each in every.values() if each.code != WISHED]
    return tuple(said or every.values())[:_MOST]


def _why_not(plan: Plan) -> str:
    names = [each.wish for each in plan.nearest]
    if plan.found.broken:
        return "whether anything fits is not known"
    if len(names) > 1:
        return f"nothing was found that fits: {', '.join(names[:-1])} and {names[-1]} exclude each other"
    if names:
        return f"nothing was found that fits: {names[0]} cannot be had"
    tried = plural(plan.found.suggestion.tried, "changed definition")
    bound = "" if plan.found.suggestion.exhausted else "; the search ended at its bound"
    return f"nothing was found that fits, after {tried}{bound}"


def _way(nearest: Nearest) -> Listing:
    heading = f"Without {nearest.wish}, by the rules"
    if nearest.without is None:
        return Listing(heading, (Entry("nothing was found that works"),), loud=False)
    changes = nearest.without.changes
    entries = [
        Entry(f"{'.'.join(each.path)}: {spell(each.before)} -> {spell(each.after)}") for each in changes
    ]
    return Listing(heading, tuple(entries) or (Entry("the rest works as it is asked for"),), loud=False)


def _data(plan: Plan, served: Sequence[Served], text: str) -> dict[str, Any]:
    suggestion = plan.found.suggestion
    return {
        "found": plan.works,
        "proven": plan.proven,
        "gap": plan.found.gap,
        "wishes": [str(each) for each in plan.ask.wishes],
        "python": plan.stack.python if plan.works else None,
        "packages": [
            {
                "name": each.name,
                "version": each.version,
                "file": each.file,
                "from": each.place,
                "built": each.built,
                "level": each.level.word,
                "evidence": each.evidence,
            }
            for each in served
        ],
        "definition": text,
        "gave_way": list(plan.gave_way),
        "against_the_newest": [verdict_data(each) for each in suggestion.failed],
        "changes": [change_data(each) for each in suggestion.changes],
        "remaining": [verdict_data(each) for each in suggestion.remaining],
        "exclude_each_other": [
            {
                "wish": each.wish,
                "without": [change_data(one) for one in each.without.changes] if each.without else None,
            }
            for each in plan.nearest
        ],
        "left_out": list(left_out(plan)),
        "seconds": round(plan.seconds, 3),
    }
