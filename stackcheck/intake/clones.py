"""What `git clone` brings into a build: which folder, from where, and whether it is the project at hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from stackcheck.intake.documents import table
from stackcheck.model.errors import UsageError
from stackcheck.storage.parsing import parse_toml
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_WITH_VALUE = frozenset(
    {
        "-b",
        "--branch",
        "--depth",
        "-c",
        "--config",
        "-j",
        "--jobs",
        "-o",
        "--origin",
        "--reference",
        "--filter",
    }
)
"""Options of `git clone` that take a value of their own (https://git-scm.com/docs/git-clone)."""


def clone_of(command: Sequence[str]) -> tuple[str, str] | None:
    """Return the address that a command clones and the folder that it makes; None for any other command.

    >>> clone_of(["git", "clone", "-b", "v2", "https://github.com/a/Model.git"])
    ('https://github.com/a/Model.git', 'Model')
    """
    if list(command[:1]) != ["git"] or "clone" not in command:
        return None
    words, named = list(command)[list(command).index("clone") + 1 :], []
    while words:
        word = words.pop(0)
        if word in _WITH_VALUE:
            words = words[1:]
        elif not word.startswith("-"):
            named.append(word)
    if not named:
        return None
    return named[0], named[1] if len(named) > 1 else _repository(named[0])


def is_own(address: str, project: Path) -> bool:
    """Tell whether an address is that of the project in a folder: by its name, or where it was cloned from.

    Many a project's Dockerfile clones the project itself, and does not copy what lies beside it.
    """
    name = canonicalize_name(_repository(address))
    if canonicalize_name(project.resolve().name) == name:
        return True
    from_here = rf"[/:]{re.escape(_owned(address))}(?:\.git)?$"
    cloned = bool(re.search(from_here, _text(project / ".git" / "config"), re.MULTILINE))
    return cloned or name in _names(_text(project / "pyproject.toml"))


def _text(path: Path) -> str:
    """Return what a file says; "" for one that is not there or is none of ours to read."""
    try:
        return read_text(path) if path.is_file() else ""
    except UsageError:
        return ""


def _names(text: str) -> set[str]:
    try:
        document = parse_toml(text, "pyproject.toml")
    except UsageError:
        return set()
    rows = (table(document, "project"), table(document, "tool", "poetry"))
    return {canonicalize_name(row["name"]) for row in rows if isinstance(row.get("name"), str)}


def _repository(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2].removesuffix(".git")


def _owned(address: str) -> str:
    """Return owner and name of a repository, such as `pytorch/vision`."""
    return "/".join(re.split(r"[/:]", address.rstrip("/").removesuffix(".git"))[-2:])
