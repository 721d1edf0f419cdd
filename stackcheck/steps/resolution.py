"""The second step: what would be installed. Facts: `resolving`, `resolution`, `lock`, `pages`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcheck.model.errors import BuildFailedError, LockError, ResolveError
from stackcheck.model.facts import Missing
from stackcheck.model.lock import Lock, is_current
from stackcheck.model.resolution import PROVEN, Resolution, Unresolved
from stackcheck.resolve import locking, resolver
from stackcheck.resolve.lockfile import write_lock
from stackcheck.steps.claiming import claimed
from stackcheck.storage.stack_files import lock_path
from stackcheck.targets.engine import about

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.steps.options import Options
    from stackcheck.targets import Progress


def resolved(stack: Stack, options: Options, progress: Progress) -> dict[str, Any]:
    """Return the facts of resolution: what would be installed, or why that is not known."""
    progress(f"{stack.id}: resolving")
    how = resolver.Options(
        offline=options.offline,
        answers=options.answers,
        memory=options.memory,
        timeout_s=options.timeout_s,
    )
    return locking.resolution_facts(stack, how, options.locks)


def resolved_claim(stack: Stack, options: Options, progress: Progress) -> dict[str, Any]:
    """Return the facts of the first two steps: what a stack claims, and what would be installed."""
    return known(claimed(stack) | resolved(stack, options, about(progress, stack.id)))


def known(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts with the Environment that the resolution makes of the definition."""
    resolution = facts["resolution"]
    if isinstance(resolution, Missing):
        return facts
    return facts | {"env": replace(facts["env"], resolution=resolution)}


def locked(stack: Stack, facts: dict[str, Any], options: Options, progress: Progress) -> dict[str, Any]:
    """Return the facts with the resolution that a build takes: the committed lock while it is current.

    Where no lock is committed, this one is written, so that the next run builds the same. One that lacks a
    package of the stack is neither written nor built.
    """
    committed, resolution = facts["lock"], in_effect(stack, facts)
    if committed is None and isinstance(resolution, Resolution):
        path = lock_path(stack, options.locks)
        try:
            write_lock(resolution, path)
            progress(f"{stack.id}: wrote {path}")
        except LockError as error:
            progress(f"{stack.id}: no lock was kept: {error}")
    return facts | {"resolution": resolution}


def in_effect(stack: Stack, facts: Facts) -> Resolution | Missing:
    """Return the resolution that a build takes: the committed lock's while it is current."""
    committed, resolution = facts["lock"], facts["resolution"]
    if isinstance(committed, Lock) and is_current(committed, stack):
        resolution = locking.resolution_of(committed)
    if isinstance(resolution, Resolution) and (lacking := locking.what_it_lacks(resolution, stack)):
        return Missing(lacking)
    found: Resolution | Missing = resolution
    return found


def known_resolution(stack: Stack, facts: Facts) -> Resolution:
    """Return what to install.

    Raise `BuildFailedError` when it is proven that nothing fits, `ResolveError` when that is not known.
    """
    resolution, resolving = facts["resolution"], facts["resolving"]
    if isinstance(resolution, Missing):
        proven = isinstance(resolving, Unresolved) and resolving.kind in PROVEN
        error = BuildFailedError if proven else ResolveError
        raise error(f"{stack.title}: nothing was built: {resolution.reason}")
    found: Resolution = resolution
    return found
