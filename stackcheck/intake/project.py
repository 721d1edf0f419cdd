"""From the files of a project to the stacks that they state: what there is, and which belong together.

A folder is looked through by the names of its files, and in the few folders where projects keep such files.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from stackcheck.intake import (
    conda,
    dockerfiles,
    lockfiles,
    modalapps,
    notebooks,
    pyproject,
    requirements,
    slurm,
)
from stackcheck.intake.configuration import Configuration, configuration
from stackcheck.intake.merging import LINUX, Merged
from stackcheck.intake.projectfolders import files_of, folders_below
from stackcheck.intake.recognise import LAST, LOOSE, kind_of, read_file
from stackcheck.intake.stack import Stack, parse_stack
from stackcheck.intake.stated import Found, Open, Place, Stated
from stackcheck.model.errors import DefinitionError, UsageError
from stackcheck.storage.confinement import only_in, real_path, repository_of
from stackcheck.storage.reading import as_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Sets: TypeAlias = "list[tuple[str, list[Found]]]"
"""Stacks as the name of each and the files that state it."""

_CALL = Place("the command line")
_DESCRIBING = (
    "compose file",
    "Kubernetes manifest",
    "devcontainer.json",
    "workflow",
    "cog.yaml",
    "SkyPilot task",
    slurm.KIND,
    notebooks.KIND,
    modalapps.KIND,
    slurm.SCRIPT,
)
"""Kinds of files whose containers are the stacks."""
_CONSTRAINTS = re.compile(r"(?i)constraints.*\.txt")
_MOST_TOLD = 10
_GPU_IMAGE = re.compile(r"torch|cuda|nvidia|rocm|vllm")


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

    def first(self, key: str, found: Sequence[Found]) -> str | None:
        """Return the value of a key that will hold: of the call, of the files, or of the configuration."""
        stated = (each.value for one in found for each in one.stated if each.key == key)
        value = self.given.get(key) or next(stated, None) or getattr(self.usual, key)
        return str(value) if value else None

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
    with only_in(*map(repository_of, paths), *files):
        sets = _named(files) if files else []
        for folder in (path for path in paths if path.is_dir()):
            sets += _of_folder(folder)
    said = _Said(given or {}, *configuration())
    return tuple(each for name, found in sets for each in _stacks(name, found, said))


def _named(files: Sequence[Path]) -> Sets:
    """Return files that are named as one stack, or as one for each container that they describe."""
    read = [read_file(path, as_named(path)) for path in files]
    name = _identifier(real_path(files[0]).parent.name)
    containers = [each for found in read for each in found.containers]
    for found in read:
        if (
            not (found.stated or found.members or found.containers or found.open)
            and found.kind in _DESCRIBING
        ):
            raise UsageError(f"{found.file}: nothing in this {found.kind} installs torch or asks for a GPU.")
    taken = {
        each.place.file for one in (*read, *containers) for each in one.stated if one.kind == dockerfiles.KIND
    }
    taken -= {one.file for one in read if one.kind == dockerfiles.KIND}
    built = {one.file for one in containers}
    left = [each for each in read if each.file not in taken | built and not each.containers]
    left = _with_constraints(left)
    if not containers:
        return [(name, left)]
    if len(containers) == 1:
        return [(name, [*left, _in_the_image(containers[0], left)])]
    return [(f"{name}-{_identifier(each.name)}", [*left, each]) for each in containers]


def _in_the_image(container: Found, others: Sequence[Found]) -> Found:
    """Return what a container states beside a Dockerfile that is named with it: that one makes its image."""
    if not any(each.kind == dockerfiles.KIND for each in others):
        return container
    return replace(container, stated=tuple(each for each in container.stated if each.key != "image.ready"))


def _of_folder(folder: Path) -> Sets:
    """Return the stacks of a folder; where its own files state none, those of the projects below it.

    Raises UsageError for a folder in which there is nothing, and for a file that cannot be read.
    """
    files = files_of(folder)
    own = _in_folder(files, _identifier(real_path(folder).name)) if files else []
    if any(_says(each) for _, found in own for each in found):
        return own
    below = [
        each
        for place in folders_below(folder)
        for each in _in_folder(files_of(place), _identifier("-".join(place.relative_to(folder).parts)))
    ]
    telling = [(name, found) for name, found in below if any(map(_of_a_gpu, found))]
    if not (own or below):
        if files:
            raise _nothing_stated(folder, files)
        raise UsageError(
            f"{folder}: there is nothing here that says what is installed, nor in the folders below: no "
            "requirements.txt, pyproject.toml, lock file, environment.yml or Dockerfile. Name the file, or "
            "write a definition."
        )
    return telling or below or own


def _nothing_stated(folder: Path, files: Sequence[Path]) -> UsageError:
    """Say what was read and stated no package, and what of it could not be read off."""
    read, notes = _read(files)
    left = [each for found in read for each in found.open] + notes
    told = "".join(f"\n  {each.place}: {each.text}" for each in left[:_MOST_TOLD])
    names = ", ".join(as_named(path) for path in files[:_MOST_TOLD])
    return UsageError(f"{folder}: no package that could be judged is stated here, in {names}.{told}")


def _says(found: Found) -> bool:
    """Tell whether a file states anything that a stack could be made of."""
    return bool(
        found.packages or found.members or found.containers or found.kind in {dockerfiles.KIND, *_DESCRIBING}
    )


def _has_torch(found: Found) -> bool:
    """Tell whether a file states torch, or a set of optional packages that it has does."""
    return "torch" in found.packages or any(
        row.key == "packages.torch" for _, rows in found.members for row in rows
    )


def _of_a_gpu(found: Found) -> bool:
    """Tell whether a file speaks of torch, or of an image or a host with a GPU."""
    image = next((str(each.value) for each in found.stated if each.key in {"image.base", "image.ready"}), "")
    return (
        _has_torch(found)
        or bool(_GPU_IMAGE.search(image))
        or any(each.key in {"accelerator", "gpus"} for each in found.stated)
    )


def _in_folder(files: Sequence[Path], base: str) -> Sets:
    """Return the files of a folder by stack: an image is one, what no image takes is another."""
    read, notes = _read(path for path in files if kind_of(path) not in LAST)
    if not any(_has_torch(each) for one in read for each in (one, *one.containers)):
        more, unread = _read(path for path in files if kind_of(path) in LAST)
        read, notes = [*read, *more], [*notes, *unread]
    if not read and not notes:
        return []
    containers = _each_once(each for one in read for each in one.containers if _tells(each, one))
    built = {each.file for each in containers if each.kind == dockerfiles.KIND}
    images = [each for each in read if each.kind == dockerfiles.KIND and each.file not in built]
    images += containers
    used = {name for found in images for name in _files(found)}
    apart = {dockerfiles.KIND, *_DESCRIBING, slurm.WHERE}
    others = [each for each in read if each.kind not in apart and each.file not in used]
    others, choices = _apart(_of_torch(_with_constraints(others)))
    notes += [row for each in read if each.kind == slurm.SCRIPT for row in each.open]
    left = [Found("file", "", open=tuple(notes))] if notes else []
    sets = [*_sets(base, images, others)]
    if choices and not any("torch" in each.packages for each in images):
        if one := next((each for each in others if "torch" in each.packages and not _is_main(each)), None):
            sets = [
                (f"{base}-{_identifier(one.file)}" if name == base else name, found) for name, found in sets
            ]
        sets += [(f"{base}-{_identifier(each.file)}", [each]) for each in choices]
    jobs = [each for each in read if each.kind == slurm.WHERE]
    return [(name, [*found, *left]) for name, found in _with_jobs(sets, jobs)]


def _with_jobs(sets: Sets, jobs: Sequence[Found]) -> Sets:
    """Add to what the project's own files install where it is to run; no job says that it runs an image."""
    told: set[str] = set()
    hosts: list[Found] = []
    for each in jobs:
        new = [row for row in each.stated if repr((row.key, row.value)) not in told]
        told |= set(_rows(each))
        if new or each.open:
            hosts.append(replace(each, stated=tuple(new)))
    images = {dockerfiles.KIND, *_DESCRIBING}
    plain = [name for name, found in sets if not any(each.kind in images for each in found)]
    if plain or not sets or not hosts:
        return [(name, [*found, *hosts] if name in plain else found) for name, found in sets]
    text = "what this job runs is not said here, so nothing was held against what it asks for."
    notes = [Found(slurm.WHERE, each.file, open=(Open(text, Place(each.file)),)) for each in hosts]
    return [(name, [*found, *notes]) for name, found in sets]


