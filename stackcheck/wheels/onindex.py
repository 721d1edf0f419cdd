"""The wheels of a package on an index: one of each release is read by range, and what it says is kept."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from stackcheck.model.errors import ResolveError, UsageError, WheelError
from stackcheck.model.wheel_tags import stack_platforms
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import PYPI, WheelIndex
from stackcheck.wheels.fits import Subject, wheel_subject
from stackcheck.wheels.keep import keep, kept
from stackcheck.wheels.read import read_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from packaging.tags import Tag

    from stackcheck.model.index_pages import File
    from stackcheck.wheels.facts import WheelFacts

MOST_BYTES = 1 << 30
"""Bytes that are fetched of one wheel: the dynamic symbols of a library often stand behind its GPU code."""
_AT_A_TIME = 4


@dataclass(frozen=True, slots=True)
class Release:
    """The wheels of one release for a platform: the one that is read, and the tags of all of them."""

    name: str
    version: Version
    file: File
    tags: tuple[str, ...]
    yanked: bool


def releases(name: str, files: Iterable[File], platform: str) -> list[Release]:
    """Return the releases that have a wheel for a platform, newest first."""
    found: dict[Version, list[tuple[File, frozenset[Tag]]]] = {}
    for file in files:
        try:
            project, version, _, tags = parse_wheel_filename(file.name)
        except InvalidWheelFilename:
            continue
        platforms = {each for tag in tags for each in stack_platforms(tag.platform)}
        if project == canonicalize_name(name) and platforms & {platform, "any"}:
            found.setdefault(version, []).append((file, tags))
    return [_release(name, version, found[version]) for version in sorted(found, reverse=True)]


def _release(name: str, version: Version, wheels: list[tuple[File, frozenset[Tag]]]) -> Release:
    """Choose the wheel to read: one with libraries before one for any platform, then the newest Python."""
    compiled = [each for each in wheels if not any(tag.platform == "any" for tag in each[1])] or wheels
    chosen = max(compiled, key=lambda each: _rank(each[0].name))
    tags = {str(tag) for _, each in compiled for tag in each}
    return Release(
        name, version, chosen[0], tuple(sorted(tags)), all(f.yanked is not None for f, _ in wheels)
    )


def _rank(name: str) -> tuple[bool, int, str]:
    python = re.search(r"-cp3(\d+)(?:-cp3\d+(t)?)?", name)
    return not (python and python[2]), int(python[1]) if python else 0, name


def read_release(
    release: Release, index: WheelIndex, tell: Callable[[str], None] | None = None
) -> WheelFacts:
    """Return what the wheel of a release says, from the user's cache where it is kept, else read by range.

    Raises ResolveError when it cannot be had by range, WheelError when it is damaged.
    """
    file = release.file
    found = kept(file.sha256, os.environ, file.name)
    if found is None:
        if tell:
            tell(f"{file.name}: reading{f', {file.size / 1e6:.0f} MB' if file.size else ''}")
        with index.open(file.url, MOST_BYTES) as wheel:
            found = read_wheel(wheel, filename=file.name, sha256=file.sha256)
        keep(found, os.environ)
    return found


def release_subject(release: Release, facts: WheelFacts) -> Subject:
    """Return what is judged of a release: the wheel that was read, with the Pythons of all its wheels."""
    name = f"{release.name} {release.version}"
    return wheel_subject(facts)._replace(name=name, tags=release.tags)


def subjects(  # noqa: PLR0913, PLR0917 - what is asked for, where, and how much
    name: str, version: str | None, url: str | None, platform: str, most: int, tell: Callable[[str], None]
) -> Iterator[Subject]:
    """Yield what is judged of one release of a package, or of its `most` newest final ones, newest first.

    Raises UsageError where the index has no such release for the platform. A wheel that cannot be read is
    one of which nothing was read, and says why.
    """
    index = WheelIndex(Fetcher(os.environ, timeout_s=60), url or PYPI)
    found = releases(name, index.files(name), platform)
    chosen = _chosen(found, version)[:most]
    if not chosen:
        newest = f"; the newest is {found[0].version}" if found else ""
        raise UsageError(f"{name}{f'=={version}' if version else ''}: no wheel of it for {platform}{newest}.")
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        yield from pool.map(lambda each: _subject(each, index, tell), chosen)


def _chosen(found: list[Release], version: str | None) -> list[Release]:
    if version is None:
        return [each for each in found if not each.version.is_prerelease and not each.yanked]
    try:
        wanted = Version(version)
    except InvalidVersion:
        raise UsageError(f"{version!r} is not a version.") from None
    return [each for each in found if each.version == wanted]


def _subject(release: Release, index: WheelIndex, tell: Callable[[str], None]) -> Subject:
    try:
        return release_subject(release, read_release(release, index, tell))
    except (ResolveError, WheelError) as error:
        return Subject(f"{release.name} {release.version}", (), (), release.tags, (str(error),))
