"""Stacks that were read from files, as the text of a definition that says where each line came from."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.model.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stackcheck.intake.project import Taken
    from stackcheck.intake.stated import Place

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_QUESTIONS = {
    "python": '# python = "3.12"         # which Python? Without it, all that torch has wheels for.',
    "gpus": '# gpus = ["L4", "H100"]   # which GPUs is it for? Product names, capabilities or gfx targets.',
    "driver": '# driver = ">=550"         # which driver do the hosts have?',
}
"""What a definition should say and files of a project seldom do: a question with its form, never a guess."""


_HEAD = "# Written by `stackcheck init` from a project's own files; it is yours to edit."


def definition_text(taken: Sequence[Taken], folder: Path, head: str = _HEAD) -> str:
    """Return the definition of stacks, for a file in `folder`: paths in it are relative to that."""
    return f"{head}\n" + "".join("\n" + "\n".join(_table(each, folder)) + "\n" for each in taken)


def _table(taken: Taken, folder: Path) -> Iterator[str]:
    places = taken.places
    yield "[[stack]]"
    yield f"id = {_value(taken.stack.id)}"
    plain = {key: value for key, value in taken.row.items() if not isinstance(value, dict)}
    for key, value in plain.items():
        yield _line(key, value, places.get(key))
    yield from (text for key, text in _QUESTIONS.items() if key not in plain)
    for each in taken.open:
        yield f"# {one_line(f'{each.place}: {each.text}', 300)}"
    origin = Path(taken.stack.file).parent
    for table in ("index", "image", "env", "ignore", "packages"):
        rows: Mapping[str, Any] = taken.row.get(table, {})
        if rows:
            yield f"\n[stack.{table}]"
            yield from _rows(table, rows, places, origin, folder)


def _rows(
    table: str, rows: Mapping[str, Any], places: Mapping[str, Place], origin: Path, folder: Path
) -> Iterator[str]:
    for key, value in rows.items():
        if table == "image" and key in {"dockerfile", "context"}:
            yield _line(key, _moved(value, origin, folder), places.get(f"image.{key}"))
        elif table == "image" and "dockerfile" in rows and key == "base":
            continue  # the Dockerfile says it
        elif table == "packages" and isinstance(value, dict):
            yield _line(key, _package(value, origin, folder), places.get(f"packages.{key}"))
        else:
            yield _line(key, value, places.get(f"{table}.{key}"))


def _package(row: Mapping[str, Any], origin: Path, folder: Path) -> Any:
    """Return a package as it is written shortest: a version alone is a text."""
    if isinstance(row.get("path"), str):
        row = {**row, "path": _moved(row["path"], origin, folder)}
    if {"git", "url", "path"} & row.keys():
        row = {key: value for key, value in row.items() if key != "version" or value != "latest"}
    return row["version"] if set(row) == {"version"} else row


def _moved(path: str, origin: Path, folder: Path) -> str:
    """Return a path that was relative to one folder as one that is relative to another."""
    if "://" in path or path.startswith(("file:", "/", "~")):
        return path
    moved = os.path.relpath(origin / path, folder)
    return moved if moved.startswith(".") else f"./{moved}"


def _line(key: str, value: Any, place: Place | None) -> str:
    text = f"{_key(key)} = {_value(value)}"
    return f"{text}  # {one_line(str(place), 200)}" if place else text


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    """Return a value in TOML, whose basic strings escape as those of JSON do."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return _listed(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _listed(values: Iterable[Any]) -> str:
    return "[" + ", ".join(map(_value, values)) + "]"
