"""Names of packages that are one slip of the finger from a name that the tables know."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck.rules.registry import Finding, rule, states, warned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables

_SHORTEST = 5
"""Letters of a name that has near names: every short word is near to some other one (vllm, vlm, llm)."""


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
    known = _known(tables)
    near = slips(known)
    return [
        warned(
            f"{name} is not a package that the tables know, and one letter from {near[name]}.",
            expected=near[name],
            found=name,
            hint=f"write {near[name]} if that is meant",
            about=name,
        )
        for name, package in stack.packages.items()
        if name in near and name not in known and not package.direct and not package.index
    ]


@lru_cache(maxsize=4)
def _known(tables: Tables) -> frozenset[str]:
    """Return the names that rows of the tables are about."""
    packages = tables.packages
    companions = {each.name for each in tables.torch.companions}
    return (
        tables.measured.names
        | set(packages.declared_dists)
        | set(packages.asserting_dists)
        | companions
        | {"torch"}
    )


@lru_cache(maxsize=4)  # of one run's tables: thousands of names, and the same for each stack
def slips(known: frozenset[str]) -> Mapping[str, str]:
    """Return names with a letter missing, doubled or swapped with the next, each with the name meant."""
    found: dict[str, str] = {}
    for name in sorted(each for each in known if len(each) >= _SHORTEST):
        for at in range(1, len(name) - 1):
            before, letter, after = name[:at], name[at], name[at + 1 :]
            if letter.isdigit():
                continue
            found.setdefault(before + after, name)
            found.setdefault(before + letter + letter + after, name)
            if not after[0].isdigit():
                found.setdefault(before + after[0] + letter + after[1:], name)
    return found
