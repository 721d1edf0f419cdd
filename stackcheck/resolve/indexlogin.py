"""Find the credentials for an index page, where uv would find them."""

from __future__ import annotations

import netrc
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from stackcheck.model.index_urls import Place

if TYPE_CHECKING:
    from collections.abc import Mapping


def login_for(url: str, environ: Mapping[str, str]) -> str:
    """Return `user:password` for a URL; "" when nothing is known for it.

    It comes from the URL itself, from the variables that uv reads for this index, or from netrc.
    """
    parts = urlsplit(url)
    if parts.username is not None:
        return f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    for name in environ:
        match = re.fullmatch(r"UV_INDEX_([A-Z0-9_]+)_USERNAME", name)
        if match and _slug(parts.netloc + parts.path).startswith(match[1]):
            return f"{environ[name]}:{environ.get(f'UV_INDEX_{match[1]}_PASSWORD', '')}"
    return _from_netrc(parts.hostname or "", environ)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", Place(f"https://{text}").name.upper())


def _from_netrc(host: str, environ: Mapping[str, str]) -> str:
    home = Path(environ.get("HOME") or "/nonexistent")
    path = Path(environ.get("NETRC") or home / ".netrc")
    try:
        entry = netrc.netrc(path).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return ""
    return f"{entry[0]}:{entry[2]}" if entry else ""
