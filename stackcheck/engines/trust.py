"""What build steps may know and the image may not: CA certificates, logins of package indexes, proxies."""

from __future__ import annotations

import netrc
import shlex
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import certifi

from stackcheck.dockerfile import CA, NETRC
from stackcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stackcheck.engines.contract import BuildOptions, Progress

_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
_URL_VARIABLES = (
    "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS",
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS",
)  # fmt: skip
_TEXT_LIMIT = 64 << 10


def gather_secrets(
    options: BuildOptions, urls: Iterable[str], folder: Path, progress: Progress
) -> dict[str, Path]:
    """Return the files to mount for build steps, by id; made ones lie in `folder`, which only the user reads.

    Raise `UsageError` for a secret or CA file that cannot be read.
    """
    secrets = {name: Path(path) for name, path in options.secrets.items()}
    if bundle := ca_bundle(options, folder, progress):
        secrets[CA] = bundle
    if lines := _logins(options.environ, {urlsplit(url).hostname or "" for url in urls}):
        secrets[NETRC] = _private(folder / "netrc", "".join(lines))
    for name, path in secrets.items():
        if not path.is_file():
            raise UsageError(f"the file of the build secret {name!r} is not there: {path}")
    return secrets


def texts_to_hide(secrets: Mapping[str, Path]) -> list[str]:
    """Return every line and word of the secrets that no log may have (CA certificates are public)."""
    texts = [
        path.read_text("utf-8", errors="replace")
        for name, path in secrets.items()
        if name != CA and path.stat().st_size <= _TEXT_LIMIT
    ]
    values = [value for _, _, value in (line.partition("=") for text in texts for line in text.splitlines())]
    return [piece.strip() for text in texts for piece in (*text.splitlines(), *text.split())] + values


def ca_bundle(options: BuildOptions, folder: Path, progress: Progress) -> Path | None:
    """Return the certificates that build steps trust; None when those of the base serve.

    `ca_file` is added to the well-known ones; the variables of the environment replace them, as they do for
    pip and curl.
    """
    if options.ca_file:
        try:
            extra = options.ca_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise UsageError(f"cannot read the CA certificates in {options.ca_file}") from None
        return _private(folder / "ca.pem", f"{Path(certifi.where()).read_text('utf-8')}\n{extra}")
    for name in _CA_VARIABLES:
        path = options.environ.get(name, "")
        if path and Path(path).is_file():
            progress(f"build steps trust the CA certificates of {name} ({path}); they stay out of the image")
            return Path(path)
    return None


def _logins(environ: Mapping[str, str], hosts: set[str]) -> list[str]:
    """Return netrc lines for the hosts that files come from: of URLs in the environment, of the netrc."""
    found = _netrc_logins(environ)
    for variable in _URL_VARIABLES:
        for word in environ.get(variable, "").split():
            url = urlsplit(word.rpartition("=")[2] if "=http" in word else word)
            if url.username:
                found[url.hostname or ""] = (unquote(url.username), unquote(url.password or ""))
    return [
        f"machine {host} login {shlex.quote(user)} password {shlex.quote(password)}\n"
        for host, (user, password) in sorted(found.items())
        if host in hosts
    ]


def _netrc_logins(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    path = Path(environ.get("NETRC") or Path(environ.get("HOME") or "/nonexistent") / ".netrc")
    try:
        hosts = netrc.netrc(str(path)).hosts
    except (OSError, netrc.NetrcParseError):
        return {}
    return {host: (login, password or "") for host, (login, _, password) in hosts.items()}


def _private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
    return path
