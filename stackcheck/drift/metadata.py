"""The METADATA of a wheel on an index: the index's own copy, or by ranges out of the wheel."""

from __future__ import annotations

import email.parser
import hashlib
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from stackcheck.errors import ResolveError
from stackcheck.redact import shown
from stackcheck.resolving.pages import Unreachable
from stackcheck.resolving.wheelindex import WheelIndex
from stackcheck.tables.wheelfile import read_member

if TYPE_CHECKING:
    from stackcheck.resolving.index import Fetcher
    from stackcheck.resolving.pages import File

MOST_BYTES = 8 << 20
_MOST_NAMED = 40


def note_on(file: File, fetcher: Fetcher) -> str:
    """Say what a wheel requires by the METADATA that its index has now, or why that could not be read."""
    try:
        text = _offered(file, fetcher) if file.metadata else _from_zip(file, fetcher)
    except _NotReadError as error:
        return f"its METADATA was not read: {shown(str(error), 200)}"
    names = sorted({name for each in email.parser.HeaderParser().parsestr(text).get_all("Requires-Dist") or ()
                    if (name := _required(each))})  # fmt: skip
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"now requires {', '.join(names[:_MOST_NAMED]) or 'nothing'}{more}"


class _NotReadError(Exception):
    """Why METADATA could not be read."""


def _required(text: str) -> str:
    """Return a requirement without its extras' ones: what an ordinary installation draws in."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return ""
    if requirement.marker and "extra" in str(requirement.marker):
        return ""
    return f"{requirement.name}{requirement.specifier}"


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
        content = read_member(WheelIndex(fetcher).open(file.url), ".dist-info/METADATA", MOST_BYTES)
    except ResolveError as error:
        raise _NotReadError(f"{file.url}: {error}") from None
    if content is None:
        raise _NotReadError(f"{file.url} holds no METADATA")
    return content.decode("utf-8", "replace")
