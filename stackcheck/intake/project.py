"""From the files of a project to the stack that they state together: what is found, and how it is merged.

A folder is looked through by the names of its files, not below the few folders where projects keep such files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from stackcheck.intake.recognise import DEFINITION, kind_of, read_file
from stackcheck.intake.stack import Stack, parse_stack
from stackcheck.intake.stated import Found, Open, Place, Stated
from stackcheck.model.errors import DefinitionError, UsageError
from stackcheck.model.field_texts import LATEST
from stackcheck.model.redact import without_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FOLDERS = ("", "docker", "requirements", ".devcontainer")
"""The folders below a project in which files are looked for."""
_LISTS = ("index.extra", "index.find_links", "constraints", "overrides", "no_build_isolation", "gpus")
_CALL = "the command line"
_REFERENCES = frozenset({"git", "url", "path"})


@dataclass(frozen=True, slots=True)
class Taken:
    """One stack as the files of a project state it.

    `places` says where each key of its definition stands ("packages.torch"), `open` what was not understood or
    has to be asked, `files` what was read.
    """

    stack: Stack
    files: tuple[str, ...]
    row: Mapping[str, Any] = field(repr=False)
    places: Mapping[str, Place] = field(repr=False)
    open: tuple[Open, ...] = ()


def take(paths: Sequence[Path], given: Mapping[str, Any] | None = None) -> tuple[Taken, ...]:
    """Read files and folders of a project; files that are named come together in one stack.

    `given` are values of a definition that the call states: gpus, driver, python, platform. Raises UsageError for
    a file that cannot be read, a folder in which there is nothing to read, and for what is not a file of a kind
    that is known.
    """
    files = [path for path in paths if not path.is_dir()]
    sets = [_named(files)] if files else []
    for folder in (path for path in paths if path.is_dir()):
        sets += _in_folder(folder)
    return tuple(each for name, found in sets for each in _stacks(name, found, given or {}))


def _named(files: Sequence[Path]) -> tuple[str, tuple[Found, ...]]:
    found = tuple(read_file(path, _shown(path)) for path in files)
    parent = files[0].resolve().parent
    return _identifier(parent.name), found


def _shown(path: Path) -> str:
    """Name a file as the user would: relative to where they stand when it lies below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def files_of(folder: Path) -> list[Path]:
    """Return the files of a project that state what it installs, in the order of their names."""
    found: list[Path] = []
    for name in FOLDERS:
        place = folder / name
        if place.is_dir():
            found += sorted(path for path in place.iterdir() if kind_of(path) not in {"", DEFINITION} and path.is_file())
    return found


def _in_folder(folder: Path) -> list[tuple[str, tuple[Found, ...]]]:
    """Return a set of files for each stack of a folder: each Dockerfile is one, and what none of them takes."""
    files = files_of(folder)
    if not files:
        raise UsageError(
            f"{folder}: there is nothing here that says what is installed: no requirements.txt, pyproject.toml, lock "
            "file, environment.yml or Dockerfile. Name the file, or write a definition."
        )
    read = {path: read_file(path, _shown(path)) for path in files}
    docker = [path for path in files if kind_of(path) == "dockerfile"]
    base = _identifier(folder.resolve().name)
    used = {each.place.file for path in docker for each in read[path].stated}
    others = tuple(_best(found for path, found in read.items() if path not in docker and found.file not in used))
    sets = []
    for path in docker:
        own = read[path]
        name = base if len(docker) == 1 else f"{base}-{_identifier(path.name)}"
        sets.append((name, (own,) if "torch" in own.packages else (*others, own)))
    alone = [found for found in others if found.packages]
    if alone and all("torch" in read[path].packages for path in docker):
        sets.append((base if not docker else f"{base}-{_identifier(alone[0].file)}", tuple(alone)))
    return sets


def _best(found: Iterable[Found]) -> list[Found]:
    """Leave out requirement files for other purposes where a project has files that state torch."""
    every = list(found)
    stating = [each for each in every if "torch" in each.packages]
    return stating + [each for each in every if each not in stating and each.kind in {"project file", "lock file"}] if stating else every


def _identifier(name: str) -> str:
    """Return a text as the id of a stack."""
    return re.sub(r"[^a-z0-9._-]+", "-", Path(name).name.lower()).strip("-._") or "project"


def _stacks(name: str, found: Sequence[Found], given: Mapping[str, Any]) -> list[Taken]:
    """Return the stack that files state together, and one more for each set of optional packages with torch."""
    taken = [_stack(name, found, (), given)]
    for each in found:
        for member, more in each.members:
            names = {row.key for row in more}
            if "packages.torch" in names and not any("torch" in one.packages for one in found):
                taken.append(_stack(f"{name}-{_identifier(member.replace(' ', '-'))}", found, more, given))
    if len(taken) > 1 and "torch" not in taken[0].stack.packages:
        return taken[1:]
    return taken


