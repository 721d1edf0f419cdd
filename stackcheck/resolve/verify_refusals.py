"""Look for oneself before a stack is blamed or praised: uv passes over an index that refuses to answer.

uv 0.13.8 takes a package for "not found" on an index that answers 401, 403 or 404, on a page that is a login
form, and on a find-links page that is no HTML at all. Each of these says nothing about the stack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.model.index_pages import Unreachable
from stackcheck.model.index_urls import Place
from stackcheck.model.resolution import Kind, Unresolved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.model.index_pages import File, Page
    from stackcheck.resolve.index import Fetcher
    from stackcheck.resolve.memory import RunMemory
    from stackcheck.resolve.question import Question

DEFAULT_INDEX = "https://pypi.org/simple"
_FORBIDS_WHAT_IT_LACKS = re.compile(r"https?://(?:[a-z0-9-]+\.)*pytorch\.org(?:/|$)")
"""Indexes that answer 403 for a package that they do not have; uv takes it so as well.

Source: crates/uv-distribution-types/src/status_code_strategy.rs of astral-sh/uv.
"""
_KINDS: dict[str, Kind] = {
    "denied": "denied",
    "dns": "unreachable",
    "refused": "unreachable",
    "timeout": "unreachable",
    "tls": "unreachable",
    "network": "unreachable",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the pages of indexes, and asks none twice that did not answer."""

    fetcher: Fetcher
    memory: RunMemory

    @property
    def offline(self) -> bool:
        """Tell whether nothing may be asked."""
        return self.fetcher.offline

    def files(self, name: str, places: Iterable[Place]) -> tuple[list[File], list[tuple[Place, Unresolved]]]:
        """Return the files of a package in some places, and the places that did not answer, each with why."""
        files: list[File] = []
        silent: list[tuple[Place, Unresolved]] = []
        for place in places:
            answer = self._page(name, place)
            if isinstance(answer, Unresolved):
                silent.append((place, answer))
            elif answer is not None:
                files += answer.of(name)
        return files, silent

    def trouble(self, name: str, place: Place) -> Unresolved | None:
        """Return why a place that was asked for a package proves nothing; None where it answered."""
        answer = self._page(name, place)
        return answer if isinstance(answer, Unresolved) else None

    def _page(self, name: str, place: Place) -> Page | Unresolved | None:
        """Return the page of a package, None where the index has none, or why that is not known."""
        if dead := self.memory.dead.get(place.shown):
            return dead
        answer = self.fetcher.page(place.page_of(name))
        if not isinstance(answer, Unreachable):
            return answer
        trouble = self._trouble(answer, place)
        if trouble is not None:
            self.memory.keep_dead(place.shown, trouble)
        return trouble

    def _trouble(self, answer: Unreachable, place: Place) -> Unresolved | None:
        if answer.status == 403 and _FORBIDS_WHAT_IT_LACKS.match(place.shown) and not place.flat:
            return None
        if answer.kind == "missing" and not place.flat:
            if self.fetcher.exists(place.url.rstrip("/") + "/") is True:
                return None
            words = (
                f"{place.shown}: HTTP status 404, and no page for the package; "
                "this may not be a package index"
            )
            return Unresolved("bad-index", words, where=place.shown, status=404)
        kind = _KINDS.get(answer.kind, "bad-index")
        return Unresolved(kind, answer.message, where=place.shown, status=answer.status)


def asked_for(name: str, question: Question, fetcher: Fetcher) -> list[Place]:
    """Return the places in which a package is looked for."""
    own = [place for place in question.places if place.only_for == name]
    if own:
        return own
    shared = shared_places(question)
    if not any(place.default for place in shared):
        env = fetcher.environ
        default = env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL") or env.get("PIP_INDEX_URL")
        shared.append(Place(default or DEFAULT_INDEX, default=True))
    return shared


def shared_places(question: Question) -> list[Place]:
    """Return the places in which every package is looked for that has none of its own."""
    return [place for place in question.places if not place.only_for]


def stated_indexes(question: Question) -> list[Place]:
    """Return the indexes of the stack that uv passes over in silence when they refuse."""
    return [p for p in shared_places(question) if not p.flat and p.shown.startswith("http")]
