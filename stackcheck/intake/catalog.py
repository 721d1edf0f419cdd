"""Find stack definitions: read files and folders, report all faults at once, select by id or glob."""

from __future__ import annotations

import fnmatch
import os
import re
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.images.tiers import link
from stackcheck.intake.axes import expand
from stackcheck.intake.named import check_named
from stackcheck.intake.shapes import long_texts, shape_faults
from stackcheck.intake.stack import FILLED_IN, Stack, parse_stack
from stackcheck.model.errors import DefinitionError, UsageError
from stackcheck.model.escape import block
from stackcheck.model.near import did_you_mean
from stackcheck.storage.parsing import parse_toml
from stackcheck.storage.reading import as_named, files_in, is_folder, read_text, stands
from stackcheck.storage.stack_files import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

_FIELDS = frozenset(Stack.model_fields) - {"id", "family", "file", "axes"} - FILLED_IN
_MOST_NAMES = 1000
"""So many names of the working folder are held against one that nobody knows."""


def _tell(text: str) -> None:
    """Say on stderr what nobody asked for and somebody has to know."""
    if sys.stderr is not None:
        sys.stderr.write("\n".join(block(f"stackcheck: {text}", limit=2000, lines=4)) + "\n")


def folders(stated: Sequence[Path] = ()) -> list[Path]:
    """Return where definitions are: where the call or the project says, else `./matrices`, else what ships.

    A `./matrices` of another kind, in which no file speaks of stacks, does not hide what ships.
    """
    if stated:
        return list(stated)
    from stackcheck.intake.configuration import configuration  # noqa: PLC0415 - files alone need none

    told, file = configuration()
    if told.matrices:
        return [Path(file).parent / folder for folder in told.matrices]
    here = Path("matrices")
    if any("stack" in read_text(path, errors="replace") for path in here.glob("*.toml") if path.is_file()):
        return [here]
    return [folder for folder in SHIPPED if folder.is_dir()][:1]


def load(
    places: Iterable[Path], names: Iterable[str] = (), tell: Callable[[str], None] = _tell
) -> tuple[Stack, ...]:
    """Read every definition of these files and folders.

    With `names`, ids or families, only the files are parsed in which one of them, or a tier below one, may
    stand; once all of them are found, faults of other files are told, and stop nobody. Raises UsageError for
    a place or file that was named and cannot be read, DefinitionError with all faults of what is parsed.
    """
    texts, faults = _texts(places)
    stacks: list[Stack] = []
    wanted = set(names)
    while chosen := [path for path, text in texts.items() if not wanted or _may_define(text, wanted)]:
        for path in chosen:
            found, wrong = load_text(texts.pop(path), file=as_named(path))
            stacks += found
            faults |= {as_named(path): wrong} if wrong else {}
        wanted |= {stack.image.from_stack for stack in stacks if wanted and stack.image.from_stack}
    return _chained(stacks, _standing(faults, stacks, wanted, tell))


def _texts(places: Iterable[Path]) -> tuple[dict[Path, str], dict[str, list[str]]]:
    """Return the text of every definition file, and what keeps a file of a folder from being read."""
    texts: dict[Path, str] = {}
    faults: dict[str, list[str]] = {}
    for place in places:
        if not is_folder(place):
            texts[place] = _named_text(place)
            continue
        for path in files_in(place, ".toml"):
            try:
                texts[path] = read_text(path)
            except UsageError as error:
                faults[as_named(path)] = [str(error)]
    return texts, faults


def _named_text(place: Path) -> str:
    if not stands(place):
        raise UsageError(f"{place}: there is no such file or folder of stack definitions.")
    return read_text(place)


def _standing(
    faults: Mapping[str, list[str]],
    stacks: Sequence[Stack],
    wanted: AbstractSet[str],
    tell: Callable[[str], None],
) -> list[str]:
    """Return the faults that count: of all files, or once all that is wanted was found, of its own files."""
    own = {stack.file for stack in stacks if wanted & {stack.id, stack.family}}
    if not wanted or not wanted <= {name for stack in stacks for name in (stack.id, stack.family)}:
        own |= faults.keys()
    for file, wrong in faults.items():
        if file not in own:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            tell(f"{wrong[0].removesuffix('.')}{more}. The stacks that were asked for stand elsewhere.")
    return [fault for file, wrong in faults.items() if file in own for fault in wrong]


def _chained(stacks: Sequence[Stack], faults: list[str]) -> tuple[Stack, ...]:
    """Return the stacks, each with the tiers below it; raise DefinitionError with all faults."""
    seen: dict[str, str] = {}
    for stack in stacks:
        if stack.id in seen:
            faults.append(f"{stack.file}: {stack.id}: this id is also in {seen[stack.id]}; ids are unique.")
        seen.setdefault(stack.id, stack.file)
    # A tier that did not parse would be missed by those above it, which is no fault of theirs.
    chained, unchained = ((), []) if faults else link(stacks)
    if faults := [*faults, *unchained]:
        raise DefinitionError(faults)
    return chained


def _may_define(text: str, names: Iterable[str]) -> bool:
    r"""Tell whether one of these ids can come of a text: it stands there, or axes or `\u` escapes make it."""
    return "axes" in text or "\\" in text or any(name in text for name in names)


