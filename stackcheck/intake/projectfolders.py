"""Which files of a folder say what a project installs, and where below it other projects lie."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from stackcheck.intake.recognise import (
    DEFINITION,
    DOCKERFILE,
    JOB,
    JOB_FOLDERS,
    MANIFESTS,
    MODAL,
    SCRIPT,
    holds,
    kind_of,
)
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = (
    "", "docker", "Docker", "dockerfile", "dockerfiles", ".docker", "requirements", ".devcontainer",
    *MANIFESTS, ".github/workflows", "sky", "skypilot",
)  # fmt: skip
"""The folders of a project in which files are looked for; "" is the project's own."""
_MOST = 200
"""Files of a folder that are read: nobody's project has so many, a folder of downloads may."""
_SHELL = frozenset({".sh", ".bash"})
_OF_IMAGES = frozenset({"docker", ".docker", "dockerfiles"})
_MOST_IMAGES = 20
_MOST_BELOW = 40
_DEEPEST = 2
"""So many levels below a folder projects are looked for, and so many of them."""
_MOST_LOOKED_AT = 2000
"""Folders below one that are looked into: a folder of data may have any number."""
_NOT_OURS = frozenset(
    {"node_modules", "site-packages", "venv", "env", "build", "dist", "third_party", "vendor"}
)


def files_of(folder: Path, *, apps: bool = True) -> list[Path]:
    """Return the files of a project that state what it installs, in the order of their names.

    `apps`: the Python files of the folder itself are looked into for images of Modal.
    Raises UsageError for a folder that may not be read.
    """
    found: list[Path] = []
    for place in (folder / name for name in dict.fromkeys((*FOLDERS, *JOB_FOLDERS))):
        try:
            with os.scandir(place) as rows:
                names = sorted(row.name for row in rows)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise UsageError(f"{place}: this folder cannot be read: {error.strerror}.") from None
        ours = place == folder or place.name not in JOB_FOLDERS
        looked_into = apps and place == folder
        names = [name for name in names if looked_into or not name.endswith(".py") or kind_of(place / name)]
        paths = (
            place / name for name in names if (_may_tell(place / name) if ours else is_job(place / name))
        )
        found += [path for path in paths if path.is_file()]
        if place.name.lower() in _OF_IMAGES and place != folder:
            found += _images_below(place, names)
    return found[:_MOST]


def _images_below(place: Path, names: list[str]) -> list[Path]:
    """Return the Dockerfiles of docker/gpu/ and docker/cpu/: a folder an image."""
    folders = [
        place / name for name in names[:_MOST] if (place / name).is_dir() and not (place / name).is_symlink()
    ]
    found: list[Path] = []
    for folder in folders[:_MOST_IMAGES]:
        with contextlib.suppress(OSError):
            found += sorted(
                path for path in folder.iterdir() if kind_of(path) == DOCKERFILE and path.is_file()
            )
    return found


def _may_tell(path: Path) -> bool:
    """Tell whether a file states what is installed: by its name, or a YAML file by what it holds."""
    if path.suffix in {".yaml", ".yml"} and path.parent.name != "workflows" and not kind_of(path):
        return path.is_file() and holds(path, "skypilot")
    if path.suffix in _SHELL:
        return is_job(path)
    if path.suffix == ".py" and not kind_of(path):
        return path.is_file() and holds(path, MODAL)
    return kind_of(path) not in {"", DEFINITION}


def is_job(path: Path) -> bool:
    """Tell whether a file is a script for sbatch or installs: by its name, or by what it holds."""
    if kind_of(path) == SCRIPT:
        return path.is_file()
    return kind_of(path) == JOB or (path.suffix in _SHELL and path.is_file() and holds(path, JOB))


def folders_below(folder: Path) -> list[Path]:
    """Return the folders below one that hold files of a project of their own, the nearest to the top.

    What tools put there is left out: environments, caches, packages of others; and what may not be read.
    """
    found: list[Path] = []
    left, looked = [(folder, 0)], 0
    while left and len(found) < _MOST_BELOW and looked < _MOST_LOOKED_AT:
        here, depth = left.pop(0)
        for place in _folders_in(here):
            looked += 1
            try:
                own = files_of(place, apps=False)
            except UsageError:
                continue
            if own:
                found.append(place)
            elif depth < _DEEPEST:
                left.append((place, depth + 1))
    return found


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as rows:
            names = sorted(row.name for row in rows if row.is_dir(follow_symlinks=False))
    except OSError:
        return []
    places = (folder / name for name in names if name not in _NOT_OURS and not name.startswith("."))
    return [place for place in places if not (place / "pyvenv.cfg").exists()]