def _files(found: Found) -> set[str]:
    """Return the files that something was read from."""
    return {*found.reads, *(each.place.file for each in found.stated)}


def _read(paths: Iterable[Path]) -> tuple[list[Found], list[Open]]:
    """Read files of a folder; one that may be for another tool, and is broken, stops no other.

    Raises UsageError with every other file that cannot be read.
    """
    read: list[Found] = []
    notes: list[Open] = []
    faults: list[str] = []
    for path in paths:
        shown = as_named(path)
        try:
            read.append(read_file(path, shown))
        except UsageError as error:
            if kind_of(path) in LOOSE:
                notes.append(Open(str(error), Place(shown)))
            else:
                faults.append(str(error))
    if faults:
        told = "\n  ".join(faults)
        raise UsageError(f"{len(faults)} files cannot be read:\n  {told}" if len(faults) > 1 else told)
    return read, notes


def _tells(container: Found, of: Found) -> bool:
    """Tell whether a container says something of a GPU stack: a place to write code in often does not."""
    image = next((str(each.value) for each in container.stated if each.key == "image.base"), "")
    asks = any(each.key == "accelerator" for each in container.stated)
    return (
        of.kind != _DESCRIBING[2] or asks or "torch" in container.packages or bool(_GPU_IMAGE.search(image))
    )


