"""Find the credentials for an index: where it is stated that they are for it, and for no other place.

A place is scheme, host, port and path. A definition may come from anybody, so that a name which merely begins
like another, or is spelled like it in capitals, gives no right to its credentials.
"""

from __future__ import annotations

import netrc
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from stackcheck.model.index_urls import login_name, split_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMED = ("UV_INDEX", "UV_DEFAULT_INDEX")
"""Variables whose URLs may have a name before them: `corp=https://host/simple`."""
DEFAULTS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
"""Variables whose index takes the place of PyPI."""
STATING = (
    *NAMED,
    *("UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"),
)
"""Variables in which who calls states indexes and pages."""
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def login_for(url: str, environ: Mapping[str, str]) -> str:
    """Return `user:password` for a URL; "" when nothing is known for it.

    It comes from the URL itself, from the variables that name its place, or from netrc.
    """
    parts = split_url(url)
    if parts.username is not None:
        return f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return stated_login(url, environ) or netrc_login(url, environ)


def stated_login(url: str, environ: Mapping[str, str]) -> str:
    """Return `user:password` that variables state for a URL or for a place that it lies in; "" for none.

    `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD` count for the place whose `login_name` is NAME, and for the one
    to which who calls has given that name (`UV_INDEX="corp=https://host/simple"`).
    """
    for place in _upwards(url):
        if login := _of_name(login_name(place), environ):
            return login
    for name, place in stated_places(environ):
        if not lies_in(url, place):
            continue
        parts = split_url(place)
        if parts.username is not None:
            return f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        if name and (login := _of_name(re.sub(r"[^A-Z0-9]", "_", name.upper()), environ)):
            return login
    return ""


def stated_places(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the indexes and pages that the environment states, each with its name or ""."""
    for variable in STATING:
        for word in environ.get(variable, "").replace(",", " ").split():
            name, separator, url = word.partition("=")
            if variable in NAMED and separator and re.fullmatch(r"[A-Za-z0-9._-]+", name):
                yield name, url
            else:
                yield "", word


def lies_in(url: str, place: str) -> bool:
    """Tell whether a URL is a place or lies below it: the same origin, and the whole path before it."""
    path, below = split_url(place).path.rstrip("/"), split_url(url).path
    same = origin(url) == origin(place) != ("", "", 0)
    return same and (below == path or below.startswith(f"{path}/"))


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL; empty for what has none."""
    parts = split_url(url)
    try:
        port = parts.port
    except ValueError:
        return "", "", 0
    scheme = parts.scheme.lower()
    return (scheme, parts.hostname, port or _PORTS.get(scheme, 0)) if parts.hostname else ("", "", 0)


def netrc_login(url: str, environ: Mapping[str, str]) -> str:
    """Return what netrc has for a URL; "" where the password would go over the net for all to read.

    netrc names hosts alone. Without encryption it counts for this machine, and for places that who calls
    has stated so.
    """
    if netrc_is_withheld(url, environ):
        return ""
    home = Path(environ.get("HOME") or "/nonexistent")
    path = Path(environ.get("NETRC") or home / ".netrc")
    try:
        entry = netrc.netrc(path).authenticators(split_url(url).hostname or "")
    except (OSError, UnicodeDecodeError, netrc.NetrcParseError):
        return ""
    return f"{entry[0]}:{entry[2]}" if entry else ""


def netrc_is_withheld(url: str, environ: Mapping[str, str]) -> bool:
    """Tell whether what netrc may have for a URL is kept back, so that others must not read it."""
    parts = split_url(url)
    plain = parts.scheme.lower() == "http" and parts.hostname not in _LOOPBACK
    return plain and not any(lies_in(url, place) for _, place in stated_places(environ))


def _of_name(name: str, environ: Mapping[str, str]) -> str:
    user = environ.get(f"UV_INDEX_{name}_USERNAME")
    return f"{user}:{environ.get(f'UV_INDEX_{name}_PASSWORD', '')}" if user else ""


def _upwards(url: str) -> Iterator[str]:
    """Yield a URL and the places that it lies in, the nearest first."""
    place = url.partition("?")[0].partition("#")[0].rstrip("/")
    root = place.find("/", place.find("://") + 3)
    while "://" in place:
        yield place
        if root < 0 or len(place) <= root:
            return
        place = place.rpartition("/")[0]
