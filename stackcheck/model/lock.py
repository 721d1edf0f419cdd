"""Locks as values, and what of a definition they were made from. Pure.

Source of the format: https://peps.python.org/pep-0751/, checked 2026-11-20.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from stackcheck.model.redact import without_userinfo

if TYPE_CHECKING:
    from packaging.version import Version

    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import LockedPackage


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file as it was read; `fingerprint` names the definition that it was made from."""

    path: str
    packages: tuple[LockedPackage, ...]
    stack: str
    fingerprint: str
    python: str
    platform: str
    text: str

    def version(self, name: str) -> Version | None:
        """Return the locked version of a distribution; None when it is not in the lock."""
        wanted = canonicalize_name(name)
        return next((package.version for package in self.packages if package.name == wanted), None)


@dataclass(frozen=True, slots=True)
class BrokenLock:
    """A lock file that is there and cannot be used."""

    path: str
    message: str


def _without_logins(value: str | list[str] | None) -> str | list[str] | None:
    return (
        list(map(without_userinfo, value)) if isinstance(value, list) else value and without_userinfo(value)
    )


def fingerprint(stack: Stack) -> str:
    """Return the SHA-256 of what a resolution depends on: Python, platform, glibc, packages, indexes.

    Credentials in index URLs do not count, and neither does the order of packages.
    """
    packages = {
        name: {
            "version": str(package.exact or package.version),
            "index": without_userinfo(package.index or ""),
            "find_links": without_userinfo(package.find_links or ""),
            "origin": package.origin or "wheel",
            **({"extras": sorted(package.extras)} if package.extras else {}),
            **({"direct": package.direct} if package.direct else {}),
        }
        for name, package in stack.packages.items()
    }
    stated: dict[str, Any] = stack.index.model_dump(mode="json")
    index = {key: _without_logins(value) for key, value in stated.items()}
    subject: list[Any] = [stack.python, stack.platform, stack.glibc, packages, index]
    further = {
        "requires": stack.requires,
        "constraints": stack.constraints,
        "overrides": stack.overrides,
        "source_builds": stack.source_builds,
    }
    if stated := {name: value for name, value in further.items() if value}:
        subject.append(stated)
    return hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()


def is_current(lock: Lock, stack: Stack) -> bool:
    """Tell whether a lock was made from this very definition."""
    return lock.fingerprint == fingerprint(stack)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a resolution says of one distribution beyond its files: its index, and what it drew in."""

    index: str = ""
    requires: tuple[str, ...] = ()
