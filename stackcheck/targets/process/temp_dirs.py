"""Temporary folders that say whose they are, so that the next run can remove those of a killed one."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.model.errors import EngineError
from stackcheck.storage.writable import not_written
from stackcheck.targets.process.process_identity import age_of, is_gone, parse_owner, this_process

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@contextmanager
def temp_folder(cache: Path) -> Iterator[Path]:
    """Yield an empty folder that only this user can read; remove it whatever happens.

    Raise `EngineError` when the cache folder cannot be written.
    """
    parent = cache / "tmp"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{this_process()}-", dir=parent))
    except OSError as error:
        raise EngineError(not_written(parent, error)) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_temp_folders(cache: Path) -> int:
    """Remove the temporary folders of runs that are gone; return how many."""
    return _sweep(sorted((cache / "tmp").glob("*-*")), "")


def scratch_folder(prefix: str) -> Path:
    """Make a folder in the system's own place for them, swept of those that killed runs left there.

    Raise OSError when there is no room.
    """
    _sweep(sorted(Path(tempfile.gettempdir()).glob(f"{prefix}*-*")), prefix)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{this_process()}-"))


def _sweep(folders: Iterable[Path], prefix: str) -> int:
    mine, removed = this_process(), 0
    for folder in folders:
        owner = parse_owner(folder.name.removeprefix(prefix).partition("-")[0])
        if is_gone(owner, mine, age_of(folder)):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed
