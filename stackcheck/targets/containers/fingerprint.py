"""A digest of everything that goes into a build; the same digest means that nothing has to be built."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from docker.utils.build import exclude_paths

from stackcheck.images.dockerfile import render
from stackcheck.model.errors import UsageError
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from stackcheck.images.dockerfile import Recipe

MOST_FILES, MOST_BYTES = 200_000, 32 << 30
"""A context is read whole for its digest, and sent to the engine."""
_FORMAT = 1
"""Raise it when the same inputs would give another image."""


def of_recipe(recipe: Recipe, base_ids: Iterable[str], platform: str | None) -> str:
    """Return the fingerprint of a generated image.

    The text of the Dockerfile and the files beside it hold all of definition and lock that goes in. CA
    certificates, credentials and proxies are not part of it: they do not go in.
    """
    return _digest("recipe", render(recipe), dict(recipe.files), sorted(set(base_ids)), platform)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps([_FORMAT, *parts], sort_keys=True).encode()).hexdigest()


def context_digests(folder: Path, dockerfile: Path) -> dict[str, str]:
    """Return the digest of every file of a build context, by its path there; .dockerignore is heeded."""
    return {name: file_digest(folder / name) for name in _context_files(folder, dockerfile)}


def _context_files(folder: Path, dockerfile: Path) -> list[str]:
    """Return the files of a context that .dockerignore lets through, sorted."""
    ignore = folder / ".dockerignore"
    try:
        lines = read_text(ignore).splitlines() if ignore.is_file() else []
        patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        names = exclude_paths(str(folder), patterns, dockerfile=str(dockerfile))
    except OSError as error:
        raise UsageError(f"cannot read the build context {folder}: {error.strerror}") from None
    found = [name for name in names if not (folder / name).is_dir() or (folder / name).is_symlink()]
    size = sum((folder / name).lstat().st_size for name in found)
    if len(found) > MOST_FILES or size > MOST_BYTES:
        raise UsageError(
            f"the build context {folder} has {len(found):,} files and {size >> 20:,} MiB, more than the "
            f"{MOST_FILES:,} files and {MOST_BYTES >> 20:,} MiB that a context may have; name what the build "
            "does not need in .dockerignore."
        )
    return sorted(found)


def file_digest(path: Path) -> str:
    """Return what a build sees of a file: its content, whether it can be run, or where a link leads."""
    if path.is_symlink():
        return f"-> {path.readlink()}"
    if not path.is_file():
        return "special"
    with path.open("rb") as stream:
        return f"{path.stat().st_mode & 0o111:o} {hashlib.file_digest(stream, 'sha256').hexdigest()}"
