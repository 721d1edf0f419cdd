"""Find the members of uv's workspaces: projects of one repository that require each other, on no index.

Format: https://docs.astral.sh/uv/concepts/projects/workspaces/ (read 2026-11-30).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from stackcheck.intake.documents import table, texts
from stackcheck.model.errors import UsageError
from stackcheck.storage.parsing import parse_toml
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FILE = "pyproject.toml"
_ABOVE = 6
"""So many folders above a member its root is looked for."""
_MOST = 300


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder of the root, its `[tool.uv]`, and where the members lie, by the names of their projects."""

    root: Path
    uv: Mapping[str, Any]
    text: str
    members: Mapping[str, Path]


def workspace_of(folder: Path, document: Mapping[str, Any], text: str) -> Workspace | None:
    """Return the workspace that a project is the root or a member of; None for one that stands alone."""
    own = table(document, "tool", "uv")
    if isinstance(own.get("workspace"), dict):
        return _workspace(folder, own, text)
    for above in Path(os.path.abspath(folder)).parents[:_ABOVE]:  # noqa: PTH100 - links stay as they are named
        if not (above / FILE).is_file():
            continue
        try:
            found = read_text(above / FILE)
            uv = table(parse_toml(found, FILE), "tool", "uv")
        except UsageError:  # it belongs to somebody else, or is broken, which is said where it is checked
            return None
        if isinstance(uv.get("workspace"), dict):
            made = _workspace(above, uv, found)
            here = os.path.realpath(folder)
            return made if here in {os.path.realpath(each) for each in made.members.values()} else None
    return None


def _workspace(root: Path, uv: Mapping[str, Any], text: str) -> Workspace:
    return Workspace(root, uv, text, dict(_members(root, table(uv, "workspace"))))


def _members(root: Path, stated: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    left_out = texts(stated.get("exclude"))
    for folder in _folders(root, texts(stated.get("members"))):
        inside = folder.relative_to(root).as_posix()
        if any(fnmatch(inside, pattern.rstrip("/")) for pattern in left_out):
            continue
        try:
            document = parse_toml(read_text(folder / FILE), FILE)
        except UsageError:
            continue  # whoever requires it is told that it was not read
        name = table(document, "project").get("name")
        if isinstance(name, str):
            yield canonicalize_name(name), folder


def _folders(root: Path, patterns: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for pattern in patterns:
        try:
            found += sorted(each for each in root.glob(pattern.rstrip("/")) if (each / FILE).is_file())
        except (ValueError, NotImplementedError, OSError):  # an empty or absolute pattern
            continue
    return list(dict.fromkeys(found))[:_MOST]
