"""Read the pages of package indexes: PEP 503 HTML, PEP 691 JSON, and plain find-links HTML. Pure.

Pages are untrusted: what is read is bounded, and a link counts only when it names a distribution file.
Sources: https://peps.python.org/pep-0503/, pep-0691/, pep-0700/ (size, upload time), pep-0592/ (yanked),
checked 2026-11-20.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from stackcheck.model.html_links import find_tags
from stackcheck.model.redact import without_userinfo

FailureKind: TypeAlias = Literal[
    "dns", "refused", "timeout", "tls", "denied", "missing", "server", "status", "truncated", "not-a-page",
    "too-large", "redirect", "offline", "network", "bad-url",
]  # fmt: skip

MOST_FILES = 100_000
"""As many as one page may list; the pages of the biggest projects have some 10,000."""
LONGEST_TEXT = 4096
_SHA256 = re.compile(r"sha256=([0-9a-fA-F]{64})")
_TAG = re.compile(r"<!--.*?(?:-->|$)|<script.*?(?:</script|$)|<[^<>]*", re.IGNORECASE | re.DOTALL)
_INDEX_PAGE = re.compile(
    r"pypi:repository-version|<(?:title|h1)[^>]*>\s*(?:links for|simple index|index of)\b", re.IGNORECASE
)
"""What an index page without a single file still says of itself: PEP 629, and titles that servers give."""
_DISTRIBUTION = re.compile(r"(?:\.whl|\.tar\.gz|\.zip|\.tar\.bz2|\.tgz)$")


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Why a page could not be read; `url` and `message` are without credentials."""

    kind: FailureKind
    message: str
    url: str = ""
    status: int | None = None


class NotAPageError(ValueError):
    """The text is no index page; the message says what it is instead."""


class TooLargeError(NotAPageError):
    """The page lists more files than are read."""


@dataclass(frozen=True, slots=True)
class File:
    """One distribution file that a page lists; `url` absolute and without credentials, `size` in bytes.

    `yanked` is None for a file in good standing, else the reason given ("" when none is given). `sha256`,
    `requires_python` and `uploaded` (ISO 8601) are "" where the page does not state them. `metadata` is the
    SHA-256 of its METADATA, which the index serves as `<url>.metadata` (PEP 658, PEP 714), else "".
    """

    name: str
    url: str
    sha256: str = ""
    yanked: str | None = None
    requires_python: str = ""
    uploaded: str = ""
    size: int | None = None
    metadata: str = ""

    @property
    def is_wheel(self) -> bool:
        """Tell a wheel from a source archive."""
        return self.name.endswith(".whl")

    @property
    def project(self) -> NormalizedName | None:
        """Return the canonical name of the distribution; None for a file name that is none."""
        parsed = _parsed(self.name)
        return parsed[0] if parsed else None

    @property
    def version(self) -> Version | None:
        """Return the version of the distribution; None for a file name that is none."""
        parsed = _parsed(self.name)
        return parsed[1] if parsed else None


@dataclass(frozen=True, slots=True)
class Page:
    """What a page of an index or a find-links page lists.

    `fetched` is when it was last known to be so (ISO 8601, UTC); `cached` says that it was not asked for
    again now. `etag` and `modified` are what a conditional request needs.
    """

    url: str
    files: tuple[File, ...] = ()
    etag: str = ""
    modified: str = ""
    fetched: str = ""
    cached: bool = False

    def of(self, project: str) -> tuple[File, ...]:
        """Return the files of one distribution."""
        wanted = canonicalize_name(project)
        return tuple(file for file in self.files if file.project == wanted)


def _parsed(filename: str) -> tuple[NormalizedName, Version] | None:
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[:2]
        return parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


@lru_cache(maxsize=8)
def parse_page(body: bytes, *, url: str, content_type: str = "") -> tuple[File, ...]:
    """Return the files that a page lists, in its order; the stacks of a run ask for the same few pages.

    Raises NotAPageError for what is neither HTML nor the JSON of PEP 691.
    """
    kind = content_type.partition(";")[0].strip().lower()
    start = body[:512].lstrip().lower()
    if kind.endswith("json"):
        return _from_json(body, url)
    if kind not in ("", "text/html", "application/xhtml+xml", "application/vnd.pypi.simple.v1+html"):
        raise NotAPageError(f"the answer is {kind[:60]!r}, not an index page")
    if b"\0" in body or not re.search(
        rb"<\s*(?:!doctype|html|head|body|a|title|meta|h1|ul|br|p|!--)\b", start
    ):
        raise NotAPageError("the answer is called HTML but holds none")
    return _from_html(body, url)


