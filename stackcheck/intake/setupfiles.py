"""Read setup.py and setup.cfg without running them: what stands there as a literal, and what does not.

Words: https://setuptools.pypa.io/en/latest/references/keywords.html and
https://setuptools.pypa.io/en/latest/userguide/declarative_config.html.
"""

from __future__ import annotations

import ast
import configparser
import contextlib
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from stackcheck.intake import requirements
from stackcheck.intake.literals import Names, NotLiteralError, parsed
from stackcheck.intake.pyproject import KIND, python_stated
from stackcheck.intake.stated import Found, Open, Place, Stated, required
from stackcheck.intake.tomllines import Lines
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import TypeAlias

    Members: TypeAlias = dict[str, list[Stated | Open]]

_WORDS = ("install_requires", "extras_require", "python_requires")


def read_py(text: str, shown: str, folder: Path) -> Found:
    """Read the call of setup() in a setup.py, by its syntax tree alone.

    Raises UsageError for what is not Python.
    """
    tree = parsed(text, shown)
    names = Names(tree)
    call = next((node for node in ast.walk(tree) if _is_setup(node)), None)
    given = {each.arg: each.value for each in call.keywords if each.arg} if isinstance(call, ast.Call) else {}
    said: list[Stated | Open] = []
    members: Members = {}
    for word in _WORDS:
        node = given.get(word)
        if node is None:
            continue
        try:
            value = names.value(node)
        except NotLiteralError:
            files = list(_files_named(node, names, folder))
            said += [each for name in files for each in _of_file(name, shown, folder)]
            if not files:
                text_ = f"{word} is computed when setup.py runs, so it was not read."
                said.append(Open(text_, Place(shown, node.lineno)))
            continue
        said += _said(word, value, names.lines(node), shown, members)
    for name, line in names.computed.items():
        said.append(
            Open(
                f"extras_require[{name!r}] is computed when setup.py runs, so it was not read.",
                Place(shown, line),
            )
        )
    return _found(shown, said, members)


def name_in(text: str) -> str:
    """Return the `name` that a setup.py states as a literal, "" for none. Raises UsageError for no Python."""
    tree = parsed(text, "setup.py")
    call = next((node for node in ast.walk(tree) if _is_setup(node)), None)
    given = call.keywords if isinstance(call, ast.Call) else ()
    with contextlib.suppress(NotLiteralError):
        value = next((Names(tree).value(each.value) for each in given if each.arg == "name"), "")
        return value if isinstance(value, str) else ""
    return ""


def _is_setup(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name == "setup"


def _files_named(node: ast.expr, names: Names, folder: Path) -> Iterator[str]:
    """Yield the requirement files that an expression names and reads: open("requirements.txt").read()."""
    for each in ast.walk(names.resolved(node)):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            name = each.value
            if name.endswith((".txt", ".in")) and "requirements" in name and (folder / name).is_file():
                yield name


def _of_file(name: str, shown: str, folder: Path) -> Iterator[Stated | Open]:
    yield from requirements.included(Stated("-r", name, Place(shown)), folder, shown)


def _said(
    word: str, value: Any, lines: Mapping[str, int], shown: str, members: Members
) -> Iterator[Stated | Open]:
    if word == "python_requires" and isinstance(value, str):
        yield from python_stated(value, Place(shown, lines.get(value, 0)))
    elif word == "install_requires":
        yield from _requirements(_texts(value), lines, shown)
    elif word == "extras_require" and isinstance(value, dict):
        for name, rows in value.items():
            members[f"extra {name}"] = list(_requirements(_texts(rows), lines, shown))


def _texts(value: Any) -> list[str]:
    texts = value.split("\n") if isinstance(value, str) else value if isinstance(value, list) else []
    return [each.strip() for each in texts if isinstance(each, str) and each.strip()]


def _requirements(texts: Iterable[str], lines: Mapping[str, int], shown: str) -> Iterator[Stated | Open]:
    for text in texts:
        place = Place(shown, lines.get(text, 0))
        try:
            yield required(Requirement(text.partition(" #")[0]), place)
        except InvalidRequirement:
            if not text.startswith("#"):
                yield Open(f"{text[:80]!r} is not a requirement.", place)


def read_cfg(text: str, shown: str, folder: Path) -> Found:
    """Read the `[options]` of a setup.cfg. Raises UsageError for what is not such a file."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        line = getattr(error, "lineno", None)
        where = f"{shown}:{line}" if line else shown
        raise UsageError(f"{where}: this is not a file of sections and keys.") from None
    lines = Lines(text, shown)
    said: list[Stated | Open] = []
    members: Members = {}
    options = dict(parser["options"]) if parser.has_section("options") else {}
    extras = parser["options.extras_require"] if parser.has_section("options.extras_require") else {}
    if "python_requires" in options:
        said += python_stated(options["python_requires"], lines.place("python_requires"))
    said += _listed(options.get("install_requires", ""), lines, shown, folder)
    for name, value in extras.items():
        members[f"extra {name}"] = list(_listed(value, lines, shown, folder))
    return _found(shown, said, members)


def _listed(value: str, lines: Lines, shown: str, folder: Path) -> Iterator[Stated | Open]:
    if value.strip().startswith("file:"):
        for name in value.strip().removeprefix("file:").split(","):
            if (folder / name.strip()).is_file():
                yield from _of_file(name.strip(), shown, folder)
            else:
                yield Open(f"{name.strip()} is not there, so it was not read.", lines.place("file:"))
        return
    for text in _texts(value):
        place = lines.place(text)
        yield from _requirements([text], {text: place.line}, shown)


def _found(shown: str, said: Iterable[Stated | Open], members: Members) -> Found:
    every = [*said, *(each for rows in members.values() for each in rows if isinstance(each, Open))]
    return Found(
        KIND,
        shown,
        tuple(each for each in every if isinstance(each, Stated)),
        tuple(each for each in every if isinstance(each, Open)),
        tuple(
            (name, tuple(each for each in rows if isinstance(each, Stated))) for name, rows in members.items()
        ),
    )
