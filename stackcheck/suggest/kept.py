"""What a resolution still says of a changed definition: the choices that do not hang on what was changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import Resolution

SHARED = ("python", "platform", "glibc", "os", "index", "requires", "constraints", "overrides")
"""Fields of a definition on which every choice of the resolver hangs."""


def changed_packages(before: Stack, after: Stack) -> frozenset[str]:
    """Return the packages whose rows differ between two definitions."""
    names = {*before.packages, *after.packages}
    return frozenset(name for name in names if before.packages.get(name) != after.packages.get(name))


def still_resolved(resolution: Resolution, before: Stack, after: Stack) -> Resolution | None:
    """Return the part of a resolution of `before` that a resolver would take for `after` as well.

    Left out are the changed packages, what only they drew in, and what is not pinned and requires one of
    them. That the rest stays is assumed for the search alone; what it finds is resolved anew.
    """
    if any(getattr(before, name) != getattr(after, name) for name in SHARED):
        return None
    gone = set(changed_packages(before, after))
    if not gone:
        return resolution
    gone |= {name for name in _requiring(resolution, gone) if not _is_pinned(name, after)}
    roots = [*after.packages, *(canonicalize_name(Requirement(line).name) for line in after.requires)]
    kept = _reached(resolution, (name for name in roots if name not in gone), gone)
    return replace(resolution, packages=tuple(each for each in resolution.packages if each.name in kept))


def _is_pinned(name: str, stack: Stack) -> bool:
    return name in stack.packages and stack.packages[name].exact is not None


def _requiring(resolution: Resolution, names: Iterable[str]) -> set[str]:
    """Return what requires some packages, directly or not."""
    found, fresh = set(names), set(names)
    while fresh:
        fresh = {each.name for each in resolution.packages if fresh & set(each.requires)} - found
        found |= fresh
    return found - set(names)


def _reached(resolution: Resolution, roots: Iterable[str], without: set[str]) -> set[str]:
    """Return what some packages draw in, themselves among it, by no way through `without`."""
    reached: set[str] = set()
    fresh = set(roots)
    while fresh:
        reached |= fresh
        drawn = (resolution.by_name[name].requires for name in fresh if name in resolution.by_name)
        fresh = {name for names in drawn for name in names} - reached - without
    return reached
