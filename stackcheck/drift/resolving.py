"""What the definition would take today, against the lock. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.drift.facts import Gap, Seen, Snapshot, snapshot
from stackcheck.model.lock import fingerprint
from stackcheck.model.resolution import PROVEN, Resolution, Unresolved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.intake.stack import Stack
    from stackcheck.model.lock import Lock
    from stackcheck.model.resolution import LockedPackage

_WOULD_TAKE = ("stated", "drawn-in")


def lock_facts(lock: Lock, stack: Stack) -> Snapshot:
    """Return what a lock holds, as what the definition took then."""
    rows: list[tuple[str, str, str, Seen | str]] = [
        ("resolution", stack.id, "resolves", "yes"),
        ("definition", stack.id, "fingerprint", lock.fingerprint),
    ]
    return snapshot(rows) | _versions(lock.packages, stack)


def resolution_facts(found: Resolution | Unresolved, stack: Stack) -> Snapshot:
    """Return what the definition takes today; a resolution that proves nothing is a gap."""
    definition = snapshot([("definition", stack.id, "fingerprint", fingerprint(stack))], _not_resolved(stack))
    if isinstance(found, Resolution):
        if found.offline:
            return definition | _gaps("only what is cached was asked (--offline)", fault=False)
        return definition | snapshot([("resolution", stack.id, "resolves", "yes")]) | _versions(
            found.packages, stack
        )  # fmt: skip
    if found.kind not in PROVEN or found.offline:
        return definition | _gaps(found.message, fault=found.kind not in ("offline", "not-stated"))
    said = Seen(
        "no", "; ".join([found.message, *([f"there is: {', '.join(found.exists)}"] if found.exists else [])])
    )
    failed = snapshot([("resolution", stack.id, "resolves", said)])
    reason = "the stack does not resolve"
    return definition | failed | Snapshot({}, frozenset(Gap(area, "", "", reason) for area in _WOULD_TAKE))


def _not_resolved(stack: Stack) -> list[Gap]:
    """Return the packages whose files no index decides: what conda has or would build is not looked at."""
    return [
        Gap("stated", name, "", "comes from conda, which is not resolved")
        for name, package in stack.packages.items()
        if package.origin == "conda"
    ]


def _versions(packages: Iterable[LockedPackage], stack: Stack) -> Snapshot:
    return snapshot(
        ("stated" if p.name in stack.packages else "drawn-in", p.name, "version", str(p.version))
        for p in packages
    )


def _gaps(reason: str, *, fault: bool) -> Snapshot:
    return Snapshot({}, frozenset(Gap(area, "", "", reason, fault) for area in ("resolution", *_WOULD_TAKE)))