def _stack(name: str, found: Sequence[Found], more: Sequence[Stated], given: Mapping[str, Any]) -> Taken:
    merged = _Merged()
    for each in sorted(found, key=lambda one: one.kind == "lock file"):
        for row in each.stated:
            merged.add(row)
    for row in more:
        merged.add(row)
    for key, value in given.items():
        if value:
            merged.add(Stated(key, value, Place(_CALL)), over=True)
    docker = next((each.file for each in found if each.kind == "Dockerfile"), "")
    file = found[0].file
    if docker:
        file = docker
        merged.row.setdefault("image", {})["dockerfile"] = Path(docker).name
    stack, faults = parse_stack({"id": name, **merged.row}, file=file, where=name)
    if stack is None:
        raise DefinitionError(faults)
    # What the files leave to choose is settled where another of them, or the call, states it.
    every = [each for one in found for each in one.open] + merged.open
    left = tuple(each for each in every if each.kind != "asked" or stack.python is None)
    read = [*(one.file for one in found), *(place.file for place in merged.places.values())]
    files = tuple(name for name in dict.fromkeys(read) if name != _CALL)
    stack = stack.model_copy(update={
        "places": {key: str(place) for key, place in merged.places.items()},
        "unread": tuple(f"{each.place}: {each.text}" for each in left if each.kind in {"unread", "asked"}),
        "contradictions": tuple((str(each.place), each.text) for each in left if each.kind in {"replaced", "contradiction"}),
    })  # fmt: skip
    return Taken(stack, files, merged.row, merged.places, left)


class _Merged:
    """The rows of several files as one definition; what contradicts is said."""

    def __init__(self) -> None:
        self.row: dict[str, Any] = {}
        self.places: dict[str, Place] = {}
        self.open: list[Open] = []

    def add(self, each: Stated, *, over: bool = False) -> None:
        """Take one statement."""
        if each.key.startswith("packages."):
            self._add_package(each)
        elif each.key in _LISTS:
            self._add_listed(each)
        else:
            self._add_value(each, over=over)

    def _add_value(self, each: Stated, *, over: bool) -> None:
        table, _, key = each.key.rpartition(".")
        target = self.row.setdefault(table, {}) if table else self.row
        value = self._without_login(each) if each.key == "index.url" else each.value
        if key in target and target[key] != value and not over and not each.key.startswith("env."):
            self.open.append(Open(f"{each.key} is {value} here and {target[key]} in {self.places[each.key]}; the latter was taken.", each.place, "contradiction"))
            return
        target[key] = value
        self.places[each.key] = each.place

    def _add_listed(self, each: Stated) -> None:
        table, _, key = each.key.rpartition(".")
        target = self.row.setdefault(table, {}) if table else self.row
        if each.value is True or target.get(key) is True:
            target[key] = True
            return
        values = each.value if isinstance(each.value, (list, tuple)) else [self._without_login(each)]
        target[key] = list(dict.fromkeys([*target.get(key, ()), *values]))
        self.places.setdefault(each.key, each.place)

    def _without_login(self, each: Stated) -> Any:
        if not isinstance(each.value, str) or "://" not in each.value:
            return each.value
        clean = without_userinfo(each.value)
        if clean != each.value:
            self.open.append(Open(f"the login in the address of {clean} was left out: give it by netrc or the environment.", each.place))
        return clean

    def _add_package(self, each: Stated) -> None:
        packages = self.row.setdefault("packages", {})
        name = each.key.removeprefix("packages.")
        new, old = dict(each.value), packages.get(name)
        if isinstance(new.get("index"), str):
            new["index"] = self._without_login(Stated("index", new["index"], each.place))
        if old is None:
            packages[name] = new
            self.places[each.key] = each.place
            return
        packages[name], taken, clash = _joined(old, new)
        if clash:
            self.open.append(Open(
                f"{name} is {new['version']} here and {old['version']} in {self.places[each.key]}; "
                "the former was taken.", each.place, "contradiction",
            ))  # fmt: skip
        if taken:
            self.places[each.key] = each.place


def _joined(old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], bool, bool]:
    """Return what two statements of one package say together, whether the new one decides, and a clash."""
    if new.keys() <= {"from", "version"} and new.get("from") == "source" and new.get("version", LATEST) == LATEST:
        return {**old, "from": "source"}, False, False
    if _REFERENCES & new.keys():
        return new, True, False
    if _REFERENCES & old.keys():
        return old, False, False
    first, second = str(old.get("version", LATEST)), str(new.get("version", LATEST))
    both = {**old, **new}
    if second == LATEST or first == second:
        return {**both, "version": first}, False, False
    if first == LATEST:
        return both, True, False
    if _takes(first, second):
        return both, True, False
    if _takes(second, first):
        return {**both, "version": first}, False, False
    if not _exact(first) and not _exact(second):
        joined = f"{first},{second}"
        return {**both, "version": joined}, True, False
    return both, True, True


def _exact(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _takes(wanted: str, version: str) -> bool:
    """Tell whether a version or range takes an exact version."""
    exact = _exact(version)
    if exact is None:
        return False
    try:
        same = _exact(wanted)
        return SpecifierSet(f"=={same.public}" if same else wanted).contains(exact, prereleases=True)
    except InvalidSpecifier:
        return False