def _from_html(body: bytes, url: str) -> tuple[File, ...]:
    base, login, links = url, False, False
    files: list[File] = []
    text = body.decode("utf-8", "replace")
    for number, (tag, values) in enumerate(find_tags(text)):
        _check_number(number)
        links = links or tag == "a"
        if tag == "base" and not files:
            base = _joined(url, values.get("href", "")) or base
        elif tag == "a" and (file := _linked(values, base)):
            files.append(file)
        login = login or (tag == "input" and values.get("type", "").lower() == "password")
    if login and not files:
        raise NotAPageError("the answer is a login page")
    if not links and _says_something_else(text[:LONGEST_TEXT]):
        raise NotAPageError("the answer holds no link but other text, so it is not an index page")
    return tuple(files)


def _says_something_else(text: str) -> bool:
    """Tell whether the beginning of a page holds words, and none that an index page begins with."""
    return bool(re.search(r"\w", _TAG.sub("", text))) and not _INDEX_PAGE.search(text)


def _joined(base: str, href: str) -> str:
    try:
        return urljoin(base, href.strip())
    except ValueError:
        return ""


def _linked(values: dict[str, str], base: str) -> File | None:
    try:
        target, fragment = urldefrag(_joined(base, values.get("href", "")))
        parts = urlsplit(target)
    except ValueError:
        return None
    name = unquote(parts.path.rpartition("/")[2])
    near = parts.scheme == "file" and base.startswith("file:")
    if not (near or parts.scheme in ("http", "https")) or len(target) > LONGEST_TEXT or not _fit(name):
        return None
    digest = _SHA256.search(fragment)
    return File(
        name=name,
        url=without_userinfo(target),
        sha256=digest[1].lower() if digest else "",
        yanked=_cut(values["data-yanked"]) if "data-yanked" in values else None,
        requires_python=_cut(values.get("data-requires-python", "")),
        metadata=_digest(values.get("data-core-metadata") or values.get("data-dist-info-metadata") or ""),
    )


def _digest(text: str) -> str:
    found = _SHA256.fullmatch(text)
    return found[1].lower() if found else ""


def _fit(name: str) -> bool:
    return bool(_DISTRIBUTION.search(name)) and len(name) < 512 and _parsed(name) is not None


def _from_json(body: bytes, url: str) -> tuple[File, ...]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise NotAPageError("the answer is called JSON but is not") from None
    rows = document.get("files") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise NotAPageError("the answer is JSON, but not that of an index page (PEP 691)")
    _check_number(len(rows))
    return tuple(file for row in rows if (file := _listed(row, url)))


def _check_number(found: int) -> None:
    """Refuse a page that would have to be cut: what is beyond would read as not there."""
    if found > MOST_FILES:
        raise TooLargeError(f"the page is too large: it lists more than {MOST_FILES:,} files")


def _listed(row: Any, url: str) -> File | None:
    if not isinstance(row, dict) or not isinstance(row.get("url"), str) or not _fit(_text(row, "filename")):
        return None
    hashes, size, yanked = row.get("hashes"), row.get("size"), row.get("yanked", False)
    described = row.get("core-metadata") or row.get("dist-info-metadata")
    try:
        target = urljoin(url, row["url"])
    except ValueError:
        return None
    return File(
        name=_text(row, "filename"),
        url=without_userinfo(target),
        sha256=_hash_of(hashes),
        yanked=None if not yanked else _cut(yanked) if isinstance(yanked, str) else "",
        requires_python=_text(row, "requires-python"),
        uploaded=_text(row, "upload-time"),
        size=size if type(size) is int and size >= 0 else None,
        metadata=_hash_of(described),
    )


def _hash_of(hashes: Any) -> str:
    """Return the SHA-256 of a table of hashes; "" for anything else."""
    return _digest(f"sha256={_text(hashes, 'sha256')}") if isinstance(hashes, dict) else ""


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return _cut(value) if isinstance(value, str) else ""


def _cut(text: str) -> str:
    return text[:LONGEST_TEXT]
