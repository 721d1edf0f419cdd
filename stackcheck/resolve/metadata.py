"""What wheels say that they require, read in pieces or from the index's own copy: no wheel is downloaded.

Source: https://packaging.python.org/en/latest/specifications/core-metadata/ and
https://peps.python.org/pep-0658/ (the copy beside a wheel), checked 2026-11-30.
"""

from __future__ import annotations

import email.parser
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from stackcheck.knowledge.wheelfile import read_member
from stackcheck.model.errors import ResolveError
from stackcheck.model.index_pages import Unreachable
from stackcheck.model.redact import shown, without_userinfo
from stackcheck.resolve.wheelindex import WheelIndex
from stackcheck.storage.folders import write_atomically

if TYPE_CHECKING:
    import io
    from collections.abc import Sequence

    from stackcheck.model.resolution import LockedPackage, Resolution
    from stackcheck.resolve.index import Fetcher

PARTNERS = frozenset({"torch", "torchvision", "torchaudio", "triton", "numpy"})
"""What compiled packages are bound to: requirements on these are read with their ranges and markers."""
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
        with suppress(InvalidRequirement):
            found.append(Requirement(line))
    return tuple(found)


def declared(found: Resolution, fetcher: Fetcher) -> dict[str, tuple[str, ...]]:
    """Return what the resolved wheels say of torch, NumPy and the like: package -> its requirements on these.

    A package that could not be read is absent. A wheel is known by its hash, so it is read once for ever;
    offline only what was read before counts.
    """
    bound = [p for p in found.packages if p.is_wheel and PARTNERS & set(p.requires)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        read = list(pool.map(lambda package: _lines(package, fetcher), bound))
    return {
        package.name: tuple(line for line in lines if _is_about_partner(line))
        for package, lines in zip(bound, read, strict=True)
        if lines is not None
    }


def _is_about_partner(line: str) -> bool:
    return canonicalize_name(Requirement(line).name) in PARTNERS


def _lines(package: LockedPackage, fetcher: Fetcher) -> tuple[str, ...] | None:
    """Return every requirement of a wheel, from what is kept or from its index; None where neither has it."""
    path = fetcher.cache / "metadata" / f"{package.sha256}.json" if fetcher.cache and package.sha256 else None
    if path is not None and (kept := _kept(path)) is not None:
        return kept
    if fetcher.offline or not package.url:
        return None
    try:
        lines = tuple(map(str, required_by(_fetched(package.url, fetcher))))
    except ResolveError:
        return None
    if path is not None:
        with suppress(OSError):
            write_atomically(
                path, json.dumps({"sha256": _digest(lines), "lines": lines}).encode(), mode=0o600
            )
    return lines


def _fetched(url: str, fetcher: Fetcher) -> str:
    copy = fetcher.content(f"{url}.metadata") if url.startswith("http") else Unreachable("missing", url)
    return wheel_metadata(url, fetcher) if isinstance(copy, Unreachable) else copy.decode("utf-8", "replace")


def _kept(path: Path) -> tuple[str, ...] | None:
    """Return what was kept of a wheel; None for nothing, and for what is not as it was written."""
    try:
        row = json.loads(path.read_bytes())
        lines = tuple(map(str, row["lines"]))
        for line in lines:
            Requirement(line)
        return lines if row["sha256"] == _digest(lines) else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()