def load_text(text: str, *, file: str) -> tuple[list[Stack], list[str]]:
    """Parse the text of one definition file; return its stacks and all its faults."""
    try:
        document = parse_toml(text, file)
    except UsageError as error:
        return [], [str(error)]
    stacks: list[Stack] = []
    faults = [
        f"{file}: {key}: unknown key{did_you_mean(key, ['stack'])}" for key in document if key != "stack"
    ]
    rows = document.get("stack", [])
    if not isinstance(rows, list) or not rows:
        return [], [*faults, f"{file}: stack: a definition file holds [[stack]] tables, at least one"]
    for number, row in enumerate(rows, start=1):
        found, wrong = _members(row, file, f"stack[{number}]")
        stacks += found
        faults += wrong
    return stacks, faults


def _members(row: dict[str, Any], file: str, where: str) -> tuple[list[Stack], list[str]]:
    if long := list(long_texts(row)):
        return [], [f"{file}: {where}.{each}." for each in long]
    try:
        members = expand(row, _FIELDS)
    except ValueError as error:
        return [], [f"{file}: {where}.{error}"]
    stacks: list[Stack] = []
    faults: dict[str, None] = {}
    for member in members:
        stack, wrong = parse_stack(member, file=file, where=where)
        if stack:
            wrong = [f"{file}: {where} ({stack.id}).{each}." for each in shape_faults(stack)]
            stacks.append(stack)
        faults |= dict.fromkeys(wrong)
    return stacks, list(faults)


def select(stacks: Sequence[Stack], patterns: Sequence[str], files: Sequence[str] = ()) -> tuple[Stack, ...]:
    """Return the stacks that any pattern names by id, family or glob, in the order of the definitions.

    Raises UsageError, with near names, for a pattern that names nothing; `files` may have been meant as well.
    """
    chosen: dict[str, Stack] = {}
    for pattern in patterns:
        hits = [s for s in stacks if pattern in (s.id, s.family) or fnmatch.fnmatchcase(s.id, pattern)]
        if not hits:
            if "/" in pattern or re.search(r"\.\w{1,8}$", pattern):
                raise UsageError(f"{pattern}: there is no such file, and no stack has that name.")
            names = sorted({s.id for s in stacks} | {s.family for s in stacks})
            near = did_you_mean(pattern, [*names, *files], names)
            raise UsageError(f"no stack is named {pattern!r}{near}; `stackcheck list` shows all")
        chosen |= {s.id: s for s in hits}
    return tuple(s for s in stacks if s.id in chosen)


def find(
    patterns: Sequence[str], stated: Sequence[Path] = (), given: Mapping[str, Any] | None = None
) -> tuple[Stack, ...]:
    """Return the stacks that the user means: ids, families, globs, definitions, files of a project.

    What they name lies in their repository, unless the call allows more (`storage.confinement`).

    `given` are values of a definition that the call states for what a project's own files leave open. Raises
    UsageError where there are no such files: a definition states them itself.
    """
    own = [Path(pattern) for pattern in patterns if is_project(pattern)]
    if given and any(given.values()) and not own:
        raise UsageError(
            "GPUs, driver, Python and platform are stated in a call for files of a project alone: "
            "a definition states its own."
        )
    names = [pattern for pattern in patterns if Path(pattern) not in own]
    paths = [Path(name) for name in names if name.endswith(".toml")]
    names = [name for name in names if not name.endswith(".toml")]
    of_files = load(paths)
    of_names = _named(names, folders(stated)) if names else ()
    check_named(each for stack in (*of_files, *of_names) for each in (*stack.below, stack))
    return (*of_files, *(_of_project(own, given or {}) if own else ()), *of_names)


def hosts(
    gpus: Iterable[str] = (),
    driver: str | None = None,
    python: str | None = None,
    platform: str | None = None,
) -> dict[str, Any]:
    """Return what a call states of hosts under the keys of a definition; GPUs may stand with commas."""
    names = [name.strip() for text in gpus for name in text.split(",") if name.strip()]
    return {"gpus": names, "driver": driver, "python": python, "platform": platform}


def is_project(pattern: str) -> bool:
    """Tell whether an operand is a file or folder of a project, and not the name or file of a definition."""
    path = Path(pattern)
    if not (path.exists() or path.is_symlink()):
        return False
    from stackcheck.intake.recognise import DEFINITION, kind_of  # noqa: PLC0415 - ids need no readers

    if path.is_dir():
        from stackcheck.intake.projectfolders import files_of  # noqa: PLC0415

        return not any(kind_of(each) == DEFINITION for each in path.glob("*.toml")) or bool(files_of(path))
    return kind_of(path) != DEFINITION


def _of_project(paths: Sequence[Path], given: Mapping[str, Any]) -> tuple[Stack, ...]:
    from stackcheck.intake.project import take  # noqa: PLC0415 - readers of many formats

    return tuple(taken.stack for taken in take(paths, given))


def _named(names: Sequence[str], places: Sequence[Path]) -> tuple[Stack, ...]:
    """Return the stacks of these ids, families and globs; globs and unknown names need every definition."""
    if not any(sign in name for name in names for sign in "*?["):
        found = load(places, names)
        if set(names) <= {name for stack in found for name in (stack.id, stack.family)}:
            return select(found, names)
    return select(load(places), names, tuple(islice(_names_here(), _MOST_NAMES)))


def _names_here() -> Iterator[str]:
    """Yield the names of what lies in the working folder: one of them may be what was meant."""
    try:
        with os.scandir() as entries:
            yield from (entry.name for entry in entries if not entry.name.startswith("."))
    except OSError:
        return
