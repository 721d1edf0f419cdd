"""The files of the lock on the pages of their indexes, and pages against each other. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from stackcheck.drift.facts import Gap, Seen, Snapshot, snapshot
from stackcheck.model.enumeration import some
from stackcheck.model.index_pages import Page, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stackcheck.model.index_pages import File
    from stackcheck.model.lock import Lock
    from stackcheck.model.resolution import LockedPackage

LISTED, UNLISTED, SERVED, NO_PAGE = "listed", "not listed", "not listed, still served", "page gone"
NO_HASH = "its page states no hash"
NO_METADATA = "its page offers no hash of the metadata (PEP 658)"
NOT_RECORDED = "the lock does not record it; `stackcheck drift --accept` does"
_MOST_NAMED = 6


@dataclass(frozen=True)
class Served:
    """What the indexes said: pages by URL; `roots`: for those that are missing, whether the index answers.

    `alive` tells of the address of a file that is on no page whether it answers; `metadata` holds the notes
    on METADATA that was read, by file name.
    """

    pages: Mapping[str, Page | Unreachable]
    roots: Mapping[str, bool | Unreachable] = field(default_factory=dict)
    alive: Mapping[str, bool | Unreachable] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


def locked_facts(lock: Lock) -> Snapshot:
    """Return what a lock says of its files: the baseline when none was accepted."""
    rows: list[tuple[str, str, str, Seen | str]] = []
    for package in lock.packages:
        rows.append(("file", package.filename, "listed", LISTED))
        rows.append(("file", package.filename, "sha256", package.sha256))
    gaps = (
        Gap("file", "", "metadata", NOT_RECORDED),
        Gap("file", "", "requires-python", NOT_RECORDED),
    )
    return snapshot(rows, gaps)


def file_facts(lock: Lock, urls: Mapping[str, Sequence[str]], served: Served) -> Snapshot:
    """Return what the pages say of the lock's files today; `urls` are the pages of each package."""
    facts, gaps = Snapshot(), []
    for package in lock.packages:
        read = {url: served.pages[url] for url in urls[package.name] if url in served.pages}
        found = found_on(package, read.values())
        if found is not None:
            facts |= _listed(package, found, served.metadata.get(package.filename, ""))
        elif state := _absence(package, read, served):
            facts |= state
        else:
            gaps.append(_unread(package, read, served))
    return facts | Snapshot({}, frozenset(gaps))


def found_on(package: LockedPackage, pages: Iterable[Page | Unreachable]) -> File | None:
    """Return the file of that name, the one with the locked content first, then one that is not yanked."""
    named = [f for page in pages if isinstance(page, Page) for f in page.files if f.name == package.filename]
    return min(
        named, key=lambda f: (f.sha256 != package.sha256, not f.sha256, f.yanked is not None), default=None
    )


def _listed(package: LockedPackage, file: File, note: str) -> Snapshot:
    name = package.filename
    rows: list[tuple[str, str, str, Seen | str]] = [("file", name, "listed", LISTED)]
    gaps = []
    if file.sha256:
        rows.append(("file", name, "sha256", Seen(file.sha256, note)))
    else:
        gaps.append(Gap("file", name, "sha256", NO_HASH))
    if file.metadata:
        rows.append(("file", name, "metadata", Seen(file.metadata, note)))
    else:
        gaps.append(Gap("file", name, "metadata", NO_METADATA))
    if file.yanked is not None:
        rows.append(("file", name, "yanked", file.yanked or "no reason given"))
    if file.requires_python:
        rows.append(("file", name, "requires-python", file.requires_python))
    return snapshot(rows, gaps)


def missing_files(lock: Lock, urls: Mapping[str, Sequence[str]], served: Served) -> list[LockedPackage]:
    """Return the packages whose file is on none of the pages that were read."""
    read = {name: [served.pages[url] for url in mine if url in served.pages] for name, mine in urls.items()}
    return [package for package in lock.packages if found_on(package, read[package.name]) is None]


def _absence(
    package: LockedPackage, read: Mapping[str, Page | Unreachable], served: Served
) -> Snapshot | None:
    """Return how a file is gone; None when that is not proven, because a page could not be read."""
    if not read or not all(_proves(url, page, served) for url, page in read.items()):
        return None
    pages = [page for page in read.values() if isinstance(page, Page)]
    state = (SERVED if served.alive.get(package.url) is True else UNLISTED) if pages else NO_PAGE
    others = _versions([file for page in pages for file in page.of(package.name)])
    note = (
        f"{' '.join(read)} lists {some(others, _MOST_NAMED) or 'no other version'}"
        if pages
        else " ".join(read)
    )
    return snapshot([("file", package.filename, "listed", Seen(state, note))])


