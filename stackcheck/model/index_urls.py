"""Where a stack takes its wheels from: its indexes and find-links pages. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from stackcheck.model.redact import without_userinfo

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack


@dataclass(frozen=True, slots=True)
class Place:
    """One index or page that uv asks: `flat` for a find-links page, `only_for` the one package it serves."""

    url: str
    flat: bool = False
    only_for: str = ""
    default: bool = False

    @property
    def name(self) -> str:
        """Return a short name, for messages and for uv; two places may have the same."""
        parts = split_url(self.url)
        host = (parts.netloc.rpartition("@")[2] + parts.path).removesuffix("/simple").rstrip("/")
        return re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-") or "index"

    def page_of(self, project: str) -> str:
        """Return the URL of the page on which this place lists a distribution."""
        return self.url if self.flat else f"{self.url.rstrip('/')}/{project}/"

    @property
    def shown(self) -> str:
        """Return the URL without credentials."""
        return without_userinfo(self.url)


_CODES = {".": "_", "/": "__", "-": "___", ":": "____"}


def login_name(url: str) -> str:
    """Return the NAME of UV_INDEX_<NAME>_USERNAME and _PASSWORD for a place; no two places share one.

    It is scheme, host, port and path in capitals: a dot is one underscore, a slash two, a hyphen three, a
    colon four, and anything else, or a dot beside a slash, stands as hexadecimal.

    >>> login_name("https://pypi.example.com/team-a/simple/")
    'HTTPS_PYPI_EXAMPLE_COM__TEAM___A__SIMPLE'
    """
    parts = split_url(url)
    host = parts.netloc.rpartition("@")[2].lower()
    path = re.sub(r"(?<=/)\.|\.(?=/)", "\0", parts.path.rstrip("/"))
    return f"{parts.scheme.upper()}_{''.join(_coded(sign) for sign in host + path)}"


def _coded(sign: str) -> str:
    if sign.isascii() and sign.isalnum():
        return sign.upper()
    return _CODES.get(sign) or f"_____{ord(sign):X}_"


def places(stack: Stack) -> tuple[Place, ...]:
    """Return every index and find-links page that the definition states, those for one package first."""
    own: list[Place] = []
    for name, package in stack.packages.items():
        if package.origin == "conda":
            continue
        if package.index:
            own.append(Place(_absolute(package.index, stack), only_for=name))
        elif package.find_links:
            own.append(Place(_absolute(package.find_links, stack), flat=True, only_for=name))
        if package.index and package.find_links:
            own.append(Place(_absolute(package.find_links, stack), flat=True))
    shared = [Place(_absolute(url, stack), flat=True) for url in stack.index.find_links]
    shared += [Place(_absolute(url, stack)) for url in stack.index.extra]
    if stack.index.url:
        shared.append(Place(_absolute(stack.index.url, stack), default=True))
    return (*own, *shared)


def _absolute(place: str, stack: Stack) -> str:
    """Read a relative folder as lying beside the definition file."""
    if "://" in place or Path(place).is_absolute():
        return place
    return str((Path(stack.file).parent / place).resolve())


def local_path(place: str) -> Path | None:
    """Return the path of a place that is a folder or file of this machine; None for what a server has."""
    if place.startswith("file:"):
        return Path(unquote(split_url(place).path))
    return None if "://" in place else Path(place)


def split_url(url: str) -> SplitResult:
    """Split a URL; one that is none becomes empty parts, so that uv is the one to say so."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def plain_url(url: str) -> str:
    """Return a URL without user part, query and fragment."""
    parts = split_url(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
