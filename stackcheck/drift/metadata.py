"""The METADATA of a wheel on an index: the index's own copy, or by ranges out of the wheel."""

from __future__ import annotations

import email.parser
import hashlib
import zipfile
import zlib
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from stackcheck.errors import ResolveError
from stackcheck.redact import shown
from stackcheck.resolving.pages import Unreachable
from stackcheck.resolving.wheelindex import WheelIndex

if TYPE_CHECKING:
    from stackcheck.resolving.index import Fetcher
    from stackcheck.resolving.pages import File

MOST_BYTES = 8 << 20
_MOST_NAMED = 40
_NO_WHEEL = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError)
"""What the standard library raises for a zip file that is none, or is damaged or encrypted."""


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
        with zipfile.ZipFile(WheelIndex(fetcher).open(file.url)) as archive:
            entry = next((i for i in archive.infolist() if _is_metadata(i.filename)), None)
            if entry is None or entry.file_size > MOST_BYTES:
                raise _NotReadError(f"{file.url} holds no METADATA")
            return archive.read(entry).decode("utf-8", "replace")
    except (ResolveError, *_NO_WHEEL) as error:
        raise _NotReadError(f"{file.url}: {error}") from None


def _is_metadata(name: str) -> bool:
    return name.endswith(".dist-info/METADATA") and name.count("/") == 1