def _proves(url: str, page: Page | Unreachable, served: Served) -> bool:
    """Tell whether a page says that it does not have a file: it was read, or its index answers without it.

    A page that lists nothing at all, where it listed a locked file before, proves nothing: a login page, or
    an error that is answered with 200, looks the same.
    """
    if isinstance(page, Page):
        return not page.cached and bool(page.files)
    return page.kind == "missing" and served.roots.get(url) is True


def _unread(package: LockedPackage, read: Mapping[str, Page | Unreachable], served: Served) -> Gap:
    for url, page in read.items():
        if isinstance(page, Unreachable) and not _proves(url, page, served):
            root = served.roots.get(url)
            message = root.message if isinstance(root, Unreachable) else page.message
            if root is False:
                message = f"{page.message}, and neither does its index answer"
            return Gap("file", package.filename, "", message, fault=page.kind != "offline")
    if empty := [url for url, page in read.items() if isinstance(page, Page) and not page.cached]:
        reason = f"{empty[0]} answered with a page that lists no file at all, so it may not be an index page"
        return Gap("file", package.filename, "", reason, fault=True)
    cached = any(isinstance(page, Page) and page.cached for page in read.values())
    reason = "only a cached page was read" if cached else "the lock does not say where it comes from"
    return Gap("file", package.filename, "", reason)


def sibling_facts(lock: Lock, pages: Mapping[str, Mapping[str, Page | Unreachable]]) -> Snapshot:
    """Compare the pages of each package (name -> index -> page) with each other, for its locked version.

    A file counts as the same when public version, Python and platform are: `+cu124` and `+cpu` are siblings.
    """
    rows: list[tuple[str, str, str, Seen | str]] = []
    gaps: list[Gap] = []
    for package in lock.packages:
        mine = pages.get(package.name, {})
        gaps += [
            Gap("sibling", f"{package.name} on {place}", "", page.message, fault=page.kind != "offline")
            for place, page in mine.items()
            if isinstance(page, Unreachable) and page.kind != "missing"
        ]
        listed = {
            place: page.of(package.name) if isinstance(page, Page) else ()
            for place, page in mine.items()
            if isinstance(page, Page) or page.kind == "missing"
        }
        rows += _lacking(package, listed)
        rows += _disputed(package, listed)
    return snapshot(rows, gaps)


def _lacking(
    package: LockedPackage, listed: Mapping[str, Sequence[File]]
) -> Iterator[tuple[str, str, str, Seen | str]]:
    wanted = _build(package.filename)
    having = [place for place, files in listed.items() if wanted in {_build(f.name) for f in files}]
    for place in listed:
        if having and place not in having:
            versions = some(_versions(listed[place]), _MOST_NAMED) or "none"
            note = f"{', '.join(having)} has it; this index lists {versions}"
            yield (
                "sibling", f"{package.name} on {place}", "lacks",
                Seen(f"{package.name} {package.version.public} for this Python and platform", note),
            )  # fmt: skip


def _disputed(
    package: LockedPackage, listed: Mapping[str, Sequence[File]]
) -> Iterator[tuple[str, str, str, Seen | str]]:
    for place, files in listed.items():
        for file in files:
            if file.name == package.filename and file.sha256 not in ("", package.sha256):
                yield ("sibling", f"{package.filename} on {place}", "sha256", file.sha256)


def _build(filename: str) -> tuple[str, str, str]:
    """Return public version, Python and machine of a wheel; the name itself of anything else."""
    try:
        _, version, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return (filename, "", "")
    tag = min(tags, key=str)
    machine = "any" if tag.platform == "any" else tag.platform.partition("_")[0][:5]
    arch = next((a for a in ("x86_64", "aarch64", "arm64", "amd64") if tag.platform.endswith(a)), "")
    return (version.public, f"{tag.interpreter}-{tag.abi}", f"{machine} {arch}")


def _versions(files: Sequence[File]) -> list[str]:
    found = {file.version for file in files if file.version is not None}
    return [str(version) for version in sorted(found, reverse=True)]