def _each_once(containers: Iterable[Found]) -> list[Found]:
    """Leave out a container that states what another does: a service and its worker share an image.

    A devcontainer that opens a service of a compose file is that service, whatever it says again.
    """
    kept: dict[str, Found] = {}
    for each in containers:
        kept.setdefault(repr((each.file, _rows(each))), each)
    every = list(kept.values())
    return [one for one in every if not any(_opens(one, other) for other in every)]


def _opens(one: Found, other: Found) -> bool:
    return one.kind == _DESCRIBING[2] != other.kind and bool(one.stated) and {*_rows(one)} <= {*_rows(other)}


def _rows(found: Found) -> list[str]:
    return [repr((row.key, row.value)) for row in found.stated]


def _sets(base: str, images: Sequence[Found], others: Sequence[Found]) -> Iterator[tuple[str, list[Found]]]:
    """Yield each stack's files: an image that installs no torch gets it by the project's own files."""
    own = [each for each in images if each.kind == dockerfiles.KIND]
    parts = [found.name or Path(found.file).name for found in images]
    plain = _beside_conda(others)
    for found, part in zip(images, parts, strict=True):
        # Two files may have a service of one name, and two folders a Dockerfile.
        file = Path(found.file)
        several = (
            f"{file.name if found.name else file.parent.name or 'root'}-" if parts.count(part) > 1 else ""
        )
        name = base if len(images) == 1 else f"{base}-{_identifier(f'{several}{part}')}"
        yield name, [found] if "torch" in found.packages or found not in own else [*plain, found]
    alone = plain != list(others) or all("torch" in found.packages for found in own)
    telling = any(map(_has_torch, others))
    if alone and (telling if images else any(found.packages or found.members for found in others)):
        yield base if not images else f"{base}-{_identifier(others[0].file)}", list(others)


def _beside_conda(others: Sequence[Found]) -> list[Found]:
    """Return what an image that calls no conda installs: where another file has torch, not conda's."""
    plain = [each for each in others if each.kind != conda.KIND or "torch" not in each.packages]
    return plain if any(map(_has_torch, plain)) else list(others)


def _with_constraints(found: Sequence[Found]) -> list[Found]:
    """Take files of constraints for what their name says where they stand beside requirements."""
    beside = any(each.packages and not _CONSTRAINTS.fullmatch(Path(each.file).name) for each in found)
    return [
        requirements.as_constraints(each) if beside and _CONSTRAINTS.fullmatch(Path(each.file).name) else each
        for each in found
    ]


def _of_torch(found: Iterable[Found]) -> list[Found]:
    """Leave out the requirement files of other purposes where a project has some that state torch."""
    every = list(found)
    kept = [each for each in every if "torch" in each.packages]
    whole = {pyproject.KIND, lockfiles.KIND, requirements.CONSTRAINTS}
    return [each for each in every if each in kept or each.kind in whole] if kept else every


