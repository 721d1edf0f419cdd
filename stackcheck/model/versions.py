"""Versions and ranges by PEP 440: 2.8 is 2.8.0, and a local version names a build, not another release."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from packaging.specifiers import SpecifierSet


LATEST = "latest"
"""What stands in the place of a version where a stack takes the newest."""
_ZEROS = re.compile(r"(?:\.0)+$")


class KeptVersion(Version):
    """A version that keeps its texts, of which messages are made: `packaging` builds them anew each time."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._shown = super().__str__()
        self._public = self._shown.partition("+")[0]

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"<Version('{self}')>"

    @property
    def public(self) -> str:
        """Return the version without its local part."""
        return self._public


class DriverVersion(Version):
    """A driver version: compared as a version, printed as NVIDIA writes it ("580.65.06")."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text


@cache
def parse_driver_version(text: str) -> DriverVersion:
    """Parse a driver version once."""
    return DriverVersion(text)


@lru_cache(maxsize=16384)
def parse_version(text: str) -> Version:
    """Parse a version once; the same text comes up in many rows, stacks and rules."""
    return KeptVersion(text)


@lru_cache(maxsize=16384)
def parse_specifier(text: str) -> SpecifierSet:
    """Parse a version range once."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - many modules know no range, only versions

    return SpecifierSet(text)


@lru_cache(maxsize=16384)
def release_key(version: Version | str) -> str:
    """Return the text that all spellings of one release share; the local part names a build of it.

    Source:
    https://packaging.python.org/en/latest/specifications/version-specifiers/#public-version-identifiers

    >>> release_key("2.8") == release_key("2.8.0+cu128")
    True
    """
    # What `packaging.utils.canonicalize_version` returns, without the 9 ms that its module takes.
    parsed = parse_version(version) if isinstance(version, str) else version
    release = parsed.base_version
    return _ZEROS.sub("", release) + parsed.public.removeprefix(release)


def same_release(one: Version, other: Version) -> bool:
    """Tell whether two versions are the same release, whatever their builds."""
    return release_key(one) == release_key(other)


@lru_cache(maxsize=4096)
def minor(version: Version | str) -> str:
    """Return major.minor as text: CUDA 12.4.1 is 12.4, Python 3.11.2 is 3.11."""
    parsed = parse_version(version) if isinstance(version, str) else version
    return f"{parsed.major}.{parsed.minor}"


def spelled(accepted: SpecifierSet) -> str:
    """Return a version range with its lower bounds first: >=0.7.11,<0.8.0.

    >>> spelled(SpecifierSet("<0.8.0,>=0.7.11"))
    '>=0.7.11,<0.8.0'
    """
    return _spelled(str(accepted))


@lru_cache(maxsize=4096)
def _spelled(text: str) -> str:
    # Kept by the text: >=2.6 and >=2.6.0 are equal, and each is to be shown as it stands.
    order = {">": 0, "=": 1, "~": 1, "!": 2, "<": 3}
    parts = filter(None, text.split(","))
    return ",".join(sorted(parts, key=lambda part: (order.get(part[0], 2), part)))


def ranges_meet(one: SpecifierSet, other: SpecifierSet) -> bool:
    """Tell whether some release is in both ranges; each is a union of intervals, so their ends decide.

    >>> ranges_meet(SpecifierSet("==3.0.*"), SpecifierSet(">=3.1"))
    False
    """
    return any(one.contains(each) and other.contains(each) for each in ends((one, other)))


def ends(ranges: Iterable[SpecifierSet]) -> Iterator[Version]:
    """Yield the ends of ranges, a release just above each, and 0: where two overlap, one is in both."""
    yield Version("0")
    for each in {specifier.version.removesuffix(".*") for accepted in ranges for specifier in accepted}:
        release = Version(each).release
        yield Version(each)
        yield Version(".".join(map(str, (*release, 1))))
        yield Version(".".join(map(str, (*release[:-1], release[-1] + 1))))


def nightly_day(version: Version) -> date | None:
    """Return the day of a nightly build; None for any other version.

    >>> nightly_day(Version("2.10.0.dev20250929+cu128"))
    datetime.date(2025, 9, 29)
    """
    from datetime import datetime  # noqa: PLC0415 - few versions are nightlies

    digits = str(version.dev) if version.dev else ""
    try:
        return datetime.strptime(digits, "%Y%m%d").date()  # noqa: DTZ007 - a day, no time
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def exact_version(text: str) -> Version | None:
    """Return the version that a text pins exactly; None for a range or a word."""
    # Every rule asks for the same few versions: parsing them once is half the time of a check.
    try:
        return parse_version(text.removeprefix("===").removeprefix("==").strip())
    except InvalidVersion:
        return None
