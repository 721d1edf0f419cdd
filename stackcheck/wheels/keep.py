"""Facts of wheels in the user's cache, under the sha256 of the wheel: read once, not again by anybody.

A file is a line that says what it is, a digest of the rest, a JSON document, and behind it the tables of
exports. It is data and nothing else: a file that is damaged, hostile or of another schema is not there.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from stackcheck.storage.folders import cache_folder, write_atomically
from stackcheck.wheels.document import facts_of_document, is_sha256, to_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.wheels.facts import WheelFacts

SCHEMA = 3
"""Counts up with every change of what is read of a wheel, so that older files are read anew."""
MAX_FILE = 256 << 20
_FIRST = b"stackcheck wheel facts %d\n" % SCHEMA
_DIGEST_BYTES = 16


def kept_path(sha256: str, environ: Mapping[str, str]) -> Path:
    """Return where the facts of a wheel are kept; its sha256 is hexadecimal."""
    return cache_folder(environ) / "wheel-facts" / f"{SCHEMA}" / sha256[:2] / sha256


def keep(facts: WheelFacts, environ: Mapping[str, str]) -> bool:
    """Keep the facts of a wheel, whole or not at all; False when they cannot be kept: that only costs time.

    What is not all of the wheel (`left_out`), or has no sha256, is not kept.
    """
    if not is_sha256(facts.sha256) or facts.left_out:
        return False
    document, tables = to_document(facts)
    text = json.dumps(document, separators=(",", ":")).encode("ascii")
    body = b"".join([len(text).to_bytes(8, "little"), text, *tables])
    try:
        write_atomically(kept_path(facts.sha256, environ), [_FIRST, _digest(body), body])
    except OSError:
        return False
    return True


def kept(sha256: str, environ: Mapping[str, str], filename: str = "") -> WheelFacts | None:
    """Return the kept facts of a wheel, under the name that it has here; None when there are none."""
    if not is_sha256(sha256):
        return None
    try:
        with kept_path(sha256, environ).open("rb") as file:
            content = file.read(MAX_FILE)
    except OSError:
        return None
    facts = _parsed(content)
    if facts is None or facts.sha256 != sha256:
        return None
    return facts._replace(filename=filename) if filename else facts


def _parsed(content: bytes) -> WheelFacts | None:
    start = len(_FIRST) + _DIGEST_BYTES
    body = memoryview(content)[start:]
    if not content.startswith(_FIRST) or content[len(_FIRST) : start] != _digest(body):
        return None
    length = int.from_bytes(body[:8], "little")
    try:
        document: Any = json.loads(bytes(body[8 : 8 + length]))
        return facts_of_document(document, body[8 + length :])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _digest(body: bytes | memoryview) -> bytes:
    return blake2b(body, digest_size=_DIGEST_BYTES).digest()
