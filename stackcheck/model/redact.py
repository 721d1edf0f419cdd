"""Make text of the outside fit to be shown: no credentials, no control characters, no endless lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from stackcheck_probes.credentials import without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_AUTHORIZATION = re.compile(r"(?i)\b(authorization\s*[:=]\s*)(?:basic|bearer|token)?\s*\S+")
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}://)[^/\s\"'<>?#]*@")
_SECRET_NAME = re.compile(r"(?i)(?:password|passwd|token|secret|api_?key|credential)")
_URL_NAME = re.compile(r"(?i)(?:index|find_links|proxy|url)")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text without credentials: user parts of URLs, token-like query values, Authorization values.

    `secrets` are further values that must not appear, such as passwords that came by the environment.
    """
    clean = _AUTHORIZATION.sub(r"\1***", without_credentials(text))
    for secret in sorted({s for s in secrets if len(s) > 2}, key=len, reverse=True):
        clean = clean.replace(secret, "***")
    return clean


def without_userinfo(text: str) -> str:
    """Return text whose URLs have lost their user part altogether, and so still work where none is needed."""
    return without_credentials(_USERINFO.sub(r"\g<scheme>", text) if "@" in text else text)


def shown(text: str, limit: int = 4000, secrets: Iterable[str] = ()) -> str:
    """Return text of an untrusted source as it may stand in a report: redacted, printable, bounded."""
    clean = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii")
                    for c in redact(text[: limit * 4], secrets))  # fmt: skip
    return clean if len(clean) <= limit else f"{clean[:limit]} ... ({len(text)} characters in all)"


def secrets_of(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the passwords that an environment holds, alone or inside the URLs of indexes and proxies."""
    found: set[str] = set()
    for name, value in environ.items():
        if _SECRET_NAME.search(name):
            found.add(value)
        if _URL_NAME.search(name):
            found |= {part for url in value.replace(",", " ").split() for part in _userinfo(url)}
    return frozenset(each for each in found if len(each) > 2)


def _userinfo(url: str) -> set[str]:
    try:
        parts = urlsplit(url)
        word = parts.password or (parts.username if parts.scheme else None) or ""
    except ValueError:
        return set()
    return {word, unquote(word)}
