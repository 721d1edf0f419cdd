"""Names of packages that are one slip of the finger from a name that the tables know."""

from __future__ import annotations

import string
from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck.rules.registry import Finding, rule, states, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables

_SHORTEST = 5
"""Letters of a name that has near names: every short word is near to some other one (vllm, vlm, llm)."""

_LETTERS = f"{string.ascii_lowercase}-"
"""What canonical names are made of, beside digits: another digit is often a package of its own."""


@rule("PIN103", when=states("packages"), about="package")
def names_are_no_slips(stack: Stack, tables: Tables) -> list[Finding]:
    """No package is one slip of the finger from a name that is known.

    A name with a letter missing, doubled or swapped is on no index, or is another project's: pip installs it
    without a word, and what was meant is missing. Only slips inside a name count: one with another first or
    last letter, another digit or another letter in its place is often a package of its own (torchx, fastapi).

    Source: the names of the packages in the tables (`stackcheck tables`); of 886,000 names on PyPI (listed
    2026-11-30) fifteen are such a slip from one of them.
    Example: `torchvison = "0.20.0"`.
    Fix: correct the name, or ignore PIN103 with the reason.
    """
    slips = {
        name: meant
        for name, package in stack.packages.items()
        if not package.direct and not package.index and (meant := _meant(name, tables))
    }
    return [
        warned(
            f"{name} is not a package that the tables know, and one letter from {meant}.",
            expected=meant,
            found=name,
            hint=f"write {meant} if that is meant",
            about=name,
        )
        for name, meant in slips.items()
    ]


@lru_cache(maxsize=4096)  # thousands of stacks name the same packages
def _meant(name: str, tables: Tables) -> str | None:
    """Return the first of the known names that a name is a slip of; None for one that is known itself."""
    known, on_file = _names(tables)

    def is_known(each: str) -> bool:
        return each in known or (each in on_file and tables.packages.has_needs(each))

    return None if is_known(name) else min(filter(is_known, origins(name)), default=None)


@lru_cache(maxsize=4)
def _names(tables: Tables) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that are known, and those of which a file, that is not read for it, may say more."""
    companions = {each.name for each in tables.torch.companions}
    return tables.measured.names | companions | {"torch"}, tables.packages.told_of


def origins(name: str) -> Iterator[str]:
    """Yield the names of which a letter is missing, doubled or swapped with the next in this one."""
    length = len(name)
    if length >= _SHORTEST - 1:
        for at in range(1, length):
            yield from (f"{name[:at]}{letter}{name[at:]}" for letter in _LETTERS)
    if length > _SHORTEST:
        for at in range(1, length - 2):
            if name[at] == name[at + 1] and not name[at].isdigit():
                yield name[:at] + name[at + 1 :]
    if length >= _SHORTEST:
        for at in range(1, length - 1):
            one, other = name[at], name[at + 1]
            if not one.isdigit() and not other.isdigit():
                yield name[:at] + other + one + name[at + 2 :]
