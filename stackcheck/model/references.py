"""Direct references to a distribution: a git repository, a URL, a path, and what a file name alone says.

Sources: https://packaging.python.org/en/latest/specifications/version-specifiers/#direct-references and
https://pip.pypa.io/en/stable/topics/vcs-support/ (git), checked 2026-11-30.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from packaging.version import InvalidVersion

from stackcheck.model.redact import without_userinfo

if TYPE_CHECKING:
    from packaging.tags import Tag
    from packaging.utils import NormalizedName
    from packaging.version import Version

Kind: TypeAlias = Literal["git", "url", "path"]

_GIT = re.compile(r"git\+(?:https?|ssh|file)://[^\s]+")
_SDIST = (".tar.gz", ".zip", ".tar.bz2", ".tgz")
_MOVING = frozenset({"", "main", "master", "dev", "develop", "development", "head", "trunk", "nightly"})


@dataclass(frozen=True, slots=True)
class WheelName:
    """What the file name of a wheel says: distribution (canonical), version with its local part, and tags."""

    name: NormalizedName
    version: Version
    tags: frozenset[Tag]


@lru_cache(maxsize=4096)
def kind_of(text: str) -> Kind | None:
    """Return which kind of direct reference a text is; None for a version, a range or a word.

    >>> kind_of("git+https://github.com/NVlabs/nvdiffrast@v0.3.3")
    'git'
    >>> kind_of("2.5.0+cu124") is None
    True
    """
    if text.startswith("git+"):
        return "git"
    if re.match(r"https?://", text):
        return "url"
    near = text.startswith(("./", "../", "/", "~/", "file:")) or text in {".", ".."}
    return "path" if near or text.endswith((".whl", *_SDIST)) else None


def fault_of(kind: Kind, text: str) -> str:
    """Return what is wrong with a direct reference, without the credentials in it; "" when it is sound."""
    said = without_userinfo(text)
    if kind == "git" and not _GIT.fullmatch(text):
        return f"{said!r} is not a git reference (example: 'git+https://github.com/owner/repo@v1.0')"
    if kind == "url" and not (re.match(r"https?://", text) and _host(text)):
        return f"{said!r} is not a URL (example: 'https://example.org/x-1.0-cp311-cp311-linux_x86_64.whl')"
    if file_name(text).endswith(".whl") and wheel_name(text) is None:
        return (
            f"{file_name(text)!r} is not the name of a wheel (example: 'x-1.0-cp311-cp311-linux_x86_64.whl')"
        )
    return ""


def _host(text: str) -> str:
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""


def file_name(address: str) -> str:
    """Return the last part of a URL or path, without query and fragment."""
    if "://" in address:
        try:
            address = urlsplit(address).path
        except ValueError:
            return ""
    return unquote(address).rpartition("/")[2]


@lru_cache(maxsize=4096)
def wheel_name(address: str) -> WheelName | None:
    """Return what the wheel at a URL or path is by its file name; None for what is not called a wheel.

    >>> str(wheel_name("https://e.org/torch-2.5.0%2Bcu124-cp311-cp311-linux_x86_64.whl").version)
    '2.5.0+cu124'
    """
    file = file_name(address)
    if not file.endswith(".whl"):
        return None
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename  # noqa: PLC0415 - 9 ms, all tags

    try:
        name, version, _, tags = parse_wheel_filename(file)
    except (InvalidWheelFilename, InvalidVersion):
        return None
    return WheelName(name, version, tags)


def archive_name(address: str) -> tuple[NormalizedName, Version] | None:
    """Return name and version of the source archive at a URL or path; None where its name does not say so."""
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename  # noqa: PLC0415 - as above

    try:
        return parse_sdist_filename(file_name(address))
    except (InvalidSdistFilename, InvalidVersion):
        return None


def sha256_of(url: str) -> str:
    """Return the hash that the fragment of a URL names (`#sha256=...`); "" for none."""
    found = re.search(r"#(?:.*&)?sha256=([0-9a-fA-F]{64})(?:&|$)", url)
    return found[1].lower() if found else ""


def revision(git: str) -> str:
    """Return the tag, branch or commit that a git reference names; "" for none.

    >>> revision("git+ssh://git@github.com/owner/repo@v1.0#subdirectory=python")
    'v1.0'
    """
    path = git.partition("#")[0].partition("://")[2].partition("/")[2]
    return path.rpartition("@")[2] if "@" in path else ""


def is_fixed(git: str) -> bool:
    """Tell a reference to a commit or tag from one to a branch that moves, as far as its name says so."""
    return revision(git).rpartition("/")[2].lower() not in _MOVING
