"""Write the lock of a stack, and gather the facts of the rules over resolution, lock and index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcheck.model.errors import LockError, ResolveError
from stackcheck.model.facts import Missing
from stackcheck.model.index_pages import FailureKind, Unreachable
from stackcheck.model.lock import BrokenLock, Lock
from stackcheck.model.redact import without_userinfo
from stackcheck.model.resolution import PROVEN, Resolution, Unresolved
from stackcheck.resolve.lockfile import read_lock, write_lock
from stackcheck.resolve.question import Question, question_of
from stackcheck.resolve.resolver import Options, resolve
from stackcheck.resolve.verify_refusals import asked_for
from stackcheck.storage.reading import stands
from stackcheck.storage.stack_files import lock_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stackcheck.intake.stack import Stack


@dataclass(frozen=True, slots=True)
class Locked:
    """A written lock; `changed` tells whether the file differs from the one that was there."""

    lock: Lock
    resolution: Resolution
    changed: bool


def lock_stack(stack: Stack, options: Options, folder: Path | None = None) -> Locked | Unresolved:
    """Resolve a stack and write its lock into `folder` (default: `locks/` beside the definitions).

    Raises LockError when the file cannot be written, ResolveError when uv cannot be run.
    """
    resolution = resolve(stack, options)
    if isinstance(resolution, Unresolved):
        return resolution
    if resolution.unreached:
        return resolution.unreached[0]
    path = lock_path(stack, folder)
    before = _committed(stack, folder)
    if isinstance(before, Lock) and before.text == resolution.lock_text:
        return Locked(before, resolution, changed=False)
    return Locked(write_lock(resolution, path), resolution, changed=True)


def resolution_of(lock: Lock) -> Resolution:
    """Return a committed lock as a resolution, so that a build takes exactly what it pins."""
    return Resolution(lock.packages, lock.python, lock.platform, "", lock.text, offline=True)


def what_it_lacks(resolution: Resolution, stack: Stack) -> str:
    """Return why a build from a resolution would not be the stack; "" when it has all that pip installs.

    What comes from git, a folder, or a URL without a hash stands in no lock.
    """
    if resolution.unreached:
        return resolution.unreached[0].message
    lacking = [
        f"{name} ({package.direct})" if package.direct else name
        for name, package in stack.packages.items()
        if package.origin != "conda" and not package.marker and name not in resolution.by_name
    ]
    return f"no lock holds {', '.join(lacking)}, which the stack states" if lacking else ""


UNASKED = "do what the message says, and run it again: uv was not asked"
"""What to do where uv could not be started, or given its question."""


def resolution_facts(stack: Stack, options: Options, folder: Path | None = None) -> dict[str, Any]:
    """Return the facts `resolving`, `resolution`, `lock` and `pages`; a network that is down raises nothing.

    `resolving` is a Resolution or the Unresolved; `resolution` is Missing, with the reason, for the latter.
    `lock` is the committed Lock, a BrokenLock, or None. `pages` are those read, by URL.
    """
    try:
        resolving = resolve(stack, options)
    except ResolveError as error:
        resolving = Unresolved("resolver", str(error), hint=UNASKED)
    lock = _committed(stack, folder)
    resolved = isinstance(resolving, Resolution)
    question = question_of(stack)
    dead = _dead(question, options)
    urls = [url for url in dict.fromkeys(_urls(question, options, resolving, lock)) if url not in dead]
    return {
        "resolving": resolving,
        "resolution": resolving
        if resolved
        else Missing(f"the stack was not resolved: {_why(resolving).rstrip('.')}"),
        "lock": lock,
        "pages": options.fetcher.pages(urls) | {without_userinfo(url): why for url, why in dead.items()},
    }


def _why(resolving: Resolution | Unresolved) -> str:
    return resolving.message if isinstance(resolving, Unresolved) else ""


def _committed(stack: Stack, folder: Path | None) -> Lock | BrokenLock | None:
    path = lock_path(stack, folder)
    if not stands(path):
        return None
    try:
        return read_lock(path)
    except LockError as error:
        return BrokenLock(str(path), str(error))


def _urls(
    question: Question, options: Options, resolving: Resolution | Unresolved, lock: Lock | BrokenLock | None
) -> Iterator[str]:
    """Yield the pages worth reading: those the stack names, and where locked files must be looked for."""
    for place in question.places:
        if place.flat:
            yield place.url
        elif place.only_for:
            yield place.page_of(place.only_for)
    if not isinstance(lock, Lock) or (isinstance(resolving, Unresolved) and resolving.kind not in PROVEN):
        return
    now = {p.name: p.sha256 for p in resolving.packages} if isinstance(resolving, Resolution) else {}
    for package in lock.packages:
        if now.get(package.name) != package.sha256:
            yield from (p.page_of(package.name) for p in asked_for(package.name, question, options.fetcher))


_FAILURES: dict[str, FailureKind] = {"unreachable": "network", "denied": "denied", "bad-index": "not-a-page"}


def _dead(question: Question, options: Options) -> dict[str, Unreachable]:
    """Return the pages of places that did not answer when resolving: none is asked a second time."""
    found = {}
    for place in question.places:
        if why := options.memory.dead.get(place.shown):
            url = place.page_of(place.only_for)
            found[url] = Unreachable(_FAILURES.get(why.kind, "network"), why.message, without_userinfo(url))
    return found
