"""Which folders of knowledge are read: ours, what installed packages bring, and a team's own.

A folder has `told/` (a file a package or subject, written by hand), `measured/` (a file a package, written by
`stackcheck learn`) and `names/` (a file a package, written by `tools/measure_names.py`). Ours is the one that
ships, or a newer bundle in its place (`knowledge update`). After it come other bundles, installed packages
(entry points `stackcheck.knowledge`), the user's data folder, what the project states, $STACKCHECK_KNOWLEDGE,
and what the call names (`--knowledge`): who comes later knows more.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.model.errors import UsageError
from stackcheck.storage.folders import xdg_folder
from stackcheck.storage.reading import as_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SHIPPED = Path(__file__).parent
TOLD, MEASURED, NAMES = "told", "measured", "names"
VARIABLE = "STACKCHECK_KNOWLEDGE"
DATA = "STACKCHECK_DATA"
DAYS = "STACKCHECK_KNOWLEDGE_DAYS"
ENTRY_POINTS = "stackcheck.knowledge"
_VARIABLES = (VARIABLE, DATA, "XDG_DATA_HOME", "HOME", "STACKCHECK_TABLES")


class Folder(NamedTuple):
    """One folder; `own` when it is not ours: then its rows say so in every verdict that rests on them."""

    path: Path
    own: bool = False


class _Stated:
    """What the call and the project add to it, once a process."""

    call: tuple[Path, ...] = ()
    project: tuple[Path, ...] = ()
    days: int | None = None


def state(call: Iterable[Path] = (), project: Iterable[Path] = (), days: int | None = None) -> None:
    """Take the folders that a call names and that a project states, and after how many days they are old.

    This is the one place where a project's files reach the knowledge: who does not trust them (a checked tree
    under `--untrusted`) leaves `project` out. Nothing is looked at before `in_order` is asked.
    """
    _Stated.call, _Stated.project, _Stated.days = tuple(call), tuple(project), days


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where a user's own data lie: $STACKCHECK_DATA, else `stackcheck` in the XDG data folder."""
    stated = environ.get(DATA)
    return Path(stated) if stated else xdg_folder(environ, "XDG_DATA_HOME", ".local/share")


def own_folder() -> Path:
    """Return where new rows are written: the call's folder, the environment's, the project's, the user's."""
    stated = os.environ.get(VARIABLE, "").split(os.pathsep)
    named = [*_Stated.call, *map(Path, filter(None, stated)), *_Stated.project]
    return named[0] if named else data_folder() / "knowledge"


def most_days() -> int:
    """Return after how many days knowledge is old: the environment's, the project's, or 90."""
    stated = os.environ.get(DAYS, "")
    if stated and not stated.isdecimal():
        raise UsageError(f"{DAYS} is {stated!r:.40}, which is not a number of days.")
    return int(stated) if stated else _Stated.days or 90


def in_order() -> tuple[Folder, ...]:
    """Return every folder that is read, ours first.

    Raises UsageError for one that somebody names and that is not there, or has its files in the wrong place.
    """
    said = ((name, os.environ.get(name)) for name in _VARIABLES)
    stated = tuple((name, text) for name, text in said if text is not None)
    return _folders(stated, _Stated.project, _Stated.call, tuple(sys.path))


@lru_cache(maxsize=16)
def _folders(
    variables: tuple[tuple[str, str], ...],
    project: tuple[Path, ...],
    call: tuple[Path, ...],
    path: tuple[str, ...],
) -> tuple[Folder, ...]:
    environ = dict(variables)
    if environ.get("STACKCHECK_TABLES"):
        raise UsageError(f"STACKCHECK_TABLES is not read any more; {VARIABLE} names folders of knowledge.")
    data = data_folder(environ)
    ours, *others = _bundled(data / "bundles")
    stated = [Path(each) for each in environ.get(VARIABLE, "").split(os.pathsep) if each]
    named = [
        *(_proven(path, "the project") for path in project),
        *(_proven(path, VARIABLE) for path in stated),
        *(_proven(path, "--knowledge") for path in call),
    ]
    users = [data / "knowledge"] if (data / "knowledge").is_dir() else []
    own = dict.fromkeys((*others, *_brought(path), *users, *named))
    return (Folder(ours), *(Folder(path, own=True) for path in own))


def _proven(path: Path, who: str) -> Path:
    if not path.is_dir():
        raise UsageError(
            f"{as_named(path)}: {who} names this as a folder of knowledge, and it is not a folder."
        )
    if loose := next(path.glob("*.toml"), None):
        raise UsageError(
            f"{as_named(loose)}: nobody reads this file; in a folder of knowledge ({who} names it) "
            f"files lie in {TOLD}/ and {MEASURED}/."
        )
    return path


def _bundled(bundles: Path) -> tuple[Path, ...]:
    """Return the folder of ours, and those of the bundles of others that were taken."""
    if not bundles.is_dir():
        return (SHIPPED,)
    from stackcheck.knowledge.bundles import in_use  # noqa: PLC0415 - only where a bundle was taken

    return in_use(bundles)


def _brought(path: tuple[str, ...]) -> Iterator[Path]:
    """Yield the folders that installed packages bring; an entry point names a package that is such a folder.

    `importlib.metadata` takes 15 ms to import and to ask, which is more than all other folders together:
    it is asked where a file of entry points on the path speaks of us.
    """
    if not any(ENTRY_POINTS in text for text in _entry_point_files(path)):
        return
    from importlib.metadata import entry_points  # noqa: PLC0415
    from importlib.util import find_spec  # noqa: PLC0415

    for entry in sorted(entry_points(group=ENTRY_POINTS)):
        try:
            spec = find_spec(entry.value)
        except (ImportError, ValueError):
            spec = None
        places = list((spec.submodule_search_locations if spec else None) or ())
        whose = entry.dist.name if entry.dist else "an installed package"
        if not places:
            raise UsageError(
                f"{whose} brings knowledge ({entry.value}), which is not a package that can be found; "
                "reinstall it, or remove it."
            )
        yield _proven(Path(places[0]), whose)


def _entry_point_files(path: tuple[str, ...]) -> Iterator[str]:
    for folder in path:
        try:
            names = [
                each.path
                for each in os.scandir(folder or ".")
                if each.name.endswith((".dist-info", ".egg-info"))
            ]
        except OSError:
            continue
        for name in names:
            try:
                with open(os.path.join(name, "entry_points.txt"), encoding="utf-8") as file:  # noqa: PTH118, PTH123 - 300 of them in 2 ms
                    yield file.read()
            except (OSError, ValueError):
                continue
