"""Read devcontainer.json: the image or the Dockerfile that people develop in, and what it asks of the host.

Format: https://containers.dev/implementors/json_reference/.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from stackcheck.intake import compose
from stackcheck.intake.dockerfiles import is_worth
from stackcheck.intake.documents import json_with_comments, rows, table, text_at
from stackcheck.intake.stated import Found, Open, Place, Stated, found_of
from stackcheck.intake.steps import Here, Left, run_script
from stackcheck.intake.tomllines import Lines
from stackcheck.model.errors import UsageError
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIND = "devcontainer.json"
_COMMANDS = ("onCreateCommand", "updateContentCommand", "postCreateCommand")


def read(text: str, folder: Path, shown: str) -> Found:
    """Read a devcontainer.json, and the Dockerfile or compose file that it leads to.

    Raises UsageError for what is none.
    """
    document = json_with_comments(text, shown)
    if not isinstance(document, dict):
        raise UsageError(f"{shown}: this is not a devcontainer.json: it holds no object.")
    lines = Lines(text, shown)
    more: list[Stated | Open] = [*_host(document, lines), *_environment(document, lines)]
    more += _commands(document, folder, lines)
    return Found(KIND, shown, containers=(_container(document, folder, Place(shown), lines, more),))


def _container(
    document: dict[str, Any], folder: Path, where: Place, lines: Lines, more: list[Stated | Open]
) -> Found:
    name = "devcontainer"
    build = table(document, "build")
    file = text_at(build, "dockerfile") or text_at(document, "dockerFile")
    if file:
        context = text_at(build, "context") or text_at(document, "context") or "."
        row = {
            # Both paths are relative to this file; for a build the Dockerfile's is relative to the context.
            "context": context,
            "dockerfile": _relative(file, context),
            "args": {key: each for key, each in table(build, "args").items() if isinstance(each, str)},
            "target": text_at(build, "target"),
            "place": lines.place(file),
        }
        return compose.built(name, row, folder, where, more) or found_of(KIND, where.file, more, name)
    if composed := document.get("dockerComposeFile"):
        files = (
            [composed]
            if isinstance(composed, str)
            else [each for each in rows(composed) if isinstance(each, str)]
        )
        more += _composed(files, text_at(document, "service"), folder, where, lines)
    elif image := text_at(document, "image"):
        more.append(Stated("image.base", image, lines.place(image)))
    return found_of(KIND, where.file, more, name)


def _relative(file: str, context: str) -> str:
    return posixpath.relpath(
        posixpath.join("/a/b/c", file), posixpath.normpath(posixpath.join("/a/b/c", context))
    )


def _composed(
    files: list[str], service: str, folder: Path, where: Place, lines: Lines
) -> Iterator[Stated | Open]:
    for name in files:
        try:
            shown = posixpath.normpath(posixpath.join(posixpath.dirname(where.file), name))
            found = compose.read(read_text(folder / name), (folder / name).parent, shown)
        except UsageError as error:
            yield Open(str(error), lines.place(name))
            continue
        for each in found.containers:
            if each.name == service:
                yield from each.stated
                yield from each.open


def _host(document: dict[str, Any], lines: Lines) -> Iterator[Stated]:
    asked = table(document, "hostRequirements").get("gpu")
    if asked and asked != "optional":
        yield Stated("accelerator", "cuda", lines.place('"gpu"'))
    elif any(re.match(r"--gpus\b|--runtime=nvidia", str(each)) for each in rows(document, "runArgs")):
        yield Stated("accelerator", "cuda", lines.place("runArgs"))


def _environment(document: dict[str, Any], lines: Lines) -> Iterator[Stated]:
    for key in ("containerEnv", "remoteEnv"):
        for name, value in table(document, key).items():
            if isinstance(value, str) and "${" not in value and is_worth(name):
                yield Stated(f"env.{name}", value, lines.place(f'"{name}"'))


def _commands(document: dict[str, Any], folder: Path, lines: Lines) -> Iterator[Stated | Open]:
    """Yield what the commands install that run once the container is there, in the folder of the project."""
    left = Left()
    root = folder.parent if folder.name == ".devcontainer" else folder
    for key in _COMMANDS:
        value = document.get(key)
        for each in value.values() if isinstance(value, dict) else [value]:
            script = " ".join(map(str, each)) if isinstance(each, list) else each
            if isinstance(script, str):
                where = lines.place(f'"{key}"')
                run_script(script, {}, Here((), where.file, where.line, root, copied=(("/", "."),)), left)
    yield from left.said()
