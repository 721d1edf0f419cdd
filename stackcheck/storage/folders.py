"""Where stackcheck keeps files of its own, by the XDG Base Directory rules, and how it writes them whole.

`platformdirs` gives the same folders for 20 ms of CPU in every command, two bare interpreters, and reads
os.environ alone; a check that is asked with another environment needs that one's.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


ABANDONED_S = 60.0


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return $STACKCHECK_CACHE, else `stackcheck` in the XDG cache folder; all of it may be thrown away."""
    stated = environ.get("STACKCHECK_CACHE")
    return Path(stated) if stated else xdg_folder(environ, "XDG_CACHE_HOME", ".cache")


def xdg_folder(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """Return `stackcheck` in an XDG folder: that of the variable, else `default` in the user's home.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/, checked 2026-11-30.
    """
    home = environ.get(variable) or Path(environ.get("HOME") or Path.home()) / default
    return Path(home) / "stackcheck"


def write_atomically(path: Path, content: bytes | Iterable[bytes], mode: int = 0o644) -> None:
    """Write a whole file or nothing: a temporary file beside it, fsync, rename, fsync of the folder.

    What a killed run left of the same file is removed first. Raises OSError.
    """
    import tempfile  # noqa: PLC0415 - 1 ms, and every command imports this module, to read

    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)  # Windows has no fchmod
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):  # Windows opens no folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _sweep(path: Path) -> None:
    """Remove temporary files of this path that are too old for their writer to be at work still."""
    import glob  # noqa: PLC0415 - likewise

    sweep_parts(path.parent, glob.escape(path.name))


def sweep_parts(folder: Path, name: str = "*") -> None:
    """Remove what killed runs left of half-written files in a folder; `name` is a glob of the whole file."""
    for left in folder.glob(f".{name}.*.part"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED_S:
                left.unlink()
