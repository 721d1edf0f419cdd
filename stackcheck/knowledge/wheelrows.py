"""Files of an index, releases by their wheels, and rows as text: what rows are made of wheels with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import msgspec
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from stackcheck.model.platforms import PLATFORMS
from stackcheck.model.wheel_tags import stack_platforms

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Sequence
    from datetime import date

    from packaging.tags import Tag


_LONGEST = 300
"""Characters that are kept of a text of an index."""


class IndexFile(Protocol):
    """One file that an index page lists."""

    @property
    def name(self) -> str:
        """The file's name."""

    @property
    def url(self) -> str:
        """Where it can be had."""

    @property
    def yanked(self) -> str | None:
        """Why it was withdrawn; None for a file in good standing."""

    @property
    def uploaded(self) -> str:
        """When it was uploaded, ISO 8601; "" when the page does not say."""


class Source(Protocol):
    """The index, as far as a refresh needs it."""

    def files(self, project: str) -> Sequence[IndexFile]:
        """Return the files of a project; raise ResolveError when its page cannot be read."""

    def open(self, url: str) -> io.RawIOBase:
        """Return a wheel as a seekable file that is fetched piece by piece."""


class Addition(msgspec.Struct, frozen=True):
    """One new row: the package whose file it stands in, its kind, its title, and its text in TOML."""

    package: str
    kind: str
    title: str
    version: Version
    text: str


class Wheels(msgspec.Struct):
    """The wheels of one release, by platform and Python; `glibc`: what its symbols need, where told."""

    version: Version
    wheels: dict[str, dict[str, IndexFile]]
    glibc: str = ""

    @property
    def pythons(self) -> dict[str, tuple[str, ...]]:
        """Return the Pythons of each platform, oldest first."""
        return {
            platform: tuple(sorted(self.wheels[platform], key=_python_key))
            for platform in PLATFORMS
            if platform in self.wheels
        }

    @property
    def yanked(self) -> str:
        """Return why the release was withdrawn; "" when one of its files was not."""
        files = [each for wheels in self.wheels.values() for each in wheels.values()]
        reasons = [each.yanked for each in files]
        return (reasons[0] or "withdrawn") if reasons and all(each is not None for each in reasons) else ""

    @property
    def uploaded(self) -> str:
        """Return the day of its first file; "" when the page does not say it."""
        return min(each.uploaded for wheels in self.wheels.values() for each in wheels.values())[:10]

    def wheel(self, platform: str) -> IndexFile:
        """Return the wheel of the oldest Python: most of what is read is the same in all of a platform."""
        wheels = self.wheels[platform]
        return wheels[min(wheels, key=lambda python: (python.endswith("t"), _python_key(python)))]

    def newest_wheel(self, platform: str) -> IndexFile:
        """Return the wheel of the newest Python: old ones are compiled with the last NumPy that they have."""
        wheels = self.wheels[platform]
        return wheels[max(wheels, key=lambda python: (not python.endswith("t"), _python_key(python)))]


class NotStatedError(Exception):
    """A wheel does not say something that the row needs."""


def releases(files: Iterable[IndexFile], first: Version) -> dict[str, Wheels]:
    """Group the wheels of an index page by release, oldest first, without pre-releases and old ones."""
    found: dict[str, Wheels] = {}
    for file in files:
        try:
            _, version, _, tags = parse_wheel_filename(file.name)
        except (InvalidWheelFilename, InvalidVersion):
            continue
        if version.is_prerelease or version.local or version < first:
            continue
        project = found.setdefault(str(version), Wheels(version, {}))
        for tag in tags:
            for platform in PLATFORMS.keys() & {*stack_platforms(tag.platform)}:
                project.wheels.setdefault(platform, {})[_python(tag)] = file
    whole = {name: each for name, each in found.items() if each.wheels}
    return dict(sorted(whole.items(), key=lambda item: item[1].version))


def _python(tag: Tag) -> str:
    digits = tag.interpreter[2:]
    free_threaded = "t" if tag.abi.endswith("t") else ""
    return digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}{free_threaded}"


def _python_key(python: str) -> tuple[int, str]:
    return (int(python[2:].removesuffix("t") or 0), python)


def newest_row(name: str, version: Version, today: date) -> Addition:
    """Return the row that says which release of a package is the newest."""
    where = f"the names of the files at https://pypi.org/simple/{name}/"
    return addition(name, "newest", f"{name} {version}", version, [f'version = "{version}"'], where, today)


def file_version(filename: str, project: str) -> Version | None:
    """Return the version of a wheel or source archive of a project; None for any other file."""
    try:
        if filename.endswith(".whl"):
            name, version, *_ = parse_wheel_filename(filename)
        else:
            name, version = parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
    return version if name == project else None


def quoted(text: str) -> str:
    """Return text of an index as a TOML string: one line, no control characters, bounded."""
    clean = re.sub(r"[^\x20-\x7e]", " ", text)[:_LONGEST].replace("\\", "/").replace('"', "'")
    return f'"{clean}"'


def addition(  # noqa: PLR0913, PLR0917 - one row has that many parts
    package: str, kind: str, title: str, version: Version, lines: list[str], source: str, today: date
) -> Addition:
    """Return a row with its lines, its day and its source; `package` names the file that it stands in."""
    made = 'made = "stackcheck tables refresh"'
    text = "\n".join([f"[[{kind}]]", *lines, made, f"checked = {today}", f"source = {quoted(source)}"])
    return Addition(package, kind, title, version, text)
