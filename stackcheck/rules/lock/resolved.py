"""The resolution: whether there is one, and whether the lock is current."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.model.lock import BrokenLock, Lock, is_current
from stackcheck.model.resolution import PROVEN, THE_STACK, Resolution, Unresolved
from stackcheck.rules.questions import HAS_A_FILE, accepts
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts

_SKIPPED = ("offline", "not-stated")


_MOST_NAMED = 8
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""The distribution at the beginning of a requirement."""


_HINTS: dict[str, str] = {
    "conflict": "change one of the two pins; the evidence is uv's whole reasoning",
    "not-found": "pin a version that exists, or name the index or find-links page that has it",
    "no-wheel": 'name a page with a wheel, or allow a source build with from = "source"',
    "no-python-wheel": "choose a version with a wheel for this Python, or another Python",
    "no-platform-wheel": "choose a version with a wheel for this platform and glibc, or a newer base",
    "not-stated": "state the Python, and the packages that an index has",
    "unreachable": "try again, or --offline; a slow index needs --timeout, "
    "a proxy HTTPS_PROXY and SSL_CERT_FILE",
    "denied": "put the credentials into netrc or UV_INDEX_<NAME>_USERNAME and _PASSWORD",
    "bad-index": "open the address in a browser: is it a package index or a find-links page?",
    "resolver": "read uv's message in the evidence; `uv --version` must work",
}


@rule("LOCK201", about="package")
def pins_resolve(resolving: Resolution | Unresolved) -> list[Finding]:
    """The pins resolve together.

    Two pins that exclude each other, a version that no index has, or one without a wheel for the stack's
    Python and platform end every build of the stack. uv finds out in a second, without downloading wheels.
    What has no wheel but a source archive pip would build: that is a warning, and a failure only where the
    stack forbids it. An index that does not answer proves nothing about the pins: that is an error of the
    check, and the rest is resolved without it.

    Source: the METADATA of the wheels on the stack's indexes, resolved by uv.
    Example: spconv-cu124 2.3.8 needs cumm-cu124>=0.7.11,<0.8.0, and the stack pins cumm-cu124 0.8.2.
    Fix: change one of the two pins that the message names.
    """
    if isinstance(resolving, Unresolved):
        return [_unresolved(each) for each in (resolving, *resolving.others)]
    return [*_resolved(resolving), *_not_covered(resolving)]


def _resolved(resolution: Resolution) -> list[Finding]:
    if not resolution.packages:
        return []
    count = len(resolution.packages)
    rest = [each for each in resolution.assumed if not each.startswith("Python ")]
    assumed = f", assuming {' and '.join(rest)}" if rest else ""
    python = f"Python {resolution.python}" if resolution.python else "the stack's Python"
    if len(rest) < len(resolution.assumed):
        python = f"{python} (assumed: the stack states none)"
    source = ", from what uv has cached" if resolution.offline else ""
    settings = [Evidence(f"setting taken over: {each}") for each in resolution.honoured if _decides(each)]
    settings += [Evidence(f"setting left out: {each}") for each in resolution.ignored]
    settings += [Evidence(f"not part of the stack here: {each}") for each in resolution.absent]
    what = f"{count} packages resolve" if count > 1 else "1 package resolves"
    return [
        passed(
            f"{what} together for {python}{assumed}{source}.",
            Evidence(f"uv {resolution.uv_version} for {resolution.platform}"),
            *settings,
        )
    ]


def _decides(setting: str) -> bool:
    """Tell a setting that names places for wheels from one that only says how to get there."""
    name = setting.partition("=")[0]
    return "INDEX" in name or "FIND_LINKS" in name or name == "uv.toml"


def _not_covered(resolution: Resolution) -> list[Finding]:
    left = [skipped(f"not resolved: {note}.") for note in resolution.left_out]
    left += [_unresolved(each) for each in resolution.unreached]
    left += [
        warned(
            f"nothing was taken from an index that the stack states: {note}.",
            hint=_HINTS["bad-index"],
            about=note,
        )
        for note in resolution.silent
    ]
    left += _source_builds(resolution)
    here = [each for each in resolution.packages if each.url.startswith("file:")]
    if here:
        local = some([f"{each.name} {each.version}" for each in here], _MOST_NAMED)
        left.append(
            warned(
                f"files of this machine take part, so a lock with them serves here alone: {local}.",
                hint="put them on a page or index that every machine reaches, or unset that setting",
                about=(each.name for each in here),
            )
        )
    if resolution.offline:
        left.append(
            skipped(
                "whether the indexes still have these files was not asked (--offline).",
                hint="run once without --offline",
            )
        )
    return left


def _source_builds(resolution: Resolution) -> list[Finding]:
    """Name all that pip would build: their own requirements are known only to their builds."""
    if not resolution.source_only:
        return []
    named = [_with_parents(name, resolution) for name in resolution.source_only]
    return [
        warned(
            f"pip would build from source, for want of a wheel that fits{_python(resolution)}: "
            f"{', '.join(named)}; what these require themselves was not resolved.",
            Evidence("the rest was resolved with them and without their requirements"),
            expected="a wheel for every package",
            found=", ".join(f"{name} {resolution.version(name)}" for name in resolution.source_only),
            hint="take a version that has a wheel, or see that the build finds a compiler and its imports; "
            'a definition accepts it by from = "source" and refuses it by source_builds = "forbid"',
            about=resolution.source_only,
        )
    ]


