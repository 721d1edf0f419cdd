"""Keep fetched index pages for conditional requests: one file a page, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.storage.folders import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a server: `url` after redirects, the body, and what a conditional request needs."""

    url: str
    body: bytes
    content_type: str = ""
    etag: str = ""
    modified: str = ""
    fetched: str = ""


def _path(folder: Path, url: str) -> Path:
    return folder / "pages" / hashlib.sha256(url.encode()).hexdigest()


def store(folder: Path, url: str, answer: Answer) -> None:
    """Keep an answer under the URL that was asked for; a cache that cannot be written is no failure."""
    head = {
        "format": _FORMAT,
        "asked": url,
        "url": answer.url,
        "content_type": answer.content_type,
        "etag": answer.etag,
        "modified": answer.modified,
        "fetched": answer.fetched,
        "sha256": hashlib.sha256(answer.body).hexdigest(),
    }
    with suppress(OSError):
        write_atomically(_path(folder, url), json.dumps(head).encode() + b"\n" + answer.body, mode=0o600)


def load(folder: Path, url: str) -> Answer | None:
    """Return the kept answer for a URL; None when there is none, or it is not whole."""
    try:
        line, _, body = _path(folder, url).read_bytes().partition(b"\n")
        head = json.loads(line)
        if head["format"] != _FORMAT or head["sha256"] != hashlib.sha256(body).hexdigest():
            return None
        return Answer(
            head["url"], body, head["content_type"], head["etag"], head["modified"], head["fetched"]
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
