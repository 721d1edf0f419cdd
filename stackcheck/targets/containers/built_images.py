"""Which images this user has built: noted by their ids, because labels are inherited and names can be given.

An image that somebody builds FROM a stack's image has all its labels; only the id, which is the digest of the
image's content and configuration, tells them apart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.model.errors import EngineError
from stackcheck.storage.folders import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def note_built(cache: Path, image_id: str, stack: str, digest: str) -> None:
    """Note what an image was built for and from; raise `EngineError` when that cannot be written."""
    path = _note(cache, image_id)
    try:
        write_atomically(path, f"{stack}\n{digest}\n".encode())
    except OSError as error:
        raise EngineError(f"{path}: it cannot be noted what was built: {error.strerror}.") from None


def was_built(cache: Path, image_id: str, stack: str, digest: str = "") -> bool:
    """Tell whether an image was built for a stack, and from what has this digest where one is given."""
    try:
        noted = _note(cache, image_id).read_bytes()[:1000].decode("utf-8", "replace").splitlines()
    except OSError:
        return False
    return noted[:1] == [stack] and (not digest or noted[1:2] == [digest])


def _note(cache: Path, image_id: str) -> Path:
    return cache / "built" / re.sub(r"[^0-9a-zA-Z]+", "-", image_id)[:100]
