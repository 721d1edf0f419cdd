"""What the pages of a package have for a Python and platform: versions that would serve, what is lacking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from stackcheck.environment.uv_platforms import uv_platform
from stackcheck.model.wheel_tags import supported_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.tags import Tag

    from stackcheck.model.index_pages import File
    from stackcheck.model.resolution import Kind
    from stackcheck.resolve.question import Question

MOST_SHOWN = 6


def serving(files: Iterable[File], question: Question) -> tuple[str, ...]:
    """Return the newest versions with a wheel that fits; pre-releases only where no other has one."""
    tags = _tags(question)
    found = {f.version for f in files if f.version and f.is_wheel and _sound(f, question) and _fits(f, tags)}
    final = {version for version in found if not version.is_prerelease}
    return tuple(map(str, sorted(final or found, reverse=True)[:MOST_SHOWN]))


def has_wheel(files: Iterable[File], version: Version, question: Question) -> bool:
    """Tell whether a version has a wheel that fits."""
    tags = _tags(question)
    of_version = (f for f in files if f.version == version and f.is_wheel)
    return any(_sound(f, question) and _fits(f, tags) for f in of_version)


def has_source(files: Iterable[File], requirement: str, question: Question) -> bool:
    """Tell whether pip could build a version that a requirement admits from a source archive."""
    wanted = _specifier(requirement)
    return any(
        not f.is_wheel and f.version in wanted and _sound(f, question) for f in files if f.version is not None
    )


def newer_source(files: Iterable[File], wanted: SpecifierSet, than: Version, question: Question) -> bool:
    """Tell whether pip would rather build a newer version than take the newest that has a wheel.

    A newer version with a wheel that fits was passed over for what it requires: pip passes it over as well.
    """
    tags = _tags(question)
    listed = [f for f in files if f.version is not None and f.version > than and _sound(f, question)]
    served = {f.version for f in listed if f.is_wheel and _fits(f, tags)}
    return any(
        not f.is_wheel
        and f.version is not None
        and not f.version.is_prerelease
        and f.version in wanted
        and f.version not in served
        for f in listed
    )


def lacking(files: Sequence[File], requirement: str, question: Question, said: Kind) -> Kind:
    """Return what the admitted versions lack: a wheel at all, one for the Python, one for the platform.

    `said` is what the resolver says, which stands where the pages do not know better.
    """
    wanted = _specifier(requirement)
    wheels = [f for f in files if f.version is not None and f.version in wanted and f.is_wheel]
    if said == "not-found" or not wheels:
        return said
    machines = {tag.platform for tag in _tags(question)}
    here = [f for f in wheels if machines & {tag.platform for tag in _offered(f)}]
    return "no-python-wheel" if here else "no-platform-wheel"


def platform_is_served(files: Iterable[File], question: Question) -> bool:
    """Tell whether any version has a wheel for the platform, whatever the Python."""
    machines = {tag.platform for tag in _tags(question)}
    return any(machines & {tag.platform for tag in _offered(f)} for f in files if f.is_wheel)


def _tags(question: Question) -> Mapping[Tag, int]:
    """Return what the Python accepts on the platform; on the newest glibc where none is stated."""
    return supported_tags(question.python, uv_platform(question.stack, lenient=True)[0])


def _fits(file: File, tags: Mapping[Tag, int]) -> bool:
    return any(tag in tags for tag in _offered(file))


def _offered(file: File) -> frozenset[Tag]:
    return parse_wheel_filename(file.name)[3]


def _sound(file: File, question: Question) -> bool:
    """Tell whether an installer would take a file: not yanked, and for this Python."""
    if file.yanked is not None:
        return False
    try:
        return Version(question.asks_python) in SpecifierSet(file.requires_python)
    except InvalidSpecifier:
        return True


def _specifier(requirement: str) -> SpecifierSet:
    try:
        found = Requirement(requirement).specifier
    except InvalidRequirement:
        return SpecifierSet(prereleases=True)
    return SpecifierSet(str(found), prereleases=True)
