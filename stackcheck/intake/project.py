"""From the files of a project to the stacks that they state: what there is, and which belong together.

A folder is looked through by the names of its files, and in the few folders where projects keep such files.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.intake import dockerfiles, lockfiles, pyproject
from stackcheck.intake.configuration import Configuration, configuration
from stackcheck.intake.merging import Merged
from stackcheck.intake.recognise import DEFINITION, DOCKERFILE, kind_of, read_file
from stackcheck.intake.stack import Stack, parse_stack
from stackcheck.intake.stated import Found, Open, Place, Stated
from stackcheck.model.errors import DefinitionError, UsageError
from stackcheck.storage.reading import real_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

FOLDERS = ("", "docker", "requirements", ".devcontainer")
"""The folders of a project in which files are looked for; "" is the project's own."""
_CALL = Place("the command line")
_MOST = 200
"""Files of a folder that are read: nobody's project has so many, a folder of downloads may."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One stack as the files of a project state it.

    `row` is its row of a definition, `places` says where each key of it stands ("packages.torch"), `open`
    what was not understood or has to be asked, `files` what was read.
    """

    stack: Stack
    files: tuple[str, ...]
    row: Mapping[str, Any] = field(repr=False)
    places: Mapping[str, Place] = field(repr=False)
    open: tuple[Open, ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """What the files leave open, as the call states it, and as the project's `file` does for all calls."""

    given: Mapping[str, Any]
    usual: Configuration
    file: str

    def add_to(self, merged: Merged) -> None:
        """Put what the call states in the place of anything else, and what is configured where nothing is."""
        for key, value in self.given.items():
            if value:
                merged.put(key, value, _CALL)
        place, today = Place(self.file), dt.datetime.now(dt.UTC).date()
        for key in ("gpus", "driver", "python", "platform"):
            value = getattr(self.usual, key)
            if value and key not in merged.row:
                merged.put(key, list(value) if key == "gpus" else value, place)
        if accepted := self.usual.accepted(today):
            merged.put("ignore", accepted, place)
        merged.open += [Open(text, place) for text in self.usual.expired(today)]


def take(paths: Sequence[Path], given: Mapping[str, Any] | None = None) -> tuple[Taken, ...]:
    """Read files and folders of a project; files that are named come together in one stack.

    `given` are values of a definition that the call states, such as gpus and driver. Raises UsageError for
    what cannot be read, for a kind of file that is not known, and for a folder in which there is nothing.
    """
    files = [path for path in paths if not path.is_dir()]
    sets = [_named(files)] if files else []
    for folder in (path for path in paths if path.is_dir()):
        sets += _in_folder(folder)
    said = _Said(given or {}, *configuration())
    return tuple(each for name, found in sets for each in _stacks(name, found, said))


def files_of(folder: Path) -> list[Path]:
    """Return the files of a project that state what it installs, in the order of their names.

    Raises UsageError for a folder that may not be read.
    """
    found: list[Path] = []
    for place in (folder / name for name in FOLDERS):
        try:
            names = sorted(place.iterdir()) if place.is_dir() else []
        except OSError as error:
            raise UsageError(f"{place}: this folder cannot be read: {error.strerror}.") from None
        found += [path for path in names if kind_of(path) not in {"", DEFINITION} and path.is_file()]
    return found[:_MOST]


def _named(files: Sequence[Path]) -> tuple[str, Sequence[Found]]:
    found = [read_file(path, _shown(path)) for path in files]
    taken = {each.place.file for one in found if one.kind == dockerfiles.KIND for each in one.stated}
    left = [each for each in found if each.kind == dockerfiles.KIND or each.file not in taken]
    return _identifier(real_path(files[0]).parent.name), left


def _shown(path: Path) -> str:
    """Name a file as the user would: relative to where they stand when it lies below."""
    try:
        return str(real_path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _in_folder(folder: Path) -> list[tuple[str, Sequence[Found]]]:
    """Return the files of each stack of a folder: a Dockerfile is one, what it does not take is another."""
    files = files_of(folder)
    if not files:
        raise UsageError(
            f"{folder}: there is nothing here that says what is installed: no requirements.txt, "
            "pyproject.toml, lock file, environment.yml or Dockerfile. Name the file, or write a definition."
        )
    read = {path: read_file(path, _shown(path)) for path in files}
    images = {path: found for path, found in read.items() if kind_of(path) == DOCKERFILE}
    used = {each.place.file for found in images.values() for each in found.stated}
    others = _of_torch(found for path, found in read.items() if path not in images and found.file not in used)
    base = _identifier(real_path(folder).name)
    return list(_sets(base, images, others))


def _sets(
    base: str, images: Mapping[Path, Found], others: Sequence[Found]
) -> Iterator[tuple[str, Sequence[Found]]]:
    """Yield each stack's files: an image that installs no torch gets it by the project's own files."""
    for path, found in images.items():
        name = base if len(images) == 1 else f"{base}-{_identifier(path.name)}"
        yield name, [found] if "torch" in found.packages else [*others, found]
    alone = all("torch" in found.packages for found in images.values())
    if alone and any(found.packages or found.members for found in others):
        yield base if not images else f"{base}-{_identifier(others[0].file)}", others


def _of_torch(found: Iterable[Found]) -> list[Found]:
    """Leave out the requirement files of other purposes where a project has some that state torch."""
    every = list(found)
    kept = [each for each in every if "torch" in each.packages]
    whole = {pyproject.KIND, lockfiles.KIND}
    return [each for each in every if each in kept or each.kind in whole] if kept else every


def _identifier(name: str) -> str:
    """Return a text as the id of a stack."""
    return re.sub(r"[^a-z0-9._-]+", "-", Path(name).name.lower()).strip("-._") or "project"


def _stacks(name: str, found: Sequence[Found], said: _Said) -> list[Taken]:
    """Return the stack that files state together, or one for each set of optional packages with torch."""
    if not any(each.packages or each.members or each.kind == dockerfiles.KIND for each in found):
        files = ", ".join(each.file for each in found)
        raise UsageError(f"{files}: no package is stated here that could be judged; name another file.")
    if not any("torch" in each.packages for each in found):
        members = [
            _stack(f"{name}-{_identifier(member.replace(' ', '-'))}", found, more, said)
            for each in found
            for member, more in each.members
            if any(row.key == "packages.torch" for row in more)
        ]
        if members:
            return members
    return [_stack(name, found, (), said)]


def _stack(name: str, found: Sequence[Found], more: Sequence[Stated], said: _Said) -> Taken:
    merged = Merged()
    # A lock says which versions were chosen: it comes last, and its pins decide.
    for each in sorted(found, key=lambda one: one.kind == lockfiles.KIND):
        for row in each.stated:
            merged.add(row)
    for row in more:
        merged.add(row)
    said.add_to(merged)
    image = next((each.file for each in found if each.kind == dockerfiles.KIND), "")
    if image:
        merged.row.setdefault("image", {})["dockerfile"] = Path(image).name
    stack, faults = parse_stack({"id": name, **merged.row}, file=image or found[0].file, where=name)
    if stack is None:
        raise DefinitionError(faults)
    every = [*(each for one in found for each in one.open), *merged.open]
    # What the files leave to choose is settled where another of them, or the call, states it.
    left = tuple(each for each in every if each.kind != "asked" or stack.python is None)
    read = [*(one.file for one in found), *(place.file for place in merged.places.values())]
    files = tuple(name for name in dict.fromkeys(read) if name != _CALL.file)
    return Taken(_told(stack, files, merged.places, left), files, merged.row, merged.places, left)


def _told(stack: Stack, files: tuple[str, ...], places: Mapping[str, Place], left: Sequence[Open]) -> Stack:
    """Return a stack with what its reader knows of the files."""
    clashes = [each for each in left if each.kind in {"replaced", "contradiction"}]
    told = {
        "read_from": files,
        "places": {key: str(place) for key, place in places.items()},
        "unread": tuple(f"{each.place}: {each.text}" for each in left if each not in clashes),
        "contradictions": tuple((str(each.place), each.text) for each in clashes),
    }
    return stack.model_copy(update=told)