def _python(resolution: Resolution) -> str:
    return f" Python {resolution.python}" if resolution.python else ""


def _with_parents(name: str, resolution: Resolution) -> str:
    parents = resolution.parents_of(name)
    needed = f" (for {' and '.join(parents)})" if parents else ""
    return f"{name} {resolution.version(name)}{needed}"


def _unresolved(found: Unresolved) -> Finding:
    evidence = [Evidence(found.derivation, found.where)] if found.derivation or found.where else []
    hint = found.hint or _HINTS.get(found.kind, "")
    if found.kind in _SKIPPED:
        return skipped(f"the pins were not resolved: {found.message}.", *evidence, hint=hint)
    if found.kind not in PROVEN:
        message = f"whether the pins resolve could not be checked: {found.message.rstrip('.')}."
        return Finding(Outcome.ERROR, message, hint=hint, evidence=tuple(evidence))
    platform = next((each for each in found.assumed if each.startswith("platform ")), "")
    if found.kind == "no-platform-wheel" and platform:
        return skipped(
            f"the stack states no platform; for {platform.removeprefix('platform ')}, {found.message}.",
            *evidence,
        )
    there = f"; there is {', '.join(found.exists)}" if found.exists else ""
    two = found.requirements if len(found.requirements) == 2 else ()
    finding = failed(
        f"{found.message}{there}.",
        *evidence,
        expected=two[0] if two else "a wheel for every pin",
        found=two[1] if two else f"{', '.join(found.requirements) or 'a pin'}: {found.kind}",
        hint=hint,
    )
    if two:
        (who, wanted), (other, _) = (each.rpartition(": ")[::2] for each in two)
        subject, required = (_name(each) for each in ((other, wanted) if who == THE_STACK else (who, wanted)))
        return finding._replace(question=accepts(required), subject=subject)
    if not found.requirements:
        return finding._replace(about=(found.message,))
    return finding._replace(question=HAS_A_FILE, subject=_name(found.requirements[-1]))


def _name(requirement: str) -> str:
    """Return the canonical name of the distribution at the beginning of a requirement."""
    named = _NAME.match(requirement)
    return canonicalize_name(named[0]) if named else requirement


def _has_lock(facts: Facts) -> bool:
    return isinstance(facts.get("lock"), Lock | BrokenLock)


@rule("LOCK202", when=_has_lock, about="package")
def lock_is_current(
    stack: Stack, lock: Lock | BrokenLock, resolving: Resolution | Unresolved
) -> list[Finding]:
    """The committed lock belongs to the definition.

    A lock that was made from another state of the definition builds something else than what is stated. One
    that still fits, while the indexes would now give other versions, is right: that is what a lock is for.

    Source: the fingerprint and the versions in the lock file, against the definition and a fresh resolution.
    Example: torch is raised in the definition to 2.6.0, and the lock still has 2.5.0.
    Fix: run `stackcheck lock` and commit the file.
    """
    if isinstance(lock, BrokenLock):
        return [
            failed(
                f"the committed lock cannot be used: {lock.message}",
                expected="a PEP 751 lock with hashes",
                found=lock.path,
                hint=f"run `stackcheck lock {stack.id}`",
                about="lock",
            )
        ]
    if wrong := _against_pins(stack, lock):
        pins = some(list(wrong.values()), _MOST_NAMED)
        return [
            failed(
                f"the committed lock does not have what the stack pins: {pins}",
                Evidence(lock.path),
                expected="the pins of the definition",
                found=pins,
                hint=f"run `stackcheck lock {stack.id}` and commit the file",
                about=wrong,
            )
        ]
    if not is_current(lock, stack):
        return [
            warned(
                "the definition has changed since the lock was made; what it pins is still what the lock has",
                Evidence(lock.path),
                hint=f"run `stackcheck lock {stack.id}` and commit the file",
                about="lock",
            )
        ]
    return [_against_fresh(lock, resolving)]


def _against_pins(stack: Stack, lock: Lock) -> dict[str, str]:
    wrong: dict[str, str] = {}
    for name, package in stack.packages.items():
        version = lock.version(name)
        if (
            package.origin == "conda"
            or package.direct
            or (version and package.specifier.contains(version, prereleases=True))
        ):
            continue
        wrong[name] = f"{name} {package.version} (the lock has {version or 'none'})"
    return wrong


def _against_fresh(lock: Lock, resolving: Resolution | Unresolved) -> Finding:
    head = "the committed lock was made from this definition"
    if isinstance(resolving, Unresolved):
        return passed(f"{head}; it was not compared with a fresh resolution", Evidence(lock.path))
    fresh, locked = ({p.name: p.version for p in ps} for ps in (resolving.packages, lock.packages))
    moved = [
        f"{name} {locked.get(name, 'absent')} -> {fresh.get(name, 'absent')}"
        for name in sorted({*fresh, *locked})
        if fresh.get(name) != locked.get(name)
    ]
    if moved:
        there = some(moved, _MOST_NAMED)
        return passed(f"{head}; resolving afresh would now move {there}", Evidence(lock.path))
    return passed(f"{head} and agrees with a fresh resolution", Evidence(lock.path))
