"""Files that a definition names: where they lie, and what they hold; none of them is left out silently."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.model.errors import UsageError
from stackcheck.storage.reading import read_bytes, read_text, real_path

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack


def dockerfile_path(stack: Stack, root: Path | None = None) -> Path:
    """Return where the Dockerfile of a stack lies; paths are relative to `root`, else to the definition."""
    return (root or Path(stack.file).parent) / (stack.image.dockerfile or "Dockerfile")


def dockerfile_text(stack: Stack, root: Path | None = None) -> str:
    """Return the Dockerfile that a stack names; bytes that are not text are replaced, as Docker takes them.

    Raises UsageError, one sentence with stack and path, when it cannot be read.
    """
    try:
        text = read_text(dockerfile_path(stack, root), errors="replace")
    except UsageError as error:
        raise UsageError(f"{stack.title}: image.dockerfile: {error}") from None
    if not re.search(r"(?im)^\s*FROM\s", text):
        path = dockerfile_path(stack, root)
        raise UsageError(f"{stack.title}: image.dockerfile: {path}: no line starts with FROM.")
    return text


MOST_SMOKE = 1 << 20
"""Bytes of all files of the smoke tests of one stack: they travel in the request to the probes."""


def smoke_files(stack: Stack) -> dict[str, bytes]:
    """Return the files that the smoke tests of a stack name, by their path from the definition's folder.

    Raises UsageError, one sentence with stack and path, for one that cannot be read, that a link leads out
    of that folder, or that makes them more than `MOST_SMOKE` bytes.
    """
    folder, found = Path(stack.file).parent, dict[str, bytes]()
    for smoke in stack.smoke:
        for name in filter(None, (smoke.script, *smoke.files)):
            where = f"{stack.title}: smoke {smoke.name}"
            path = folder / name
            if not real_path(path).is_relative_to(real_path(folder)):
                raise UsageError(f"{where}: {path}: this link leads out of the folder of the definition.")
            try:
                found[name] = read_bytes(path, MOST_SMOKE)
            except UsageError as error:
                raise UsageError(f"{where}: {error}") from None
    if sum(map(len, found.values())) > MOST_SMOKE:
        raise UsageError(f"{stack.title}: the files of its smoke tests hold more than {MOST_SMOKE:,} bytes.")
    return found
