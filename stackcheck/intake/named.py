"""Files that a definition names: where they lie, and what they hold; none of them is left out silently."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.model.errors import UsageError
from stackcheck.storage.reading import read_text

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
