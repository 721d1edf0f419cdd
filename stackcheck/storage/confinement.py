"""Where a file that somebody else's file names may lie: in its own repository, unless the call allows more.

A definition or a Dockerfile may come from a stranger: `../../.ssh/id_rsa` as a build context would leave with
the image, and a link is followed as willingly as a path.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.model.errors import UsageError
from stackcheck.storage.stack_files import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOTS: ContextVar[tuple[Path, ...]] = ContextVar("roots", default=())
_FREE: ContextVar[bool] = ContextVar("free", default=False)
_REPOSITORY = ".git"


def repository_of(file: Path) -> Path:
    """Return the folder that a file belongs to: its repository, else its project, else where it lies.

    Without a repository `matrices/` belongs to the folder that it lies in. Neither a user's home nor the root
    of the file system is anybody's project, whatever stands there.
    """
    folder = real_path(file) if file.is_dir() else real_path(file.parent)
    home = real_path(Path.home())
    upwards = [each for each in (folder, *folder.parents) if not home.is_relative_to(each)]
    for marks in ((_REPOSITORY,), MARKS):
        for each in upwards:
            if any((each / mark).exists() for mark in marks):
                return each
    return folder.parent if folder.name == "matrices" and folder.parent in upwards else folder


@contextmanager
def anywhere(*, allowed: bool) -> Iterator[None]:
    """Let files lie anywhere in this thread, where the call has said so."""
    token = _FREE.set(allowed)
    try:
        yield
    finally:
        _FREE.reset(token)


@contextmanager
def only_in(*roots: Path) -> Iterator[None]:
    """Refuse files outside of these folders while somebody's files are read, in this thread."""
    token = _ROOTS.set(tuple(map(real_path, roots)))
    try:
        yield
    finally:
        _ROOTS.reset(token)


def refuse_outside(path: Path) -> None:
    """Raise UsageError for a path that leads out of the folders of `only_in`, links followed."""
    roots = () if _FREE.get() else _ROOTS.get()
    if not roots:
        return
    try:
        real = real_path(path)
    except (OSError, ValueError):
        return  # opening it says what is wrong
    if not any(real.is_relative_to(root) for root in roots):
        raise UsageError(
            f"{path}: this leads out of {roots[0]}, to which the file that names it belongs. "
            "--allow-outside lets it."
        )


def real_path(path: Path) -> Path:
    """Return a path without links; `Path.resolve` raises for a link to itself before Python 3.13."""
    return Path(os.path.realpath(path))
