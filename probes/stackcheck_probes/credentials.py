"""Take user names, passwords and tokens out of text before it leaves the target.

Three questions, each answered here alone: does a name (of a variable, of a query key) speak of a secret,
where in running text do URLs hold one, and what may be shown of the value of a variable.
"""

from __future__ import annotations

import re

_WORDS = frozenset(
    (
        *("AUTH", "AUTHORIZATION", "BEARER", "COOKIE", "CREDENTIAL", "CREDENTIALS", "CREDS", "JWT", "KEY"),
        *("KEYS", "PASS", "PASSWD", "PASSWORD", "PASSPHRASE", "PAT", "PRIVATE", "PW", "PWD", "SECRET"),
        *("SECRETS", "TOKEN", "TOKENS"),
    )
)
_ENDS = ("PASSWORD", "PASSWD", "PASSPHRASE", "TOKEN", "SECRET", "APIKEY", "ACCESSKEY", "PRIVATEKEY")
_IN_QUERIES = frozenset(("JSESSIONID", "SESSION", "SESSIONID", "SID", "SIG", "SIGNATURE"))
_FOLDERS = frozenset(("PWD", "OLDPWD"))
"""Variables of the shell whose names look like one; they hold folders."""

# What a URL may carry before its host (RFC 3986, 3.2.1); quotes and `@` are seen there, blanks are not.
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}://)[^/\s@\"]*(?:@[^/\s@\"]*)*@")
_QUERY = re.compile(r"([?&;#]([A-Za-z0-9_.%\[\]-]{1,80})=)([^&;\s#\"'<>]+)")


def is_secret_name(name: str) -> bool:
    """Tell whether a name says that its value is a secret: GITHUB_PAT, hfAuth, X-Amz-Signature; not PWD."""
    if name in _FOLDERS:
        return False
    words = re.split(r"[^A-Z0-9]+", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).upper())
    return any(word in _WORDS or word.endswith(_ENDS) for word in words)


def without_credentials(text: str) -> str:
    """Return `text` with the user part of every URL and secret values of query and fragment as `***`."""
    if "@" in text:
        text = _USERINFO.sub(r"\g<scheme>***@", text)
    return _QUERY.sub(_query, text) if "=" in text else text


def _query(match: re.Match[str]) -> str:
    name = match.group(2)
    words = set(re.split(r"[^A-Z0-9]+", name.upper()))
    return match.group(1) + "***" if is_secret_name(name) or words & _IN_QUERIES else match.group()


def shown_value(name: str, value: str) -> str:
    """Return what may be shown of a variable.

    That is nothing where its name speaks of a secret. Of a URL all up to the last `@` goes, whatever stands
    before it: a password that nobody has quoted may hold blanks, slashes and quotes.
    """
    if is_secret_name(name):
        return "***"
    scheme, separator, rest = value.partition("://")
    if "@" in rest:
        return without_credentials(scheme + separator + "***@" + rest.rpartition("@")[2])
    return without_credentials(value)
