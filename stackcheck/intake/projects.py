"""What installing the project in a folder installs: its own file, the sets that are chosen, and its lock."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from stackcheck.intake import lockfiles, pipfile, pyproject, setupfiles
from stackcheck.intake.documents import table
from stackcheck.intake.merging import LINUX, LISTS, Merged
from stackcheck.intake.pyproject import KIND
from stackcheck.intake.stated import Found, Open, Stated
from stackcheck.model.errors import UsageError
from stackcheck.storage.parsing import parse_json, parse_toml
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILES = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile")
LOCKS = ("uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which sets of a project's packages are installed, and whether its lock decides their versions."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    all_extras: bool = False
    locked: bool = True


def read(folder: Path, shown: str, chosen: Chosen) -> Found:
    """Return what an install of the project in a folder states, each key once.

    Raises UsageError for a file that cannot be read.
    """
    merged = Merged()
    wanted = {f"extra {name}" for name in chosen.extras} | {f"group {name}" for name in chosen.groups}
    left: list[Open] = []
    own = [_read(folder, shown, name) for name in FILES if (folder / name).is_file()]
    for found in own:
        left += found.open
        for each in found.stated:
            merged.add(each)
        for name, rows in found.members:
            if name in wanted or (chosen.all_extras and name.startswith("extra ")):
                for each in rows:
                    merged.add(each)
    lock = next((name for name in LOCKS if (folder / name).is_file()), "") if chosen.locked else ""
    if lock:
        found = lockfiles.held(_read(folder, shown, lock), merged.python, LINUX)
        own.append(found)
        left += found.open
        for each in found.stated:
            merged.add(each)
    reads = tuple(each.file for each in own)
    return Found(KIND, shown, tuple(_statements(merged)), (*left, *merged.open), reads=reads)


def name_of(folder: Path) -> str:
    """Return the name under which the project in a folder is installed; "" where no file says it plainly."""
    for name in FILES[:3]:
        try:
            found = canonicalize_name(_name_in(name, read_text(folder / name)))
        except UsageError:
            continue
        if found:
            return found
    return ""


def _name_in(name: str, text: str) -> str:
    if name == "setup.py":
        return setupfiles.name_in(text)
    if name == "setup.cfg":
        match = re.search(r"(?m)^\[metadata\][^\[]*?^name\s*=\s*([\w.-]+)\s*$", text)
        return match[1] if match else ""
    document = parse_toml(text, name)
    named = table(document, "project").get("name") or table(document, "tool", "poetry").get("name")
    return named if isinstance(named, str) else ""


def _read(folder: Path, shown: str, name: str) -> Found:
    path = posixpath.normpath(posixpath.join(shown, name))
    return READERS[name](read_text(folder / name), folder, path)


def _statements(merged: Merged) -> Iterator[Stated]:
    for key, place in merged.places.items():
        table, _, name = key.rpartition(".")
        value = (merged.row[table] if table else merged.row)[name]
        if key in LISTS and isinstance(value, list):
            yield from (Stated(key, each, place) for each in value)
        else:
            yield Stated(key, value, place)


def _lock(text: str, folder: Path, shown: str) -> Found:
    del folder
    return lockfiles.read(text, parse_toml(text, shown), shown)


def _pipfile_lock(text: str, folder: Path, shown: str) -> Found:
    del folder
    document = parse_json(text, shown)
    if not isinstance(document, dict):
        raise UsageError(f"{shown}: this is not a Pipfile.lock: it holds no object.")
    return lockfiles.read_pipfile_lock(document, text, shown)


READERS: dict[str, Callable[[str, Path, str], Found]] = {
    "pyproject.toml": lambda text, folder, shown: pyproject.read(
        text, parse_toml(text, shown), shown, folder
    ),
    "setup.cfg": lambda text, folder, shown: setupfiles.read_cfg(text, shown, folder),
    "setup.py": lambda text, folder, shown: setupfiles.read_py(text, shown, folder),
    "Pipfile": lambda text, folder, shown: pipfile.read(text, parse_toml(text, shown), shown),  # noqa: ARG005
    "Pipfile.lock": _pipfile_lock,
    **dict.fromkeys(("uv.lock", "pylock.toml", "poetry.lock", "pdm.lock"), _lock),
}
"""What reads each of these files: its text, the folder it lies in, and its name for the user."""
