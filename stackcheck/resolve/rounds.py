"""Go on where a resolution fails: leave out what it fails for, and ask again, until it succeeds or ends.

One failure hides the others, and an index that is down hides everything. So each round takes away what the
last one failed for: a dead index, a wheel that only a source build can replace, a package that nobody has,
the requirements of one that contradicts a pin. Less is asked each time, so every failure is one of the stack.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from stackcheck.model.redact import without_userinfo
from stackcheck.model.resolution import THE_STACK, Unresolved
from stackcheck.resolve.alternatives import has_source, lacking, platform_is_served, serving
from stackcheck.resolve.derivation import MISSING_WORDS, name_of
from stackcheck.resolve.verify_refusals import asked_for, stated_indexes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from stackcheck.model.index_pages import File
    from stackcheck.model.index_urls import Place
    from stackcheck.model.resolution import Kind
    from stackcheck.resolve.question import Question
    from stackcheck.resolve.verify_refusals import Reader

    Ask: TypeAlias = Callable[[Question], Unresolved | None]
    """Asks uv; None when it found a resolution."""

MOST_ROUNDS = 60
_UNREAD = ("unreachable", "denied", "bad-index")
_ABOUT_FILES = ("not-found", "no-wheel", "no-python-wheel", "no-platform-wheel")
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Settled:
    """How far the rounds came.

    `question` is the last one asked, `failure` why it has no resolution, None when it has one. `culprits` are
    the faults of the stack that were found on the way, `unreached` what did not answer, `notes` why a package
    was left out without being a fault. `blind` says that an index for every package was left out: a version
    that is missing may be there, and a conflict may not be one.
    """

    question: Question
    failure: Unresolved | None = None
    culprits: tuple[Unresolved, ...] = ()
    unreached: tuple[Unresolved, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    blind: bool = False


def settle(question: Question, ask: Ask, reader: Reader) -> Settled:
    """Ask until there is a resolution, or a failure that nothing can be taken away for."""
    state = _without_dead(Settled(question), reader)
    for _ in range(MOST_ROUNDS):
        failure = ask(state.question)
        if failure is None:
            return state
        state = _after(state, failure, ask, reader)
        if state.failure is not None:
            return state
    return replace(state, failure=Unresolved("resolver", f"no end was reached in {MOST_ROUNDS} rounds"))


def _without_dead(state: Settled, reader: Reader) -> Settled:
    """Leave out from the start what did not answer before in this run."""
    known = [(p, why) for p in state.question.places if (why := reader.memory.dead.get(p.shown))]
    return _without_places(state, [(place, why) for place, why in known if not place.default])


def _after(state: Settled, failure: Unresolved, ask: Ask, reader: Reader) -> Settled:
    if failure.kind in _UNREAD and (place := state.question.place_of(failure.where)):
        reader.memory.keep_dead(place.shown, failure)
        return _without_places(state, [(place, failure)])
    if failure.kind in _ABOUT_FILES and failure.requirements:
        return _without_file(state, failure, ask, reader)
    if failure.kind == "conflict" and failure.requirements:
        return _past_conflict(state, failure, reader)
    return replace(state, failure=failure)


def _without_places(state: Settled, silent: Iterable[tuple[Place, Unresolved]]) -> Settled:
    """Go on without indexes or pages that did not answer; the package that one alone serves goes with it."""
    for place, why in silent:
        if place.default:  # nothing can be had without it
            return replace(state, failure=why)
        question, name = state.question.without_place(place), place.only_for
        said = (
            replace(why, message=f"{name} was left out: {why.message}", requirements=(name,)) if name else why
        )
        state = replace(
            state,
            question=question.without(name) if name else question,
            unreached=tuple(dict.fromkeys([*state.unreached, said])),
            blind=state.blind or not name,
        )
    return state


def _past_conflict(state: Settled, failure: Unresolved, reader: Reader) -> Settled:
    """Go on without the requirements of the package that contradicts another one."""
    contested = {name_of(each.rpartition(": ")[2]) for each in failure.requirements}
    if silent := _refusals(state.question, contested, reader):
        return _without_places(state, silent)
    if state.blind:
        return replace(state, failure=state.unreached[0])
    who = failure.requirements[0].partition(": ")[0]
    name = name_of(who)
    question = state.question
    if who == THE_STACK or name in question.loosened or name in question.given:
        return replace(state, failure=failure)
    following = replace(question, loosened=question.loosened | {name})
    return replace(state, question=following, culprits=(*state.culprits, failure))


def _refusals(question: Question, names: Iterable[str], reader: Reader) -> list[tuple[Place, Unresolved]]:
    """Return the stated indexes that may know more versions of some packages, and refuse to say."""
    if reader.offline:
        return []
    asked = [(p, reader.trouble(n, p)) for n in sorted(names) for p in stated_indexes(question)]
    return list({p: (p, why) for p, why in asked if why is not None and why.status != _NOT_FOUND}.values())


def _without_file(state: Settled, failure: Unresolved, ask: Ask, reader: Reader) -> Settled:
    """Go on where a package has no wheel: ask for more, build it from source, or leave it out."""
    question, needed = state.question, failure.requirements[0]
    name = name_of(needed)
    files: list[File] = []
    if not reader.offline:
        files, silent = reader.files(name, asked_for(name, question, reader.fetcher))
        if silent:
            return _without_places(state, silent)
    if eased := _eased(question, failure, ask):
        return replace(state, question=eased)
    if name not in question.built and (reader.offline or has_source(files, needed, question)):
        return replace(state, question=replace(question, built=question.built | {name}))
    without = question.without(name)
    if name in question.stated_sources:
        note = "built from source, and no index has a source archive of it; state its git, url or path"
        return replace(state, question=without, notes={**state.notes, name: note})
    if state.blind and not any(place.only_for == name for place in question.places):
        note = f"{needed} may be on an index that did not answer"
        return replace(state, question=without, notes={**state.notes, name: note})
    culprit = _described(failure, files, question)
    return replace(state, question=without, culprits=(*state.culprits, culprit))


def _eased(question: Question, failure: Unresolved, ask: Ask) -> Question | None:
    """Return the question with the newest of what was assumed, where that gets past this failure."""
    if question.lenient or not _may_be_assumption(failure.kind, question):
        return None
    eased = replace(question, lenient=True)
    again = ask(eased)
    if again is not None and [*map(name_of, again.requirements[:1])] == [name_of(failure.requirements[0])]:
        return None
    return eased


def _may_be_assumption(kind: Kind, question: Question) -> bool:
    """Tell whether a failure may come from what was assumed: the glibc, or the patch release of Python."""
    patch = question.python.count(".") < 2
    glibc = not question.stack.glibc and question.platform.startswith("linux/")
    return {"no-platform-wheel": glibc, "no-python-wheel": patch, "no-wheel": patch}.get(kind, False)


def _described(failure: Unresolved, files: Sequence[File], question: Question) -> Unresolved:
    """Return a failure with what its package lacks, and which versions would serve instead."""
    needed = failure.requirements[0]
    kind = lacking(files, needed, question, failure.kind)
    there = serving(files, question)
    words = {
        "no-python-wheel": f"has no wheel for {question.title}",
        "no-platform-wheel": f"has no wheel for {question.platform}",
    }.get(kind, MISSING_WORDS[kind])
    none = ""
    if files and not there:
        target = question.title if platform_is_served(files, question) else question.platform
        none = (
            f"; no version has a wheel for {target}"
            if kind != "no-platform-wheel"
            else "; no version has one"
        )
    message = f"{failure.who or THE_STACK} needs {needed}, which {words}{none}"
    return replace(
        failure, kind=kind, message=message, exists=there, hint=_hint(kind, failure.hint, question)
    )


def _hint(kind: Kind, said: str, question: Question) -> str:
    url = question.stack.index.url
    if kind != "not-found" or not url:
        return said
    where = without_userinfo(url)
    return f"index.url ({where}) replaces PyPI; what PyPI has needs https://pypi.org/simple under index.extra"
