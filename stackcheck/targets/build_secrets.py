"""What build steps may know and the image may not: CA certificates, logins of package indexes, proxies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import certifi

from stackcheck.images.dockerfile import CA, NETRC
from stackcheck.model.index_urls import places
from stackcheck.model.redact import secrets_of
from stackcheck.resolve.indexlogin import login_for, origin, stated_places
from stackcheck.storage.reading import open_file, read_certificates

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import Resolution
    from stackcheck.targets.engine import BuildOptions, Progress

_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
Logins: TypeAlias = Mapping[str, tuple[str, str]]
"""Host -> user name and password."""
_TEXT_LIMIT = 64 << 10
_SHORTEST_SECRET = 6


def gather_secrets(options: BuildOptions, known: Logins, folder: Path, progress: Progress) -> dict[str, Path]:
    """Return the files to mount for build steps, by id; made ones lie in `folder`, which only the user reads.

    Raise `UsageError` for a secret or CA file that cannot be read.
    """
    secrets = {name: Path(path) for name, path in options.secrets.items()}
    if bundle := ca_bundle(options, folder, progress):
        secrets[CA] = bundle
    if known:
        secrets[NETRC] = _private(folder / "netrc", render_netrc(known))
    for path in secrets.values():
        open_file(path).close()
    return secrets


def texts_to_hide(secrets: Mapping[str, Path], environ: Mapping[str, str]) -> list[str]:
    """Return every line and word of the secrets that no log may have (CA certificates are public)."""
    texts = [
        path.read_text("utf-8", errors="replace")  # bytes: a secret need not be text
        for name, path in secrets.items()
        if name != CA and path.stat().st_size <= _TEXT_LIMIT
    ]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    words = [word for line in lines for word in (*line.split(), line.partition("=")[2])]
    return [piece for piece in (*lines, *words, *secrets_of(environ)) if len(piece) >= _SHORTEST_SECRET]


def ca_bundle(options: BuildOptions, folder: Path, progress: Progress) -> Path | None:
    """Return the certificates that build steps trust; None when those of the base serve.

    `ca_file` is added to the well-known ones; the variables of the environment replace them, as they do for
    pip and curl.
    """
    if options.ca_file:
        extra = read_certificates(options.ca_file)
        return _private(folder / "ca.pem", f"{Path(certifi.where()).read_text('utf-8')}\n{extra}")
    for name in _CA_VARIABLES:
        path = options.environ.get(name, "")
        if path and Path(path).is_file():
            progress(f"build steps trust the CA certificates of {name} ({path}); they stay out of the image")
            return Path(path)
    return None


def logins(stack: Stack, resolution: Resolution, environ: Mapping[str, str]) -> Logins:
    """Return the logins for the hosts that locked files come from: those with which uv resolved.

    That of an index serves the files of its scheme, host and port, as it does for uv and pip.
    """
    files = [package.url for package in resolution.packages]
    known: dict[tuple[str, str, int], tuple[str, str]] = {}
    stated = (url for _, url in stated_places(environ))
    for url in (*stated, *(place.url for place in places(stack)), *files):
        user, _, word = login_for(url, environ).partition(":")
        if user:
            known.setdefault(origin(url), (user, word))
    asked = sorted({origin(url) for url in files} & known.keys())
    return {host: known[scheme, host, port] for scheme, host, port in asked}


def render_netrc(known: Logins) -> str:
    """Return logins in the form that pip, uv and curl read (the module `netrc` of Python)."""
    rows = known.items()
    return "".join(
        f"machine {host} login {_word(user)} password {_word(text)}\n" for host, (user, text) in rows
    )


def _word(text: str) -> str:
    plain = re.fullmatch(r"[^\s\"\\#]+", text)
    return text if plain else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
    return path
