"""What a candidate generator is: a function that yields edits which may answer the FAIL of some rules.

Generators know no rule's logic. They read the tables, and yield the nearest edits first; the search keeps
what makes the rule's FAIL go away. `reach` says how much an edit of this kind moves: of two suggestions with
as many changes the one of less reach is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.suggest.change import Edit


class Reach(IntEnum):
    """How much of a stack an edit moves, from the least on."""

    SPELLING = 0
    """The same thing, written as it is found: a page, a tag, an entry of a list."""
    PACKAGE = 1
    """Another version of one package beside torch."""
    SURROUNDINGS = 2
    """What it is built with, or on."""
    TORCH = 4
    PYTHON = 6
    SOURCE = 8
    """A build of one's own instead of a wheel."""


Generate: TypeAlias = "Callable[[Environment, Tables], Iterable[Edit]]"


@dataclass(frozen=True, slots=True)
class Generator:
    """A registered generator: `codes` are the rules, or families of rules, whose FAIL it may answer."""

    name: str
    codes: tuple[str, ...]
    reach: Reach
    edits: Generate


GENERATORS: list[Generator] = []
"""Every generator, filled by importing the modules of `stackcheck.suggest`."""


def candidates(*codes: str, reach: Reach) -> Callable[[Generate], Generate]:
    """Register a generator for the FAILs of these codes; "TORCH" stands for its whole family."""

    def register(edits: Generate) -> Generate:
        GENERATORS.append(Generator(f"{edits.__module__}.{edits.__name__}", codes, reach, edits))
        return edits

    return register


def generators_for(code: str) -> Iterator[Generator]:
    """Yield the generators that may answer a FAIL of this code, least reach first."""
    found = (each for each in GENERATORS if any(code.startswith(named) for named in each.codes))
    yield from sorted(found, key=lambda each: (each.reach, each.name))
