"""Pages that uv would have asked for and did not have: what it resolves without them depends on its cache.

Offline, uv 0.13.8 passes in silence over an index whose page it has not kept, and takes what another has.
That a page is not in the cache stands in its log alone; a page that an index does not have (404) is never
kept either, so the pages that were still missing after an online run are remembered as absent. Only the
places that the stack states count: a machine that never was online may well resolve from its own folder.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from stackcheck.model.redact import without_userinfo
from stackcheck.model.resolution import Unresolved
from stackcheck.storage.folders import write_atomically

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from stackcheck.resolve.question import Question

_ASKED = re.compile(r"(?:Sending fresh GET request|No cache entry) for: (\S+)")
_SETTINGS = ("UV_INDEX", "UV_FIND_LINKS")


def verbose(args: tuple[str, ...]) -> tuple[str, ...]:
    """Return the arguments with which uv logs each page that it has not kept."""
    return (*(each for each in args if each != "--quiet"), "--verbose")


def unread_pages(log: str, question: Question) -> frozenset[str]:
    """Return the pages of stated places that uv's log says it had not kept, without credentials."""
    stated = tuple(
        place.shown if place.flat else f"{place.shown.rstrip('/')}/"
        for place in question.places
        if place.shown.startswith("http")
    )
    asked = {without_userinfo(url) for url in _ASKED.findall(log)}
    return frozenset(url for url in asked if url.startswith(stated))


def asks_several(question: Question, env: Mapping[str, str]) -> bool:
    """Tell whether a package may come from more than one place, so that a missing page changes the choice."""
    shared = [place for place in question.places if not place.only_for]
    further = [place for place in shared if not place.default]
    return bool(further) or (bool(shared) and any(name in env for name in _SETTINGS))


def not_cached(pages: Collection[str], question: Question) -> Unresolved:
    """Return why nothing is known when pages of stated indexes were not there to be read."""
    missing = [each.shown for each in question.places if any(page.startswith(each.shown) for page in pages)]
    named = " and ".join(dict.fromkeys(missing))
    message = f"pages of {named} are not in uv's cache, and the network was not to be used"
    return Unresolved("offline", message, where=missing[0], hint="run once without --offline", offline=True)


def load_absent(folder: Path) -> frozenset[str]:
    """Return the pages that the indexes did not have when this very question was asked online."""
    try:
        return frozenset(map(str, json.loads((folder / "absent.json").read_bytes())))
    except (OSError, ValueError, TypeError, RecursionError):
        return frozenset()


def keep_absent(folder: Path, pages: Collection[str]) -> None:
    """Remember them; a folder that cannot be written costs no more than a SKIP later."""
    with suppress(OSError):
        write_atomically(folder / "absent.json", json.dumps(sorted(pages)).encode(), mode=0o600)
