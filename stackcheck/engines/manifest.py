"""The manifest of an image tier: a text file that lists what decides whether the image is built again.

One path or pattern a line, relative to the folder of the definition (`Stack/base/Dockerfile`, `src/**/*.py`,
a folder for all in it); blank lines and lines that begin with # count for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.engines.fingerprint import file_digest
from stackcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_manifest(path: Path, root: Path) -> dict[str, str]:
    """Return the digest of every file that a manifest names, by path below `root`.

    Raise `UsageError` for a manifest that cannot be read or a line that names nothing or leads out of `root`.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the manifest {path}: {error}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        if pattern.startswith("/") or ".." in pattern.split("/"):
            raise UsageError(
                f"{path}:{number}: {pattern!r} leads out of {root}, the folder of the definition"
            )
        named = {str(file.relative_to(root)): file_digest(file) for file in _files(root, pattern)}
        if not named:
            raise UsageError(f"{path}:{number}: {pattern!r} names no file below {root}")
        found |= named
    if not found:
        raise UsageError(f"{path}: the manifest names no file")
    return found


def _files(root: Path, pattern: str) -> Iterator[Path]:
    for place in sorted(root.glob(pattern.rstrip("/"))):
        if place.is_dir() and not place.is_symlink():
            yield from sorted(each for each in place.rglob("*") if not each.is_dir() or each.is_symlink())
        else:
            yield place
