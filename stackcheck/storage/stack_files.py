"""Where what belongs to a stack is kept: `locks/` and `reports/` beside its definition, or beside its files.

A lock is `locks/pylock.<id>.toml`, dots of the id as `-`, because PEP 751 allows none in the name:
https://peps.python.org/pep-0751/, checked 2026-11-20.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack

MARKS = ("stackcheck.toml", "pyproject.toml", ".git")
"""What stands in the folder of a project."""
_PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = (_PACKAGE / "matrices", _PACKAGE.parent / "matrices")
"""The definitions that ship, in an installed package and in the repository; the first one there counts."""


def project_folder(start: Path | None = None) -> Path:
    """Return the nearest folder upwards that is a project's, else the one that was started from."""
    start = start or Path()
    here = start.resolve()
    marked = (each for each in (here, *here.parents) if any((each / mark).exists() for mark in MARKS))
    found = next(marked, here)
    return start if found == here else found


def beside(stack: Stack) -> Path:
    """Return the folder in which `locks/` and `reports/` of a stack are.

    That is where `matrices/` is, for other definitions and files of a project where the file is, and for
    stacks that ship the user's own project: the installed package is nobody's to write to.
    """
    return _beside(stack.file, os.getcwd())  # noqa: PTH109 - a Path takes ten times as long, for every stack


@lru_cache(maxsize=64)
def _beside(path: str, folder: str) -> Path:  # noqa: ARG001 - a path is seen from it
    """Return the folder for a file, seen from a working folder: asked for every stack, and of few files."""
    file = Path(path)
    if path and _ships(file):
        return project_folder()
    return file.parent.parent if file.parent.name == "matrices" else file.parent


def _ships(file: Path) -> bool:
    """Tell whether a definition ships; in the repository its own are those of a project like any other."""
    installed, repository = SHIPPED
    whole = file.resolve()
    return whole.is_relative_to(installed) or (file.is_absolute() and whole.is_relative_to(repository))


def lock_path(stack: Stack, folder: Path | None = None) -> Path:
    """Return where the lock of a stack lies: in `folder`, else in its `locks/`."""
    folder = beside(stack) / "locks" if folder is None else folder
    return folder / f"pylock.{re.sub(r'[^A-Za-z0-9_-]+', '-', stack.id)}.toml"


def report_path(stack: Stack) -> Path:
    """Return where the baseline report of a stack lies: in its `reports/`."""
    return beside(stack) / "reports" / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', stack.id)}.json"
