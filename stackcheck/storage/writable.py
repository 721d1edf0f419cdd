"""A place to write for a run, and what is said where there is none: a read-only home, a full disk."""

from __future__ import annotations

import atexit
import errno
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.storage.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_TRIED = 1 << 16
"""As many bytes as a question to uv takes, and more; a page may be larger."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def not_written(path: Path, error: OSError) -> str:
    """Say that a place cannot be written, why, and what to do."""
    if error.errno in _FULL:
        return (
            f"{path} cannot be written ({error.strerror}). Make room (`stackcheck cache clean` removes what "
            "stackcheck can make again), or name a folder on another disk in STACKCHECK_CACHE."
        )
    return f"{path} cannot be written ({error.strerror}). Name a folder that is yours in STACKCHECK_CACHE."


def settle_cache(environ: MutableMapping[str, str]) -> str:
    """Have folders for stackcheck and for uv that can be written; return a warning, "" where all is well.

    Where the cache folder cannot be written, STACKCHECK_CACHE becomes a temporary folder, which goes with the
    process; where uv's cannot, UV_CACHE_DIR becomes a folder below stackcheck's. What runs later reads both.
    """
    warning, folder = "", cache_folder(environ)
    if fault := _fault(folder):
        try:
            made = tempfile.mkdtemp(prefix="stackcheck-cache-")
        except OSError:
            return not_written(folder, fault)
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        if _fault(Path(made)):
            return not_written(folder, fault)
        advice = not_written(folder, fault).partition("). ")[2]
        warning = (
            f"{folder} cannot be written ({fault.strerror}): what this run keeps lies in {made}, "
            f"and goes with it. {advice}"
        )
        environ["STACKCHECK_CACHE"], folder = made, Path(made)
    if not environ.get("UV_CACHE_DIR") and _fault(_uv_default(environ)):
        environ["UV_CACHE_DIR"] = str(folder / "uv")
    return warning


def _uv_default(environ: Mapping[str, str]) -> Path:
    """Return where uv keeps its cache unasked: https://docs.astral.sh/uv/concepts/cache/, 2026-11-30."""
    return Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache") / "uv"


def _fault(folder: Path) -> OSError | None:
    """Return why a folder cannot be had or written; None when it can: a little is written, and removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_TRIED))
            file.flush()
    except OSError as error:
        return error
    return None
