"""Which wishes exclude each other, and what works without each of them: by the rules and what was proven."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from stackcheck.plan.draft import drafted
from stackcheck.steps.claiming import claimed
from stackcheck.suggest.search import Limits
from stackcheck.suggest.stepwise import suggest
from stackcheck.suggest.wishes import BACKENDS, Wish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.knowledge import Tables
    from stackcheck.plan.draft import Ask
    from stackcheck.suggest.learned import Learned
    from stackcheck.suggest.suggestion import Suggestion

_QUICK = Limits(first=12, second=16)
_HOSTS = {"gpus": "--gpu", "driver": "--driver"}


@dataclass(frozen=True, slots=True)
class Nearest:
    """One of the wishes that exclude each other, and the smallest change that works once it is given up."""

    wish: str
    without: Suggestion | None = None


def excluding(ask: Ask, learned: Learned, tables: Tables) -> tuple[Nearest, ...]:
    """Return the wishes that exclude each other, none of which can be spared from that, each with a way out.

    Empty where the wishes that are left over would work: then something else was in the way.
    """
    if _works(ask, learned, tables).proven:
        return ()
    core = ask
    for wish in _atoms(ask):
        fewer = _without(core, wish)
        if not _works(fewer, learned, tables).proven:
            core = fewer
    wishes = [wish for wish in _atoms(core) if _works(_without(core, wish), learned, tables).proven]
    found = []
    for wish in wishes:
        start = ask if wish in _HOSTS or ask.wishes.of(wish).specifier else None
        way = _works(_without(ask, wish), learned, tables, start)
        found.append(Nearest(_shown(wish, ask), way if way.proven else None))
    return tuple(found)


def _works(ask: Ask, learned: Learned, tables: Tables, start: Ask | None = None) -> Suggestion:
    """Return the smallest change that makes the draft of a wish work, from that of `start` on."""
    hosts = replace(start, hosts=ask.hosts) if start else ask
    return suggest(claimed(drafted(hosts, tables)), _QUICK, learned, ask.wishes)


def _atoms(ask: Ask) -> Iterator[str]:
    """Yield what can be given up, what is given up most easily first."""
    names = [each.name for each in ask.wishes]
    yield from (name for name in names if name not in {"torch", "python", *BACKENDS})
    yield from (name for name in (*BACKENDS, "python", "torch") if _says(ask.wishes.of(name), names))
    yield from (key for key in _HOSTS if ask.hosts.get(key))


def _says(wish: Wish, names: list[str]) -> bool:
    return wish.name in names and (bool(wish.specifier) or wish.name in BACKENDS)


def _without(ask: Ask, name: str) -> Ask:
    """Return a wish without one part: a version is given up first, then the package."""
    if name in _HOSTS:
        return replace(ask, hosts={**ask.hosts, name: None})
    wish = ask.wishes.of(name)
    if wish.specifier and name not in {"torch", "python", *BACKENDS}:
        every = (replace(each, specifier=SpecifierSet()) if each == wish else each for each in ask.wishes)
        return replace(ask, wishes=replace(ask.wishes, every=tuple(every)))
    return replace(ask, wishes=ask.wishes.without(name))


def _shown(name: str, ask: Ask) -> str:
    if name not in _HOSTS:
        return str(ask.wishes.of(name))
    stated = ask.hosts[name]
    return f"{_HOSTS[name]} {stated if isinstance(stated, str) else ','.join(map(str, stated))}"
