"""Fetch index and find-links pages: bounded in size and time, with every kind of failure told apart.

Credentials come from the URL, from UV_INDEX_<NAME>_USERNAME/_PASSWORD or from netrc; they go to the host that
they are for and to no other, and stay out of the cache and of every message. The standard library suffices:
a handful of pages, no connection reuse needed, and proxies and certificates as the environment has them.
"""

from __future__ import annotations

import base64
import http.client
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from stackcheck.redact import secrets_of, shown, without_userinfo
from stackcheck.resolving import pagecache
from stackcheck.resolving.indexlogin import login_for
from stackcheck.resolving.pages import FailureKind, File, NotAPageError, Page, Unreachable, parse_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Fetcher", "File", "Page", "Unreachable"]

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.8, application/vnd.pypi.simple.v1+html;q=0.8"
MOST_BYTES = 64 * 2**20
"""The largest page that is read; the project page of the biggest projects is below 20 MB."""
MOST_REDIRECTS = 5


class _RefusedRedirectError(Exception):
    """A redirect to somewhere that is not followed; the message says where."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows http and https only, never back from https to http, and leaves credentials behind."""

    max_redirections = MOST_REDIRECTS

    def redirect_request(  # noqa: PLR0913, PLR0917 - the signature of the base class
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the request to follow with."""
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme == "http"):
            raise _RefusedRedirectError(f"it redirects to {without_userinfo(newurl)[:200]}")
        clean = urlunsplit(new._replace(netloc=new.netloc.rpartition("@")[2]))
        following = super().redirect_request(req, fp, code, msg, headers, clean)
        if following and (old.scheme, old.netloc) != (new.scheme, new.netloc.rpartition("@")[2]):
            following.remove_header("Authorization")
        return following


@dataclass(frozen=True)
class Fetcher:
    """Reads pages; `cache` keeps them for conditional requests and for `offline`.

    `timeout_s` bounds each wait for a server, twice of it a whole page; `environ` stands for os.environ.
    """

    environ: Mapping[str, str] = field(repr=False)
    cache: Path | None = None
    offline: bool = False
    timeout_s: float = 20.0
    most_bytes: int = MOST_BYTES

    def page(self, url: str) -> Page | Unreachable:
        """Return what a page lists, asking only whether it changed when it is cached."""
        clean = without_userinfo(url)
        if not url.startswith(("http://", "https://")):
            return _folder(url)
        kept = pagecache.load(self.cache, clean) if self.cache else None
        if self.offline:
            return _from_cache(kept, clean)
        answer = self._get(url, kept)
        if isinstance(answer, Unreachable):
            return answer
        try:
            files = parse_page(answer.body, url=answer.url, content_type=answer.content_type)
        except NotAPageError as error:
            return Unreachable("not-a-page", f"{clean}: {shown(str(error), 300)}", clean)
        if self.cache:
            pagecache.store(self.cache, clean, answer)
        return Page(clean, files, answer.etag, answer.modified, answer.fetched)

    def pages(self, urls: Iterable[str]) -> dict[str, Page | Unreachable]:
        """Return several pages by their URL (without credentials), fetched eight at a time."""
        wanted = list(dict.fromkeys(urls))
        with ThreadPoolExecutor(max_workers=8) as pool:
            return {without_userinfo(u): p for u, p in zip(wanted, pool.map(self.page, wanted), strict=True)}

    def exists(self, url: str) -> bool | Unreachable:
        """Tell whether a URL answers with anything but 404, without reading the body."""
        answer = self._get(url, None, body=False)
        if isinstance(answer, Unreachable):
            return False if answer.kind == "missing" else answer
        return True

    def content(self, url: str) -> bytes | Unreachable:
        """Return a small file of an index as it is, such as a wheel's `.metadata`; it is not kept."""
        answer = self._get(url, None)
        return answer if isinstance(answer, Unreachable) else answer.body

    def piece(self, url: str, start: int, stop: int) -> tuple[bytes, int] | Unreachable:
        """Return the bytes from `start` to before `stop` of a file, and the size of the whole file.

        A server that answers with the whole file instead (RFC 9110, section 14) is not read.
        """
        clean = without_userinfo(url)
        try:
            request = self._request(url, None)
            request.add_header("Range", f"bytes={start}-{stop - 1}")
            with self._opener.open(request, timeout=self.timeout_s) as response:
                whole = re.fullmatch(r"bytes \d+-\d+/(\d+)", response.headers.get("Content-Range", ""))
                if response.status != http.client.PARTIAL_CONTENT or whole is None:
                    return Unreachable("status", f"{clean}: it does not answer range requests", clean)
                return self._read(response), int(whole[1])
        except urllib.error.HTTPError as error:
            with error:
                answer = _status(error, clean, None)
            return answer if isinstance(answer, Unreachable) else Unreachable("status", clean, clean)
        except Exception as error:  # noqa: BLE001 - every failure of the network is a value here
            kind, words = _why(error)
            secrets = secrets_of({**self.environ, "URL": url})
            return Unreachable(kind, f"{clean}: {shown(words, 300, secrets)}", clean)

    def _get(
        self, url: str, kept: pagecache.Answer | None, *, body: bool = True
    ) -> pagecache.Answer | Unreachable:
        """Ask for a URL in a thread that may be left behind: a server that drips headers has no other end."""
        answers: list[pagecache.Answer | Unreachable] = []
        work = threading.Thread(target=lambda: answers.append(self._ask(url, kept, body=body)), daemon=True)
        work.start()
        work.join(2 * self.timeout_s)
        clean = without_userinfo(url)
        return answers[0] if answers else Unreachable("timeout", f"{clean}: it did not answer in time", clean)

    def _ask(
        self, url: str, kept: pagecache.Answer | None, *, body: bool = True
    ) -> pagecache.Answer | Unreachable:
        clean = without_userinfo(url)
        secrets = secrets_of({**self.environ, "URL": url})
        try:
            request = self._request(url, kept)
            with self._opener.open(request, timeout=self.timeout_s) as response:
                content = self._read(response) if body else b""
                return _answer(response, content)
        except urllib.error.HTTPError as error:
            with error:
                return _status(error, clean, kept)
        except Exception as error:  # noqa: BLE001 - every failure of the network is a value here
            kind, words = _why(error)
            return Unreachable(kind, f"{clean}: {shown(words, 300, secrets)}", clean)

    def _request(self, url: str, kept: pagecache.Answer | None) -> urllib.request.Request:
        headers = {"Accept": ACCEPT, "User-Agent": "stackcheck", "Accept-Encoding": "identity"}
        if kept and kept.etag:
            headers["If-None-Match"] = kept.etag
        elif kept and kept.modified:
            headers["If-Modified-Since"] = kept.modified
        if login := login_for(url, self.environ):
            headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        return urllib.request.Request(without_userinfo(url), headers=headers)  # noqa: S310 - scheme checked

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        names = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        file = next((self.environ[n] for n in names if self.environ.get(n)), None)
        context = ssl.create_default_context(cafile=file)
        return urllib.request.build_opener(_Redirects(), urllib.request.HTTPSHandler(context=context))

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        """Read a body within the limits of size and time; raise when it ends early."""
        deadline = time.monotonic() + self.timeout_s
        chunks: list[bytes] = []
        total = 0
        while chunk := response.read1(1 << 18):
            chunks.append(chunk)
            total += len(chunk)
            if total > self.most_bytes:
                raise _TooLargeError
            if time.monotonic() > deadline:
                raise TimeoutError
        stated = response.headers.get("Content-Length")
        if stated and stated.isdigit() and int(stated) != total:
            raise http.client.IncompleteRead(b"", int(stated) - total)
        return b"".join(chunks)


class _TooLargeError(Exception):
    """The page is larger than what is read."""


def _answer(response: http.client.HTTPResponse, content: bytes) -> pagecache.Answer:
    headers = response.headers
    return pagecache.Answer(
        url=without_userinfo(response.url),
        body=content,
        content_type=headers.get("Content-Type", ""),
        etag=headers.get("ETag", ""),
        modified=headers.get("Last-Modified", ""),
        fetched=_now(),
    )


def _now() -> str:
    return datetime.now(tz=UTC).isoformat(timespec="seconds")


def _status(
    error: urllib.error.HTTPError, clean: str, kept: pagecache.Answer | None
) -> pagecache.Answer | Unreachable:
    code = error.code
    if code == http.HTTPStatus.NOT_MODIFIED and kept:
        return replace(kept, fetched=_now())
    kinds: dict[int, FailureKind] = {
        401: "denied",
        403: "denied",
        407: "denied",
        404: "missing",
        410: "missing",
    }
    kind = kinds.get(code, "server" if code >= 500 else "redirect" if 300 <= code < 400 else "status")
    words = "too many redirects" if kind == "redirect" else f"HTTP status {code}"
    return Unreachable(kind, f"{clean}: {words}", clean, code)


def _why(error: BaseException) -> tuple[FailureKind, str]:
    """Return the kind of a failure of the network and how to say it."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    for types, kind, words in _FAILURES:
        if isinstance(cause, types):
            return kind, words or str(cause)
    return "network", f"{type(cause).__name__}: {cause}"


_FAILURES: tuple[tuple[tuple[type[BaseException], ...], FailureKind, str], ...] = (
    ((socket.gaierror,), "dns", "its host name could not be resolved (DNS)"),
    ((ssl.SSLError,), "tls", ""),
    ((TimeoutError,), "timeout", "it did not answer in time"),
    ((ConnectionRefusedError,), "refused", "the connection was refused"),
    ((http.client.IncompleteRead,), "truncated", "its answer was cut short"),
    ((_TooLargeError,), "too-large", "the page is larger than stackcheck reads (64 MB)"),
    ((_RefusedRedirectError,), "redirect", ""),
    ((http.client.InvalidURL, ValueError), "bad-url", "this is not a URL that can be fetched"),
)


def _from_cache(kept: pagecache.Answer | None, clean: str) -> Page | Unreachable:
    if kept is None:
        return Unreachable("offline", f"{clean}: not cached, and the network was not to be used", clean)
    try:
        files = parse_page(kept.body, url=kept.url, content_type=kept.content_type)
    except NotAPageError as error:
        return Unreachable("offline", f"{clean}: the cached page cannot be read ({error})", clean)
    return Page(clean, files, kept.etag, kept.modified, kept.fetched, cached=True)


def _folder(place: str) -> Page | Unreachable:
    """Read a local folder or page as find-links does."""
    path = Path(unquote(urlsplit(place).path) if place.startswith("file:") else place)
    try:
        if path.is_dir():
            listed = "".join(f'<a href="{each.as_uri()}">' for each in sorted(path.iterdir())[:MOST_BYTES])
            return Page(place, parse_page(f"<html>{listed}".encode(), url=path.as_uri()))
        return Page(place, parse_page(path.read_bytes()[:MOST_BYTES], url=path.as_uri()))
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        return Unreachable(
            "missing" if missing else "not-a-page", f"{place}: {shown(str(error), 200)}", place
        )
