"""Which kind of file something is, by its name first and by what it holds; and what reads it."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

from stackcheck.intake import conda, dockerfiles, lockfiles, pyproject, requirements
from stackcheck.model.errors import UsageError
from stackcheck.storage.parsing import parse_json, parse_toml
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stackcheck.intake.stated import Found

DEFINITION = "definition"
DOCKERFILE = "dockerfile"
KINDS = (
    ("stackcheck.toml", ""),
    ("uv.lock", "lock"),
    ("pylock.toml", "lock"),
    ("pylock.*.toml", "lock"),
    ("poetry.lock", "lock"),
    ("pdm.lock", "lock"),
    ("pipfile.lock", "pipfile"),
    ("pyproject.toml", "pyproject"),
    ("pixi.toml", "pixi"),
    ("dockerfile", DOCKERFILE),
    ("dockerfile.*", DOCKERFILE),
    ("*.dockerfile", DOCKERFILE),
    ("containerfile", DOCKERFILE),
    ("containerfile.*", DOCKERFILE),
    ("environment*.y*ml", "conda"),
    ("conda*.y*ml", "conda"),
    ("env*.y*ml", "conda"),
    ("*requirements*.txt", "requirements"),
    ("*requirements*.in", "requirements"),
    ("constraints*.txt", "requirements"),
    ("*.toml", DEFINITION),
)
"""Patterns of names in lower case, the first that fits."""
_READ = (
    "requirements.txt, pyproject.toml, uv.lock, pylock.toml, poetry.lock, Pipfile.lock, pdm.lock, "
    "environment.yml, pixi.toml, Dockerfile and definitions"
)
_REQUIREMENT = re.compile(r"-[a-z-]|git\+|[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*(?:[=<>!~@;].*)?$")


def kind_of(path: Path) -> str:
    """Return the kind of a file by its name, "" when the name says nothing."""
    name = path.name.lower()
    return next((kind for pattern, kind in KINDS if fnmatch.fnmatchcase(name, pattern)), "")


def read_file(path: Path, shown: str) -> Found:
    """Read one file of a project.

    Raises UsageError, one sentence with path and line, for a file that cannot be read or whose kind is not
    known.
    """
    kind = kind_of(path)
    text = read_text(path, errors="replace" if kind == DOCKERFILE else "strict")
    if kind in {"", DEFINITION}:
        kind = _by_content(text)
    if not kind:
        raise UsageError(f"{shown}: what this file is cannot be told. {_READ} are read.")
    return _READERS[kind](text, path, shown)


def _by_content(text: str) -> str:
    """Return the kind of a file whose name says nothing: many requirement files have a name of their own."""
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line and not line.startswith("#")]
    if any(re.match(r"(?i)FROM\s+\S+", line) for line in lines[:20]):
        return DOCKERFILE
    if any(re.match(r"dependencies\s*:", line) for line in lines):
        return "conda"
    return "requirements" if lines and all(map(_REQUIREMENT.match, lines)) else ""


def _requirements(text: str, path: Path, shown: str) -> Found:
    if "@EXPLICIT" in text.split("\n"):  # what `conda list --explicit` writes
        return conda.read_explicit(text, shown)
    return requirements.read(path, shown)


def _dockerfile(text: str, path: Path, shown: str) -> Found:
    return dockerfiles.read(text, path.parent, shown)


def _pyproject(text: str, path: Path, shown: str) -> Found:
    del path
    return pyproject.read(text, parse_toml(text, shown), shown)


def _lock(text: str, path: Path, shown: str) -> Found:
    del path
    return lockfiles.read(text, parse_toml(text, shown), shown)


def _pipfile(text: str, path: Path, shown: str) -> Found:
    del path
    document = parse_json(text, shown)
    if not isinstance(document, dict):
        raise UsageError(f"{shown}: this is not a Pipfile.lock: it holds no object.")
    return lockfiles.read_pipfile_lock(document, text, shown)


def _pixi(text: str, path: Path, shown: str) -> Found:
    del path
    return conda.read_pixi(parse_toml(text, shown), text, shown)


def _conda(text: str, path: Path, shown: str) -> Found:
    import yaml  # noqa: PLC0415 - only conda's files are YAML

    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe ones
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{shown}:{mark.line + 1}" if mark else shown
        why = getattr(error, "problem", None) or "it cannot be parsed"
        raise UsageError(f"{where}: this is not YAML: {why}.") from None
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), list):
        raise UsageError(f"{shown}: this is not an environment of conda: it has no list of dependencies.")
    return conda.read(document, text, shown, path.parent)


_READERS: dict[str, Callable[[str, Path, str], Found]] = {
    DOCKERFILE: _dockerfile,
    "requirements": _requirements,
    "pyproject": _pyproject,
    "lock": _lock,
    "pipfile": _pipfile,
    "pixi": _pixi,
    "conda": _conda,
}
