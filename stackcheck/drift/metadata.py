"""The METADATA of a wheel on an index: the index's own copy, or by ranges out of the wheel."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from stackcheck.model.enumeration import some
from stackcheck.model.errors import ResolveError
from stackcheck.model.index_pages import Unreachable
from stackcheck.model.redact import shown
from stackcheck.resolve.metadata import required_by, wheel_metadata

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from stackcheck.model.index_pages import File
    from stackcheck.resolve.index import Fetcher

_MOST_NAMED = 40


def note_on(file: File, fetcher: Fetcher) -> str:
    """Say what a wheel requires by the METADATA that its index has now, or why that could not be read."""
    try:
        text = _offered(file, fetcher) if file.metadata else _from_zip(file, fetcher)
    except _NotReadError as error:
        return f"its METADATA was not read: {shown(str(error), 200)}"
    names = sorted({f"{each.name}{each.specifier}" for each in required_by(text) if not _is_extra(each)})
    return f"now requires {some(names, _MOST_NAMED) or 'nothing'}"


class _NotReadError(Exception):
    """Why METADATA could not be read."""


def _is_extra(requirement: Requirement) -> bool:
    """Tell what an ordinary installation does not draw in."""
    return requirement.marker is not None and "extra" in str(requirement.marker)


def _offered(file: File, fetcher: Fetcher) -> str:
    """Read `<url>.metadata` (PEP 658), which must be what the page says."""
    content = fetcher.content(f"{file.url}.metadata")
    if isinstance(content, Unreachable):
        raise _NotReadError(content.message)
    if hashlib.sha256(content).hexdigest() != file.metadata:
        raise _NotReadError(f"{file.url}.metadata is not what its page states (sha256)")
    return content.decode("utf-8", "replace")


def _from_zip(file: File, fetcher: Fetcher) -> str:
    if not file.is_wheel:
        raise _NotReadError("a source archive has no METADATA that is binding")
    try:
        return wheel_metadata(file.url, fetcher)
    except ResolveError as error:
        raise _NotReadError(str(error)) from None
