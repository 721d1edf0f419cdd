"""What the probe `import_names` saw of a set of wheels, kept: facts of one wheel do not answer it.

A file is a line that says what it is, a digest of the rest, and a JSON document, under the identity of the
set. One that is damaged, or of another schema, is not there.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from stackcheck.storage.folders import cache_folder, write_atomically
from stackcheck_probes.probes import distributions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.wheels.compose import Composed

SCHEMA = 1
"""Counts up with every change of how names are read, so that older files are read anew."""
MAX_FILE = 4 << 20
NOTHING: Mapping[str, Any] = {"missing": [], "looked_at": [], "untold": [], "left_out": []}
_FIRST = b"stackcheck imported names %d\n" % SCHEMA
_DIGEST_BYTES = 16


def asking(seen: Composed) -> tuple[str, ...]:
    """Return the wheels whose imports are read: those that require torch, as the probe has it."""
    return tuple(
        each.name
        for each in seen.wheels
        if each.name != "torch" and any(distributions.required(text) == "torch" for text in each.requires)
    )


def kept_names(identity: str, environ: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Return what was seen of the set of wheels with this identity (hexadecimal); None when nothing was."""
    try:
        with _path(identity, environ).open("rb") as file:
            content = file.read(MAX_FILE)
    except OSError:
        return None
    start = len(_FIRST) + _DIGEST_BYTES
    body = content[start:]
    if not content.startswith(_FIRST) or content[len(_FIRST) : start] != _digest(identity, body):
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.keys() == NOTHING.keys() else None


def keep_names(identity: str, facts: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Keep what was seen of a set of wheels; False when it cannot be kept: that only costs time."""
    body = json.dumps({key: facts[key] for key in NOTHING}, separators=(",", ":")).encode("ascii")
    try:
        write_atomically(_path(identity, environ), [_FIRST, _digest(identity, body), body])
    except OSError:
        return False
    return True


def _path(identity: str, environ: Mapping[str, str]) -> Path:
    return cache_folder(environ) / "imported-names" / f"{SCHEMA}" / identity[:2] / identity


def _digest(identity: str, body: bytes) -> bytes:
    return blake2b(body, key=identity.encode("ascii")[:64], digest_size=_DIGEST_BYTES).digest()
