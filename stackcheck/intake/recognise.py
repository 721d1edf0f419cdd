"""Which kind of file something is, by its name first and by what it holds; and what reads it."""

from __future__ import annotations

import fnmatch
import json
import re
import tomllib
from typing import TYPE_CHECKING

from stackcheck.intake import conda, dockerfiles, lockfiles, pyproject, requirements
from stackcheck.intake.stated import Found
from stackcheck.model.errors import UsageError
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEFINITION = "definition"
KINDS = (
    ("uv.lock", "lock"), ("pylock.toml", "lock"), ("pylock.*.toml", "lock"), ("poetry.lock", "lock"),
    ("pdm.lock", "lock"), ("pipfile.lock", "pipfile"), ("pyproject.toml", "pyproject"), ("pixi.toml", "pixi"),
    ("dockerfile", "dockerfile"), ("dockerfile.*", "dockerfile"), ("*.dockerfile", "dockerfile"),
    ("containerfile", "dockerfile"), ("containerfile.*", "dockerfile"),
    ("environment*.y*ml", "conda"), ("conda*.y*ml", "conda"), ("env*.y*ml", "conda"),
    ("*requirements*.txt", "requirements"), ("*requirements*.in", "requirements"), ("constraints*.txt", "requirements"),
    ("*.toml", DEFINITION),
)  # fmt: skip
"""Names in lower case, the first that fits."""
_READ = "requirements.txt, pyproject.toml, uv.lock, pylock.toml, poetry.lock, Pipfile.lock, pdm.lock, environment.yml, pixi.toml, Dockerfile"


def kind_of(path: Path) -> str:
    """Return the kind of a file by its name, "" when the name says nothing."""
    name = path.name.lower()
    return next((kind for pattern, kind in KINDS if fnmatch.fnmatchcase(name, pattern)), "")


def read_file(path: Path, shown: str) -> Found:
    """Read one file of a project.

    Raises UsageError, one sentence with path and line, for a file that cannot be read or whose kind is not known.
    """
    kind = kind_of(path)
    if kind == "dockerfile":
        return dockerfiles.read(path, shown)
    text = read_text(path)
    kind = kind if kind and kind != DEFINITION else _by_content(text)
    if not kind:
        raise UsageError(f"{shown}: what this file is cannot be told. Read are {_READ}, and definitions.")
    if kind == "requirements":
        return conda.read_explicit(text, shown) if text.lstrip().startswith(("@EXPLICIT", "# This file may be used to create an environment")) and "@EXPLICIT" in text else requirements.read(path, shown)
    if kind == "dockerfile":
        return dockerfiles.read(path, shown)
    return _READERS[kind](text, path, shown)


def _by_content(text: str) -> str:
    """Return the kind of a file whose name says nothing: most requirement files have a name of their own."""
    lines = [line.strip() for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        return "requirements"
    if re.match(r"(?i)(?:ARG\s|FROM\s+\S+)", lines[0]):
        return "dockerfile"
    if any(re.match(r"dependencies\s*:", line) for line in lines):
        return "conda"
    like = sum(bool(re.match(r"(?:-[a-z-]|[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*(?:[=<>!~@;].*)?$|git\+)", line)) for line in lines)
    return "requirements" if like == len(lines) else ""


def _toml(text: str, shown: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise UsageError(f"{shown}: this is not TOML: {error or 'it is nested too deeply'}.") from None


def _pyproject(text: str, path: Path, shown: str) -> Found:
    del path
    return pyproject.read(text, _toml(text, shown), shown)


def _lock(text: str, path: Path, shown: str) -> Found:
    del path
    return lockfiles.read(text, _toml(text, shown), shown)


def _pipfile(text: str, path: Path, shown: str) -> Found:
    del path
    try:
        return lockfiles.read_pipfile_lock(text, shown)
    except (json.JSONDecodeError, RecursionError, ValueError) as error:
        raise UsageError(f"{shown}: this is not a Pipfile.lock: {error}.") from None


def _pixi(text: str, path: Path, shown: str) -> Found:
    del path
    return conda.read_pixi(_toml(text, shown), text, shown)


def _conda(text: str, path: Path, shown: str) -> Found:
    import yaml  # noqa: PLC0415 - only conda's files are YAML

    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{shown}:{mark.line + 1}" if mark else shown
        raise UsageError(f"{where}: this is not YAML: {getattr(error, 'problem', None) or 'it cannot be parsed'}.") from None
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), list):
        raise UsageError(f"{shown}: this is not an environment of conda: it has no list of dependencies.")
    return conda.read(document, text, shown, path.parent)


_READERS: dict[str, Callable[[str, Path, str], Found]] = {
    "pyproject": _pyproject,
    "lock": _lock,
    "pipfile": _pipfile,
    "pixi": _pixi,
    "conda": _conda,
}
