"""Ask a URL by HTTP: bounded in size, time and redirects, with every kind of failure told apart.

Credentials come from the URL, from UV_INDEX_<NAME>_USERNAME/_PASSWORD or netrc; they go to the place that
they are for and to no other, and stay behind where it redirects to another origin. Proxies are those of the
environment; trusted are the certificates of SSL_CERT_FILE and its kin, else those of the system and certifi.
"""

from __future__ import annotations

import ssl
import threading
import time
import weakref
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from socket import gaierror
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import certifi
import httpx

from stackcheck.model.index_pages import FailureKind, Unreachable
from stackcheck.model.redact import secrets_of, shown, without_userinfo
from stackcheck.resolve.indexlogin import login_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

MOST_REDIRECTS = 5
_CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)
_MISSING = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class FailedError(Exception):
    """An answer that does not serve, with the kind of failure and how to say it."""

    def __init__(self, kind: FailureKind, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.kind, self.status = kind, status


@dataclass(frozen=True)
class Transport:
    """Asks URLs, each wait for a server within `timeout_s` and all of one URL within twice of it."""

    environ: Mapping[str, str] = field(repr=False)
    timeout_s: float
    most_bytes: int

    def get(
        self, url: str, read: Callable[[httpx.Response], T], headers: Mapping[str, str]
    ) -> T | Unreachable:
        """Return what `read` makes of the answer of a URL, or why there is none.

        The work is done in a thread that may be left behind: a server that drips headers has no other end.
        """
        answers: list[T | Unreachable] = []
        work = threading.Thread(target=lambda: answers.append(self._ask(url, read, headers)), daemon=True)
        work.start()
        work.join(2 * self.timeout_s)
        clean = without_userinfo(url)
        return answers[0] if answers else Unreachable("timeout", f"{clean}: it did not answer in time", clean)

    def body(self, response: httpx.Response) -> bytes:
        """Return a body within the limits of size and time; raise when it ends early."""
        deadline = time.monotonic() + self.timeout_s
        body = bytearray()
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self.most_bytes:
                    raise FailedError("too-large", "the page is larger than stackcheck reads (64 MB)")
                if time.monotonic() > deadline:
                    raise TimeoutError
        except (httpx.RemoteProtocolError, httpx.DecodingError):
            raise FailedError("truncated", "its answer was cut short") from None
        return bytes(body)

    def _ask(
        self, url: str, read: Callable[[httpx.Response], T], headers: Mapping[str, str]
    ) -> T | Unreachable:
        clean = without_userinfo(url)
        try:
            response = self._open(url, headers)
            try:
                _refuse(response.status_code)
                return read(response)
            finally:
                response.close()
        except Exception as error:  # noqa: BLE001 - every failure of the network is a value here
            kind, words, status = _why(error)
            secrets = secrets_of({**self.environ, "URL": url})
            return Unreachable(kind, f"{clean}: {shown(words, 300, secrets)}", clean, status)

    def _open(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        """Follow redirects, without reading what comes with them; httpx keeps a login to its origin."""
        urlsplit(url)  # raises ValueError for what is no URL; httpx takes some of that for the name of a host
        user, _, password = login_for(url, self.environ).partition(":")
        auth = httpx.BasicAuth(user, password) if user or password else None
        asked = self._client.build_request("GET", without_userinfo(url), headers=headers)
        response = self._client.send(asked, auth=auth, stream=True)
        followed = 0
        while response.next_request is not None:
            response.close()
            _check_redirect(response.url, response.next_request.url)
            followed += 1
            if followed > MOST_REDIRECTS:
                raise FailedError("redirect", "too many redirects", response.status_code)
            response = self._client.send(response.next_request, auth=None, stream=True)
        return response

    @cached_property
    def _client(self) -> httpx.Client:
        client = httpx.Client(
            verify=_trusted(self.environ),
            timeout=self.timeout_s,
            headers={"User-Agent": "stackcheck", "Accept-Encoding": "gzip"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )
        weakref.finalize(self, client.close)
        return client


def _trusted(environ: Mapping[str, str]) -> ssl.SSLContext:
    name = next((name for name in _CA_VARIABLES if environ.get(name)), "")
    try:
        context = ssl.create_default_context(cafile=environ.get(name))
    except OSError:
        words = f"the CA certificates in {environ.get(name)} ({name}) cannot be read"
        raise FailedError("tls", words) from None
    if not name:
        context.load_verify_locations(certifi.where())
    return context


def _check_redirect(old: httpx.URL, new: httpx.URL) -> None:
    """Refuse a redirect to anything but http and https, or from https back to http."""
    if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme == "http"):
        raise FailedError("redirect", f"it redirects to {without_userinfo(str(new))[:200]}")


def _refuse(status: int) -> None:
    """Raise FailedError for a status that is not an answer; "not modified" is one."""
    if status < 300 or status == HTTPStatus.NOT_MODIFIED:
        return
    kind: FailureKind = "redirect" if status < 400 else "status" if status < 500 else "server"
    kind = "denied" if status in _DENIED else "missing" if status in _MISSING else kind
    raise FailedError(kind, f"HTTP status {status}", status)


def _why(error: BaseException) -> tuple[FailureKind, str, int | None]:
    """Return the kind of a failure, how to say it, and the HTTP status where there is one."""
    if isinstance(error, FailedError):
        return error.kind, str(error), error.status
    causes = list(_causes(error))
    for types, kind, words in _FAILURES:
        if cause := next((each for each in causes if isinstance(each, types)), None):
            return kind, words or str(cause), None
    return "network", f"{type(error).__name__}: {error}", None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error of httpx and what it wraps: httpcore's, then that of the standard library."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


_FAILURES: tuple[tuple[tuple[type[BaseException], ...], FailureKind, str], ...] = (
    ((gaierror,), "dns", "its host name could not be resolved (DNS)"),
    ((ssl.SSLError,), "tls", ""),
    ((ConnectionRefusedError,), "refused", "the connection was refused"),
    ((TimeoutError, httpx.TimeoutException), "timeout", "it did not answer in time"),
    (
        (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError),
        "bad-url",
        "this is not a URL that can be fetched",
    ),
)
