"""What uv is given of the user's environment, and what it is not. Pure: netrc is uv's to read."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from stackcheck.model.redact import shown_value
from stackcheck.resolve.indexlogin import login_for, netrc_is_withheld

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.model.index_urls import Place
    from stackcheck.resolve.question import Question

_TRANSPORT = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT"),
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "NETRC"),
        *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
        *("all_proxy", "http_proxy", "https_proxy", "no_proxy"),
        *(
            "UV_CACHE_DIR",
            "UV_HTTP_TIMEOUT",
            "UV_REQUEST_TIMEOUT",
            "UV_HTTP_CONNECT_TIMEOUT",
            "UV_HTTP_RETRIES",
        ),
        *("UV_SYSTEM_CERTS", "UV_NATIVE_TLS", "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER"),
        *("UV_CONCURRENT_DOWNLOADS", "UV_CREDENTIALS_DIR"),
    )
)
"""Passed on: how the network is reached; none of them changes what is resolved."""

_CERTIFICATES = frozenset(
    ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS")
)
"""Left out offline, where nobody's certificate is looked at: to read some hundred takes uv 6 of 25 ms."""

_CREDENTIAL = re.compile(r"UV_INDEX_[A-Z0-9_]+_(?:USERNAME|PASSWORD)")
_DEFAULT_NAMES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_EXTRA_NAMES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")
_LINKS_NAMES = ("UV_FIND_LINKS", "PIP_FIND_LINKS")
_CERT_NAMES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CHANGING = re.compile(r"(?:UV|PIP)_(?!DISABLE_PIP|DEFAULT_TIMEOUT|CERT$)[A-Z0-9_]+")


def uv_environment(
    question: Question, environ: Mapping[str, str], named: Mapping[str, Place], *, offline: bool = False
) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Return uv's environment, the settings honoured and those left out, as `NAME=value` without secrets.

    `named` are the places of the stack under the names that uv is told. Their credentials are looked up here:
    by such a name alone uv would send them to whatever host a definition calls alike.
    """
    env = {k: v for k, v in environ.items() if k in _TRANSPORT or _CREDENTIAL.fullmatch(k)}
    used = set(env) - {"PATH", "HOME"}
    for target, names in (("SSL_CERT_FILE", _CERT_NAMES), ("UV_FIND_LINKS", _LINKS_NAMES)):
        _take(env, used, environ, target, names)
    _take(env, used, environ, "UV_INDEX", _EXTRA_NAMES)
    if not question.replaces_pypi:
        _take(env, used, environ, "UV_DEFAULT_INDEX", _DEFAULT_NAMES)
    if "UV_FIND_LINKS" in env:
        env["UV_FIND_LINKS"] = ",".join(re.split(r"[,\s]+", env["UV_FIND_LINKS"].strip()))
    for name, place in named.items():
        _credentials(env, environ, name, place)
    if any(netrc_is_withheld(place.url, environ) for place in named.values()):
        env["NETRC"] = os.devnull
    if offline:
        env = {name: value for name, value in env.items() if name not in _CERTIFICATES}
        used -= _CERTIFICATES
    env |= {"LC_ALL": "C.UTF-8", "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never"}
    left = [k for k in sorted(environ) if _CHANGING.fullmatch(k) and k not in used and k not in _TRANSPORT]
    left = [k for k in left if k not in ("UV_OFFLINE", "UV_PYTHON_DOWNLOADS")]
    taken = [k for k in sorted(used) if k.startswith(("UV_", "PIP_", "SSL_", "NETRC"))]
    return env, tuple(_setting(k, environ[k]) for k in taken), tuple(_setting(k, environ[k]) for k in left)


def _take(
    env: dict[str, str], used: set[str], environ: Mapping[str, str], target: str, names: tuple[str, ...]
) -> None:
    """Set `target` from the first of the names that the user has set."""
    for name in names:
        if environ.get(name):
            env[target] = environ[name]
            used.add(name)
            return


def _credentials(env: dict[str, str], environ: Mapping[str, str], name: str, place: Place) -> None:
    """Set the credentials of a place under its name, or take away those of another place of that name."""
    stem = f"UV_INDEX_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"
    user, _, word = login_for(place.url, {**environ, "NETRC": os.devnull}).partition(":")
    for variable, value in ((f"{stem}_USERNAME", user), (f"{stem}_PASSWORD", word)):
        env.pop(variable, None)
        if user:
            env[variable] = value


def _setting(name: str, value: str) -> str:
    return f"{name}=***" if _CREDENTIAL.fullmatch(name) else f"{name}={shown_value(name, value)}"
