"""Make text of the outside fit to be shown: no credentials, no control characters, no endless lines.

What is a secret by its name or its place in a URL is said by `stackcheck_probes.credentials`, which travels
into targets; here are the secrets that are known by value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from stackcheck_probes.credentials import is_secret_name, shown_value, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["redact", "secrets_of", "shown", "shown_value", "without_secrets", "without_userinfo"]

_AUTHORIZATION = re.compile(
    r"(?i)\b((?:proxy-)?authorization[ \t]{0,8}[:=][ \t]{0,8})(?:basic|bearer|token|digest)?[ \t]{0,8}\S+"
)
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}://)[^/\s\"<>?#]*@")
_URL_NAME = re.compile(r"(?i)(?:index|find_links|proxy|url)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://")
_BREAKS = re.compile(r"[^A-Za-z0-9._~!$&()*+=-]+")
"""Where a reader of URLs may think that one ends, and show the rest."""
_PLAIN = frozenset(
    ("true", "false", "yes", "off", "none", "null", "basic", "bearer", "enabled", "disabled", "x-oauth-basic")
)
"""Values of variables such as REGISTRY_AUTH that are words, not secrets."""
_SHORTEST_PIECE = 4


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text without credentials: user parts of URLs, secret query values, Authorization values.

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
    """Return the passwords that an environment holds, alone or inside URLs, in the forms that tools show."""
    found: set[str] = set()
    for name, value in environ.items():
        if is_secret_name(name) and value.lower() not in _PLAIN:
            found |= _forms(value)
        if "@" in value and ("://" in value or _URL_NAME.search(name)):
            found.update(form for each in _passwords(value) for form in _forms(each))
    return frozenset(each for each in found if len(each) > 2)


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables that hold a secret, by name or inside a URL."""
    return {
        name: value
        for name, value in environ.items()
        if not is_secret_name(name) and shown_value(name, value) == value
    }


def _passwords(value: str) -> Iterator[str]:
    """Yield the secret of each URL in the value of a variable; all up to the last `@` is one."""
    starts = [match.end() for match in _SCHEME.finditer(value)] or [0]
    for start, stop in zip(starts, [*starts[1:], len(value)], strict=True):
        before, found, _ = value[start:stop].rpartition("@")
        if found:
            user, _, word = before.partition(":")
            yield from ((word,) if word and word.lower() not in _PLAIN else (user,))


def _forms(secret: str) -> set[str]:
    """Return a secret as it is, quoted and unquoted, and its pieces where a URL cannot hold it."""
    plain = unquote(secret)
    forms = {secret, plain, quote(plain, safe=""), quote(plain, safe="!$&'()*+,;=:@/")}
    pieces = {each for each in _BREAKS.split(plain) if each != plain}
    return forms | {each for each in pieces if len(each) >= _SHORTEST_PIECE and not _is_word(each)}


def _is_word(piece: str) -> bool:
    """Tell whether a piece may be a word of any sentence, which hiding would garble."""
    return piece.isalpha() and piece.islower() and len(piece) < 8
