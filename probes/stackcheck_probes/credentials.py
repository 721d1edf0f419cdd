"""Take user names, passwords and tokens out of text before it leaves the target."""

from __future__ import annotations

import re

# What a URL may carry before its host (RFC 3986, 3.2.1), and query keys that package indexes take tokens in.
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}://)[^/\s@'\"]*(?:@[^/\s@'\"]*)*@")
_QUERY = re.compile(
    r"(?i)([?&](?:[a-z_-]*(?:token|key|secret|password|signature|sig|credential)s?)=)[^&\s#'\"]+"
)


def without_credentials(text: str) -> str:
    """Return `text` with the user part of every URL and token-like query values replaced by `***`."""
    if "@" in text:
        text = _USERINFO.sub(r"\g<scheme>***@", text)
    return _QUERY.sub(r"\1***", text) if "=" in text else text
