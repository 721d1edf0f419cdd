"""The package index as `stackcheck tables refresh` needs it: pages, and wheels read piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.knowledge.wheelfile import LIMIT, RangeFile
from stackcheck.model.errors import ResolveError
from stackcheck.resolve.index import Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.resolve.index import Fetcher, File

PYPI = "https://pypi.org/simple"


@dataclass(frozen=True)
class WheelIndex:
    """A `stackcheck.knowledge.wheelrows.Source` over the network; `url` is the root of a simple index."""

    fetcher: Fetcher
    url: str = PYPI

    def files(self, project: str) -> Sequence[File]:
        """Return the files of a project; raise ResolveError when its page cannot be read."""
        page = self.fetcher.page(f"{self.url.rstrip('/')}/{project}/")
        if isinstance(page, Unreachable):
            raise ResolveError(page.message)
        return page.files

    def open(self, url: str, limit: int = LIMIT) -> RangeFile:
        """Return a wheel as a seekable file; raise ResolveError when it cannot be had in pieces.

        At most `limit` bytes of it are fetched.
        """
        _, size = self._piece(url, 0, 1)
        return RangeFile(lambda start, stop: self._piece(url, start, stop)[0], size, limit)

    def _piece(self, url: str, start: int, stop: int) -> tuple[bytes, int]:
        answer = self.fetcher.piece(url, start, stop)
        if isinstance(answer, Unreachable):
            raise ResolveError(answer.message)
        return answer
