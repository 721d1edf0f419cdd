"""The METADATA of one wheel, at a URL or in a folder, read in pieces: the wheel is not downloaded.

Source: https://packaging.python.org/en/latest/specifications/core-metadata/, checked 2026-11-30.
"""

from __future__ import annotations

import email.parser
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement

from stackcheck.errors import ResolveError
from stackcheck.redact import shown
from stackcheck.resolving.wheelindex import WheelIndex

if TYPE_CHECKING:
    import io

    from stackcheck.resolving.index import Fetcher

MOST_BYTES = 8 << 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError)
"""What the standard library raises for a zip file that is none, or is damaged or encrypted."""


def wheel_metadata(place: str, fetcher: Fetcher) -> str:
    """Return the METADATA of the wheel at a URL or path.

    Raises ResolveError when it cannot be read; the message names the place without credentials.
    """
    try:
        with _opened(place, fetcher) as wheel, zipfile.ZipFile(wheel) as archive:
            entry = next((i for i in archive.infolist() if _is_metadata(i.filename)), None)
            if entry is None or entry.file_size > MOST_BYTES:
                raise ResolveError(f"{shown(place, 200)} holds no METADATA")
            return archive.read(entry).decode("utf-8", "replace")
    except _DAMAGED as error:
        raise ResolveError(f"{shown(place, 200)}: {shown(str(error), 200)}") from None


def _opened(place: str, fetcher: Fetcher) -> io.RawIOBase:
    if place.startswith(("http://", "https://")):
        if fetcher.offline:
            raise ResolveError(f"{shown(place, 200)}: not read (--offline)")
        return WheelIndex(fetcher).open(place)
    path = Path(unquote(urlsplit(place).path) if place.startswith("file:") else place)
    return path.open("rb", buffering=0)


def _is_metadata(name: str) -> bool:
    return name.endswith(".dist-info/METADATA") and name.count("/") == 1


def required_by(metadata: str) -> tuple[Requirement, ...]:
    """Return what METADATA requires, in its order; a line that is not a requirement is left out."""
    found = []
    for line in email.parser.HeaderParser().parsestr(metadata).get_all("Requires-Dist") or ():
        try:
            found.append(Requirement(line))
        except InvalidRequirement:
            continue
    return tuple(found)
