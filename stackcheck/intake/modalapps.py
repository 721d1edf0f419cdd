"""Read the images of Modal apps, which stand in Python: base, what is installed, and the GPUs asked for.

Words: https://modal.com/docs/reference/modal.Image and https://modal.com/docs/guide/gpu (read 2026-11-30).
"""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from stackcheck.intake.literals import Names, NotLiteralError, parsed
from stackcheck.intake.stated import Found, Open, Place, Stated, found_of, gpu_named
from stackcheck.intake.steps import Here, Left, run_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIND = "Modal app"
_MODAL = re.compile(r"(?m)^\s*(?:import modal\b|from modal\b)")
_PIP = {"pip_install", "uv_pip_install"}
_FILES = {
    "pip_install_from_requirements": "pip install -r",
    "pip_install_from_pyproject": "pip install -r",
}
_PROJECTS = {"uv_sync": "uv sync", "poetry_install_from_file": "poetry install"}
_OPTIONS = {
    "index_url": "--index-url",
    "extra_index_url": "--extra-index-url",
    "find_links": "--find-links",
}


def is_app(text: str) -> bool:
    """Tell whether a module has images of Modal."""
    return bool(_MODAL.search(text)) and "Image." in text


@dataclass(frozen=True, slots=True)
class _Image:
    """An image as it is made: the calls from its base on, and the line on which it begins."""

    calls: tuple[ast.Call, ...]
    line: int


@dataclass
class _App:
    """What a module has named so far: images, and the GPUs that are asked for with each."""

    images: dict[str, _Image] = field(default_factory=dict)
    default: str = ""
    gpus: dict[str, list[ast.expr]] = field(default_factory=dict)


def read(text: str, folder: Path, shown: str) -> Found:
    """Read the images that functions of an app run in, each a stack of its own.

    Raises UsageError for what is not Python.
    """
    tree = parsed(text, shown)
    names, app = Names(tree), _App()
    for node in tree.body:
        _take(node, app)
    used = app.gpus or {name: [] for name in app.images}
    here = Here(text.split("\n"), shown, 1, folder, copied=(("/", "."),))
    found = [_container(name, app, names, here) for name in used if name in app.images]
    return Found(KIND, shown, containers=tuple(each for each in found if "torch" in each.packages))


def _take(node: ast.stmt, app: _App) -> None:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        if (made := _chain(node.value, app)) is not None:
            app.images[name] = made
        elif _called(node.value) in {"App", "Stub"}:
            app.default = _image_of(node.value, app, name)
    for each in getattr(node, "decorator_list", ()):
        if isinstance(each, ast.Call) and _called(each) in {"function", "cls"}:
            image = _image_of(each, app, getattr(node, "name", "")) or app.default
            asked = next((word.value for word in each.keywords if word.arg == "gpu"), None)
            app.gpus.setdefault(image, []).extend([asked] if asked is not None else [])


def _image_of(call: ast.expr, app: _App, name: str) -> str:
    """Return the name of the image that a call takes, or gives one to an image that is made there."""
    given = call.keywords if isinstance(call, ast.Call) else ()
    value = next((word.value for word in given if word.arg == "image"), None)
    if isinstance(value, ast.Name):
        return value.id
    image = _chain(value, app) if value is not None else None
    if image is None:
        return ""
    app.images[name] = image
    return name


def _called(node: ast.expr) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _chain(node: ast.expr, app: _App) -> _Image | None:
    """Return the image that a chain of calls makes; None for anything else."""
    calls: list[ast.Call] = []
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        calls.insert(0, node)
        node = node.func.value
    if isinstance(node, ast.Name) and node.id in app.images and calls:
        begun = app.images[node.id]
        return _Image((*begun.calls, *calls), begun.line)
    named = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return _Image(tuple(calls), node.lineno) if named == "Image" and calls else None


def _container(name: str, app: _App, names: Names, here: Here) -> Found:
    left = Left()
    said: list[Stated | Open] = []
    for call in app.images[name].calls:
        place = Place(here.shown, call.end_lineno or call.lineno)
        word = _called(call)
        try:
            given = [each for arg in call.args for each in _texts(names.value(arg))]
            more = {str(word.arg): names.value(word.value) for word in call.keywords if word.arg in _READ}
        except NotLiteralError:
            if word in {*_PIP, *_FILES, "run_commands", "from_registry", "micromamba_install"}:
                said.append(Open(f"what {word} is given is computed, so it was not read.", place))
            continue
        said += _base(word, given, more, place)
        line = replace(
            here, line=call.func.value.end_lineno or 1 if isinstance(call.func, ast.Attribute) else 1
        )
        for script in _scripts(word, given, more):
            run_script(script, {}, line, left)
    for asked in app.gpus.get(name, ()):
        said += _gpus(asked, names, here.shown)
    found = found_of(KIND, here.shown, [*dict.fromkeys(said), *left.said()], name)
    return replace(found, reads=tuple(left.reads))


_READ = ("python_version", "add_python", "extra_options", *_OPTIONS)


def _texts(value: Any) -> list[str]:
    return (
        [str(each) for each in value]
        if isinstance(value, list)
        else [value]
        if isinstance(value, str)
        else []
    )


def _base(word: str, given: list[str], more: dict[str, Any], place: Place) -> Iterator[Stated | Open]:
    if word == "from_registry" and given:
        yield Stated("image.base", given[0], place)
    elif word == "from_dockerfile":
        yield Open("an image of Modal is made from a Dockerfile, which is read by itself.", place)
    python = str(more.get("python_version") or more.get("add_python") or "")
    if match := re.match(r"3\.\d+", python):
        yield Stated("python", match[0], place)
        if more.get("add_python"):  # beside that of the image
            yield Stated("image.python", f"python{match[0]}", place)


def _scripts(word: str, given: list[str], more: dict[str, Any]) -> Iterator[str]:
    """Yield what a step does as commands of a shell."""
    if word in _PIP and given:
        options = [f"{_OPTIONS[key]}={more[key]}" for key in _OPTIONS if more.get(key)]
        yield f"pip install {shlex.join([*given, *options])} {more.get('extra_options') or ''}"
    elif word in _FILES and given:
        yield f"{_FILES[word]} {shlex.quote(given[0])}"
    elif word in _PROJECTS:
        yield _PROJECTS[word]
    elif word == "micromamba_install" and given:
        yield f"conda install {shlex.join(given)}"
    elif word == "run_commands":
        yield from given


def _gpus(asked: ast.expr, names: Names, shown: str) -> Iterator[Stated | Open]:
    """Yield the GPUs of `gpu="A100-40GB:2"`, of a list of such, and of `modal.gpu.A100(count=2)`."""
    place = Place(shown, asked.lineno)
    yield Stated("accelerator", "cuda", place)
    try:
        named = _texts(names.value(asked))
    except NotLiteralError:
        named = [_called(asked)] if isinstance(asked, ast.Call) else []
        if not named or named[0] in {"getenv", "get"}:
            yield Open(
                "the GPU that is asked for is computed, so it was not read: say which with --gpu.", place
            )
            return
    for each in named:
        kind = each.partition(":")[0].rstrip("!")
        if kind.lower() != "any":
            yield gpu_named(kind, place)
