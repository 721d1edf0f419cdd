"""Read index and find-links pages: from their servers, from what was kept of them, or from local folders.

Every page that was read is kept, whatever its server says of caching, for conditional requests and `offline`:
the PyTorch indexes send `no-store`, so that a cache that obeys RFC 9111 would hold none of them.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from stackcheck.model.errors import UsageError
from stackcheck.model.index_pages import File, NotAPageError, Page, TooLargeError, Unreachable, parse_page
from stackcheck.model.index_urls import local_path
from stackcheck.model.redact import shown, without_userinfo
from stackcheck.resolve import pagecache
from stackcheck.storage.reading import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

    from stackcheck.model.index_pages import FailureKind
    from stackcheck.resolve.transport import Transport

__all__ = ["Fetcher", "File", "Page", "Unreachable"]

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.8, application/vnd.pypi.simple.v1+html;q=0.8"
MOST_BYTES = 64 * 2**20
"""The largest page that is read; the project page of the biggest projects is below 20 MB."""

_PARSING = Lock()


@dataclass(frozen=True)
class Fetcher:
    """Reads pages; `cache` keeps them for conditional requests and for `offline`.

    `timeout_s` bounds each wait for a server, twice of it a whole page; `environ` stands for os.environ.
    `once` holds what was read before in this run, by URL: for several stacks each page is asked for once.
    """

    environ: Mapping[str, str] = field(repr=False)
    cache: Path | None = None
    offline: bool = False
    timeout_s: float = 20.0
    most_bytes: int = MOST_BYTES
    once: dict[str, Page | Unreachable] | None = field(default=None, repr=False, compare=False)

    def page(self, url: str) -> Page | Unreachable:
        """Return what a page lists, asking only whether it changed when it is cached."""
        clean = without_userinfo(url)
        if not url.startswith(("http://", "https://")):
            return _folder(url)
        kept = pagecache.load(self.cache, clean) if self.cache else None
        if self.offline:
            return _from_cache(kept, clean)
        answer = self._transport.get(url, lambda response: self._answer(response, kept), _asking(kept))
        if isinstance(answer, Unreachable):
            return answer
        try:
            files = _files(answer)
        except NotAPageError as error:
            kind: FailureKind = "too-large" if isinstance(error, TooLargeError) else "not-a-page"
            return Unreachable(kind, f"{clean}: {shown(str(error), 300)}", clean)
        if self.cache:
            pagecache.store(self.cache, clean, answer)
        return Page(clean, files, answer.etag, answer.modified, answer.fetched)

    def pages(self, urls: Iterable[str]) -> dict[str, Page | Unreachable]:
        """Return several pages by their URL (without credentials), fetched eight at a time."""
        wanted = list(dict.fromkeys(urls))
        known = {} if self.once is None else self.once
        asked = [url for url in wanted if url not in known]
        found = {url: known[url] for url in wanted if url in known}
        if asked:
            with ThreadPoolExecutor(max_workers=8) as pool:
                found |= zip(asked, pool.map(self.page, asked), strict=True)
        if self.once is not None:
            self.once.update(found)
        return {without_userinfo(url): found[url] for url in wanted}

    def exists(self, url: str) -> bool | Unreachable:
        """Tell whether a URL answers with anything but 404, without reading the body."""
        answer = self._transport.get(url, lambda _: True, _asking(None))
        return False if isinstance(answer, Unreachable) and answer.kind == "missing" else answer

    def content(self, url: str) -> bytes | Unreachable:
        """Return a small file of an index as it is, such as a wheel's `.metadata`; it is not kept."""
        return self._transport.get(url, self._transport.body, _asking(None))

    def piece(self, url: str, start: int, stop: int) -> tuple[bytes, int] | Unreachable:
        """Return the bytes from `start` to before `stop` of a file, and the size of the whole file.

        A server that answers with the whole file instead (RFC 9110, section 14) is not read.
        """
        wanted = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        found = self._transport.get(url, self._ranged, wanted)
        clean = without_userinfo(url)
        return found or Unreachable("status", f"{clean}: it does not answer range requests", clean)

    def _ranged(self, response: httpx.Response) -> tuple[bytes, int] | None:
        whole = re.fullmatch(r"bytes \d+-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if response.status_code != HTTPStatus.PARTIAL_CONTENT or whole is None:
            return None
        return self._transport.body(response), int(whole[1])

    def _answer(self, response: httpx.Response, kept: pagecache.Answer | None) -> pagecache.Answer:
        now = datetime.now(tz=UTC).isoformat(timespec="seconds")
        if kept and response.status_code == HTTPStatus.NOT_MODIFIED:
            return replace(kept, fetched=now)
        return pagecache.Answer(
            url=without_userinfo(str(response.url)),
            body=self._transport.body(response),
            content_type=response.headers.get("Content-Type", ""),
            etag=response.headers.get("ETag", ""),
            modified=response.headers.get("Last-Modified", ""),
            fetched=now,
        )

    @cached_property
    def _transport(self) -> Transport:
        from stackcheck.resolve.transport import Transport  # noqa: PLC0415 - httpx takes 0.1 s

        return Transport(self.environ, self.timeout_s, self.most_bytes)


def _asking(kept: pagecache.Answer | None) -> dict[str, str]:
    """Return the headers that ask for a page, and only whether it changed where it is kept."""
    headers = {"Accept": ACCEPT}
    if kept and kept.etag:
        headers["If-None-Match"] = kept.etag
    elif kept and kept.modified:
        headers["If-Modified-Since"] = kept.modified
    return headers


def _from_cache(kept: pagecache.Answer | None, clean: str) -> Page | Unreachable:
    if kept is None:
        return Unreachable("offline", f"{clean}: not cached, and the network was not to be used", clean)
    try:
        files = _files(kept)
    except NotAPageError as error:
        return Unreachable("offline", f"{clean}: the cached page cannot be read ({error})", clean)
    return Page(clean, files, kept.etag, kept.modified, kept.fetched, cached=True)


def _files(answer: pagecache.Answer) -> tuple[File, ...]:
    """Parse a page once: of stacks that are checked side by side each would parse the same one."""
    with _PARSING:
        return parse_page(answer.body, url=answer.url, content_type=answer.content_type)


def _folder(place: str) -> Page | Unreachable:
    """Read a local folder or page as find-links does."""
    path = local_path(place) or Path(place)
    try:
        if path.is_dir():
            listed = "".join(f'<a href="{each.as_uri()}">' for each in sorted(path.iterdir()))
            return Page(place, parse_page(f"<html>{listed}".encode(), url=path.as_uri()))
        return Page(place, parse_page(read_bytes(path, MOST_BYTES), url=path.as_uri()))
    except TooLargeError as error:
        return Unreachable("too-large", f"{place}: {error}", place)
    except (OSError, ValueError, UsageError) as error:
        kind: FailureKind = "not-a-page" if os.path.lexists(path) else "missing"
        return Unreachable(kind, f"{place}: {shown(str(error), 200)}", place)