def _apart(found: Sequence[Found]) -> tuple[list[Found], list[Found]]:
    """Return the files that are installed together, and requirement files that stand for a choice.

    `requirements/cpu.txt` beside `cuda.txt`, `requirements-min.txt` beside a project file: another torch, or
    from elsewhere. A requirements.txt goes with the project's own file, and its pins decide.
    """
    own = [each for each in found if _is_main(each)]
    first = next((each for each in [*own, *found] if "torch" in each.packages), None)
    told = [_torch_of(each) for each in [*own, *([first] if first else [])]]
    apart = [each for each in found if each not in own and each is not first and _torch_of(each) not in told]
    apart = [each for each in apart if "torch" in each.packages]
    return [each for each in found if each not in apart], apart


def _is_main(found: Found) -> bool:
    return found.kind != requirements.KIND or Path(found.file).name.lower() == "requirements.txt"


def _torch_of(found: Found) -> str:
    """Return what a file says of torch: which, and from where."""
    keys = {"packages.torch", "index.url", "index.extra", "index.find_links"}
    return repr(sorted((each.key, repr(each.value)) for each in found.stated if each.key in keys))


def _identifier(name: str) -> str:
    """Return a text as the id of a stack."""
    return re.sub(r"[^a-z0-9._-]+", "-", Path(name).name.lower()).strip("-._") or "project"


def _stacks(name: str, found: Sequence[Found], said: _Said) -> list[Taken]:
    """Return the stack that files state together, or one for each set of optional packages with torch."""
    # A container may state an image and GPUs alone.
    kinds = {dockerfiles.KIND, *_DESCRIBING}
    if not any(each.packages or each.members or each.kind in kinds for each in found):
        files = ", ".join(each.file for each in found)
        raise UsageError(f"{files}: no package is stated here that could be judged; name another file.")
    own = [row.value for each in found for row in each.stated if row.key == "packages.torch"]
    members = [
        _stack(f"{name}-{_identifier(member.replace(' ', '-'))}", found, more, said)
        for each in found
        for member, more in each.members
        if any(row.key == "packages.torch" and (not own or _elsewhere(row.value, own)) for row in more)
    ]
    return members if members and not own else [_stack(name, found, (), said), *members]


def _elsewhere(torch: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a set of optional packages takes torch from another place than the project itself does."""
    origin = ("index", "url", "git", "path")
    return any(torch.get(key) not in {None, *(each.get(key) for each in own)} for key in origin)


def _stack(name: str, found: Sequence[Found], more: Sequence[Stated], said: _Said) -> Taken:
    python, platform = said.first("python", found), said.first("platform", found) or LINUX
    merged = Merged(python, platform)
    found = [lockfiles.held(one, python, platform) if one.kind == lockfiles.KIND else one for one in found]
    # A lock says which versions were chosen: it comes last, and its pins decide.
    for each in sorted(found, key=lambda one: one.kind == lockfiles.KIND):
        for row in each.stated:
            merged.add(row)
    for row in more:
        merged.add(row)
    for row in (row for one in found for row in one.stated if row.key == "constraints"):
        merged.hold(row)
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
    read = [name for one in found for name in (one.file, *one.reads)]
    read += [place.file for place in merged.places.values()]
    files = tuple(name for name in dict.fromkeys(read) if name not in {"", _CALL.file})
    return Taken(_told(stack, files, merged.places, left), files, merged.row, merged.places, left)


def _told(stack: Stack, files: tuple[str, ...], places: Mapping[str, Place], left: Sequence[Open]) -> Stack:
    """Return a stack with what its reader knows of the files."""
    clashes = [each for each in left if each.kind in {"replaced", "contradiction"}]
    unsettled = [each for each in left if each.kind in {"asked", "unseen"}]
    told = {
        "python_range": ",".join(dict.fromkeys(each.admits for each in left if each.admits)),
        "read_from": files,
        "places": {key: str(place) for key, place in places.items()},
        "unread": tuple(f"{each.place}: {each.text}" for each in left if each.kind == "unread"),
        "refused": tuple((str(each.place), each.text) for each in left if each.kind == "refused"),
        "unsettled": tuple(f"{each.place}: {each.text}" for each in unsettled),
        "contradictions": tuple((str(each.place), each.text) for each in clashes),
    }
    return stack.model_copy(update=told)
