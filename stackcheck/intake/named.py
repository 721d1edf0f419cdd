"""Files that a definition names: where they may lie, where they lie, and what they hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.model.errors import UsageError
from stackcheck.model.index_urls import local_path
from stackcheck.storage.confinement import only_in, refuse_outside, repository_of
from stackcheck.storage.reading import is_folder, open_file, read_bytes, read_text, stands

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stackcheck.intake.stack import Stack


def check_named(stacks: Iterable[Stack]) -> None:
    """Hold the files and folders that definitions name to their repository, and to files and folders.

    Raises UsageError, one sentence with stack, key and path, for one that leads out of it, and for a pipe or
    a device: uv would read it to its end.
    """
    for stack in stacks:
        named = list(_named(stack))
        if not named:
            continue  # most name none, and to find a repository takes as long as all the rest
        with only_in(repository_of(Path(stack.file))):
            for key, path in named:
                try:
                    refuse_outside(path)
                    if stands(path) and not is_folder(path):
                        open_file(path).close()
                except UsageError as error:
                    raise UsageError(f"{stack.title}: {key}: {error}") from None


def _named(stack: Stack) -> Iterator[tuple[str, Path]]:
    folder, image = Path(stack.file).parent, stack.image
    for key, name in (
        ("dockerfile", image.dockerfile),
        ("context", image.context),
        ("manifest", image.manifest),
    ):
        if name:
            yield f"image.{key}", folder / name
    stated: list[tuple[str, str | None]] = [("index.url", stack.index.url)]
    stated += [("index.extra", each) for each in stack.index.extra]
    stated += [("index.find_links", each) for each in stack.index.find_links]
    for name, package in stack.packages.items():
        own = {"index": package.index, "find_links": package.find_links, "path": package.path}
        stated += [(f"packages.{name}.{key}", place) for key, place in own.items()]
    for key, place in stated:
        if place and (path := local_path(place)) is not None:
            yield key, folder / path
    yield from ((key, path) for key, _, path in _smoke_files(stack))


def _smoke_files(stack: Stack) -> Iterator[tuple[str, str, Path]]:
    """Yield the files of the smoke tests: the key, the path from the definition's folder, the whole path."""
    for smoke in stack.smoke:
        for name in filter(None, (smoke.script, *smoke.files)):
            yield f"smoke {smoke.name}", name, Path(stack.file).parent / name


MOST_LINES = 20_000
"""Lines of a Dockerfile; the longest that is known has some hundred."""


def refuse_endless(text: str, shown: object) -> None:
    """Raise UsageError for a Dockerfile of more lines than anybody writes: each is read as a shell does."""
    if (count := text.count("\n")) > MOST_LINES:
        raise UsageError(
            f"{shown}: {count:,} lines are more than the {MOST_LINES:,} that a Dockerfile may have."
        )


def dockerfile_path(stack: Stack, root: Path | None = None) -> Path:
    """Return where the Dockerfile of a stack lies; paths are relative to `root`, else to the definition."""
    return (root or Path(stack.file).parent) / (stack.image.dockerfile or "Dockerfile")


def dockerfile_text(stack: Stack, root: Path | None = None) -> str:
    """Return the Dockerfile that a stack names; bytes that are not text are replaced, as Docker takes them.

    Raises UsageError, one sentence with stack and path, when it cannot be read.
    """
    try:
        path = dockerfile_path(stack, root)
        text = read_text(path, errors="replace")
        refuse_endless(text, path)
    except UsageError as error:
        raise UsageError(f"{stack.title}: image.dockerfile: {error}") from None
    if not re.search(r"(?im)^\s*FROM\s", text):
        path = dockerfile_path(stack, root)
        raise UsageError(f"{stack.title}: image.dockerfile: {path}: no line starts with FROM.")
    return text


MOST_SMOKE = 1 << 20
"""Bytes of all files of the smoke tests of one stack: they travel in the request to the probes."""


def smoke_files(stack: Stack) -> dict[str, bytes]:
    """Return the files that the smoke tests of a stack name, by their path from the definition's folder.

    Raises UsageError, one sentence with stack and path, for one that cannot be read, that leads out of the
    repository of the definition, or that makes them more than `MOST_SMOKE` bytes.
    """
    found = dict[str, bytes]()
    if not stack.smoke:
        return found
    with only_in(repository_of(Path(stack.file))):
        for key, name, path in _smoke_files(stack):
            try:
                found[name] = read_bytes(path, MOST_SMOKE)
            except UsageError as error:
                raise UsageError(f"{stack.title}: {key}: {error}") from None
    if sum(map(len, found.values())) > MOST_SMOKE:
        raise UsageError(f"{stack.title}: the files of its smoke tests hold more than {MOST_SMOKE:,} bytes.")
    return found
