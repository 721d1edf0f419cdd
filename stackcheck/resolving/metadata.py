"""The METADATA of one wheel, at a URL or in a folder, read in pieces: the wheel is not downloaded.

Source: https://packaging.python.org/en/latest/specifications/core-metadata/, checked 2026-11-30.
"""

from __future__ import annotations

import email.parser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement

from stackcheck.errors import ResolveError
from stackcheck.redact import shown, without_userinfo
from stackcheck.resolving.wheelindex import WheelIndex
from stackcheck.tables.wheelfile import read_member

if TYPE_CHECKING:
    import io

    from stackcheck.resolving.index import Fetcher

MOST_BYTES = 8 << 20


def wheel_metadata(place: str, fetcher: Fetcher) -> str:
    """Return the METADATA of the wheel at a URL or path.

    Raises ResolveError when it cannot be read; the message names the place without credentials.
    """
    try:
        with _opened(place, fetcher) as wheel:
            content = read_member(wheel, ".dist-info/METADATA", MOST_BYTES)
    except (OSError, ResolveError) as error:
        words = str(error).removeprefix(f"{without_userinfo(place)}: ")  # the index names its URL already
        raise ResolveError(f"{shown(place, 200)}: {shown(words, 200)}") from None
    if content is None:
        raise ResolveError(f"{shown(place, 200)} holds no METADATA")
    return content.decode("utf-8", "replace")


def _opened(place: str, fetcher: Fetcher) -> io.RawIOBase:
    if place.startswith(("http://", "https://")):
        if fetcher.offline:
            raise ResolveError("not read (--offline)")
        return WheelIndex(fetcher).open(place)
    path = Path(unquote(urlsplit(place).path) if place.startswith("file:") else place)
    return path.open("rb", buffering=0)


def required_by(metadata: str) -> tuple[Requirement, ...]:
    """Return what METADATA requires, in its order; a line that is not a requirement is left out."""
    found = []
    for line in email.parser.HeaderParser().parsestr(metadata).get_all("Requires-Dist") or ():
        try:
            found.append(Requirement(line))
        except InvalidRequirement:
            continue
    return tuple(found)
