"""The files of the committed lock on their indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Evidence
from stackcheck.model.index_pages import Page, Unreachable
from stackcheck.model.index_urls import places
from stackcheck.model.lock import Lock
from stackcheck.model.resolution import LockedPackage, Resolution, Unresolved
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts

_MOST_NAMED = 8


def _has_good_lock(facts: Facts) -> bool:
    return isinstance(facts.get("lock"), Lock)


@rule("LOCK203", when=_has_good_lock, about="package")
def locked_files_are_there(
    stack: Stack, lock: Lock, resolving: Resolution | Unresolved, pages: Mapping[str, Page | Unreachable]
) -> list[Finding]:
    """The files of the committed lock are still on their index, unchanged.

    An index that drops a file ends every build from the lock, and one that has other content under the same
    name ends it with a hash error, or, without hashes, gives something else than what was tested.

    Source: the index pages, PEP 503 and PEP 691; a yanked file is one that PEP 592 tells people not to use.
    Example: in August 2026 the cu124 index of PyTorch lost nvidia-cudnn-cu12 9.1.0.70.
    Fix: lock again; when the pin itself is gone, mirror the file or choose a version that is there.
    """
    fresh = resolving if isinstance(resolving, Resolution) and not resolving.offline else None
    seen: dict[str, dict[str, str]] = {"gone": {}, "changed": {}, "yanked": {}, "unread": {}}
    there = 0
    for package in lock.packages:
        state = _state(package, fresh, stack, pages)
        there += state == "there"
        if state in seen:
            seen[state][package.name] = f"{package.name} {package.version}"
    hint = (
        f"run `stackcheck lock {stack.id}`; if the pin itself is gone, mirror the file or pin another version"
    )
    findings = [
        failed(
            f"files of the committed lock are {word}: {some(list(seen[state].values()), _MOST_NAMED)}",
            Evidence(lock.path),
            expected="every locked file, with its hash",
            found=f"{len(seen[state])} {state}",
            hint=hint,
            about=seen[state],
        )
        for state, word in (
            ("gone", "no longer on their index"),
            ("changed", "on their index with other content"),
        )
        if seen[state]
    ]
    if seen["yanked"]:
        text = f"locked files were yanked: {some(list(seen['yanked'].values()), _MOST_NAMED)}"
        findings.append(warned(text, hint=hint, about=seen["yanked"]))
    if seen["unread"]:
        findings.append(
            skipped(
                f"whether {len(seen['unread'])} locked files are still there was not checked, because their "
                f"pages could not be read: {some(list(seen['unread'].values()), _MOST_NAMED)}",
                hint="run it again without --offline, or when the index answers",
            )
        )
    if there and len(findings) == 0:
        findings.append(passed(f"all {there} locked files are on their index, with the locked hashes"))
    return findings


def _state(
    package: LockedPackage, fresh: Resolution | None, stack: Stack, pages: Mapping[str, Page | Unreachable]
) -> str:
    """Return "there", "gone", "changed", "yanked", or "unread" when no page says."""
    now = fresh.by_name.get(package.name) if fresh else None
    if now and (now.filename, now.sha256) == (package.filename, package.sha256):
        return "there"
    read = [pages[url] for url in _pages_for(package, stack) if url in pages]
    listed = [f for page in read if isinstance(page, Page) for f in page.files if f.name == package.filename]
    same = [file for file in listed if file.sha256 in ("", package.sha256)]
    if same:
        return "there" if any(file.yanked is None for file in same) else "yanked"
    if not read or any(isinstance(page, Unreachable) and page.kind != "missing" for page in read):
        return "unread"
    return "changed" if listed else "gone"


def _pages_for(package: LockedPackage, stack: Stack) -> list[str]:
    stated = {place.shown: place for place in places(stack)}
    place = stated.get(package.index)
    if place:
        return [place.shown if place.flat else f"{place.shown.rstrip('/')}/{package.name}/"]
    return [f"{package.index.rstrip('/')}/{package.name}/", package.index] if package.index else []
