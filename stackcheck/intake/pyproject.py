"""Read what a pyproject.toml states: PEP 621, dependency groups (PEP 735), `[tool.uv]`, Poetry and PDM.

Nothing of the project is run. Formats: https://packaging.python.org/en/latest/specifications/ and
https://docs.astral.sh/uv/reference/settings/.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from stackcheck.intake import conda, requirements
from stackcheck.intake.documents import table, texts
from stackcheck.intake.poetry import poetry_statements
from stackcheck.intake.stated import Found, Open, Place, Stated, python_asked, required
from stackcheck.intake.tomllines import Lines
from stackcheck.intake.uvsources import Sources
from stackcheck.intake.workspaces import FILE, workspace_of
from stackcheck.storage.parsing import parse_toml
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import TypeAlias

    Statements: TypeAlias = Iterator[Stated | Open]

KIND = "project file"
_BOUND = re.compile(r"(?:==|~=|>=)\s*(\d+\.\d+)")


def read(
    text: str,
    document: Mapping[str, Any],
    shown: str,
    folder: Path | None = None,
    above: tuple[str, ...] = (),
) -> Found:
    """Read a pyproject.toml from its text and what it parses to; `folder` is where it lies.

    What it requires of its workspace is what those members require; `above` are the members that are being
    read. Raises UsageError for a file that it takes its dependencies from and that cannot be read.
    """
    lines = Lines(text, shown)
    project, tool = table(document, "project"), table(document, "tool")
    said: list[Stated | Open] = [*_project(project, lines)]
    said += _dynamic(project, table(tool, "setuptools", "dynamic"), lines, folder)
    uv = table(tool, "uv")
    said += _uv(uv, lines)
    said += poetry_statements(table(tool, "poetry"), lines)
    space = workspace_of(folder, document, text) if folder is not None else None
    sources = Sources(uv, lines, space)
    if space is not None and space.uv != uv:  # the indexes of the root hold for its members
        root = _shown(space.root, folder, shown)
        said += (each for each in _uv(space.uv, Lines(space.text, root)) if _is_index(each))
    members = {
        **_groups(table(project, "optional-dependencies"), "extra", lines),
        **_groups(_flattened(table(document, "dependency-groups")), "group", lines),
        **_groups(table(tool, "pdm", "dev-dependencies"), "group", lines),
        **_hatch(table(tool, "hatch", "envs"), lines),
    }
    pixi = conda.read_pixi(table(tool, "pixi"), text, shown)
    said += [*pixi.stated, *pixi.open]
    stated = [sources.applied(each) for each in said if isinstance(each, Stated)]
    left = [each for each in said if isinstance(each, Open)]
    left += [each for rows in members.values() for each in rows if isinstance(each, Open)]
    stated = [more for each in stated for more in _of_workspace(each, sources, folder, shown, above, left)]
    return Found(
        KIND,
        shown,
        tuple(stated),
        (*left, *sources.open()),
        tuple(
            (name, tuple(sources.applied(each, name) for each in rows if isinstance(each, Stated)))
            for name, rows in members.items()
        )
        + pixi.members,
    )


def _shown(folder: Path, start: Path | None, shown: str) -> str:
    """Return the project file of another folder, as the user would name it beside the one that is read."""
    way = os.path.relpath(folder, start or ".")
    return posixpath.normpath(posixpath.join(posixpath.dirname(shown), way, FILE))


def _is_index(each: Stated | Open) -> bool:
    return isinstance(each, Stated) and each.key.startswith("index.")


def _of_workspace(  # noqa: PLR0913, PLR0917 - where it stands, and what is said of it
    each: Stated,
    sources: Sources,
    folder: Path | None,
    shown: str,
    above: tuple[str, ...],
    left: list[Open],
) -> Iterator[Stated]:
    """Yield a statement; of a member of the workspace, which no index has, what that member requires."""
    name = sources.member(each)
    if name is None:
        yield each
        return
    place = sources.folder(name)
    if name in above:
        return
    if place is None:
        left.append(Open(f"{name} is a member of the workspace: it was not read.", each.place))
        return
    text, file = read_text(place / FILE), _shown(place, folder, shown)
    found = read(text, parse_toml(text, file), file, place, (*above, name))
    left += [row for row in found.open if row.kind != "asked"]  # one Python runs them all
    yield from (sources.applied(row) for row in found.stated if row.key.startswith("packages."))


def _hatch(envs: Mapping[str, Any], lines: Lines) -> dict[str, list[Stated | Open]]:
    """Return the environments of hatch that state packages of their own."""
    return {
        f"env {name}": list(
            _requirements([*texts(env.get("dependencies")), *texts(env.get("extra-dependencies"))], lines)
        )
        for name, env in envs.items()
        if isinstance(env, dict)
    }


def _project(project: Mapping[str, Any], lines: Lines) -> Statements:
    wanted = project.get("requires-python")
    if isinstance(wanted, str):
        yield from python_stated(wanted, lines.place("requires-python"))
    yield from _requirements(texts(project.get("dependencies")), lines)


def _dynamic(
    project: Mapping[str, Any], setuptools: Mapping[str, Any], lines: Lines, folder: Path | None
) -> Statements:
    """Read the files that dependencies are taken from at build time; say so of what only a build tells."""
    for key in texts(project.get("dynamic")):
        named = setuptools.get(key)
        files = named.get("file") if isinstance(named, dict) else None
        if key == "dependencies" and files and folder is not None:
            for name in [files] if isinstance(files, str) else texts(files):
                where = Stated("-r", name, lines.place(name))
                yield from requirements.included(where, folder, where.place.file)
        elif key in {"dependencies", "optional-dependencies"} and not _beside(folder):
            yield Open(f"{key} are made when the project is built, so they were not read.", lines.place(key))


def _beside(folder: Path | None) -> bool:
    """Tell whether setuptools' own files lie beside: their reader says what they state."""
    return folder is not None and any((folder / name).is_file() for name in ("setup.py", "setup.cfg"))


def python_stated(specifier: str, place: Place) -> Statements:
    """Say which Python a range of them means: one minor version is stated, a range has to be asked."""
    # ~=3.10 takes 3.11 too, ~=3.10.2 does not
    exact = re.fullmatch(r"\s*(?:==|~=(?=\s*\d+\.\d+\.\d))\s*(\d+\.\d+)(?:\.\d+|\.\*)*\s*", specifier)
    bounds = _BOUND.search(specifier)
    if exact:
        yield Stated("python", exact[1], place)
    elif bounds or "~=" in specifier:
        yield python_asked(specifier, place)


def _requirements(texts: Iterable[str], lines: Lines) -> Statements:
    for text in texts:
        place = lines.place(text)
        try:
            yield required(Requirement(text), place)
        except InvalidRequirement:
            yield Open(f"{text[:80]!r} is not a requirement.", place, "refused")


def _groups(groups: Mapping[str, Any], word: str, lines: Lines) -> dict[str, list[Stated | Open]]:
    return {f"{word} {name}": list(_requirements(texts(rows), lines)) for name, rows in groups.items()}


def _flattened(groups: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return dependency groups with the groups that they include; one that includes itself adds nothing."""

    def of(name: str, above: tuple[str, ...]) -> list[str]:
        rows = groups.get(name)
        found: list[str] = []
        for row in rows if isinstance(rows, list) and name not in above else ():
            inner = row.get("include-group") if isinstance(row, dict) else None
            found += (
                [row] if isinstance(row, str) else of(inner, (*above, name)) if isinstance(inner, str) else []
            )
        return found

    return {name: of(name, ()) for name in groups}


def _uv(uv: Mapping[str, Any], lines: Lines) -> Statements:
    for key, target in (("override-dependencies", "overrides"), ("constraint-dependencies", "constraints")):
        for text in texts(uv.get(key)):
            yield Stated(target, text, lines.place(text))
    if uv.get("no-build-isolation") is True:
        yield Stated("no_build_isolation", value=True, place=lines.place("no-build-isolation"))
    for name in texts(uv.get("no-build-isolation-package")):
        yield Stated("no_build_isolation", name, lines.place(name))
    if uv.get("no-build") is True:
        yield Stated("source_builds", "forbid", lines.place("no-build"))
    for url in texts(uv.get("extra-index-url")):
        yield Stated("index.extra", url, lines.place(url))
    for url in texts(uv.get("find-links")):
        yield Stated("index.find_links", url, lines.place(url))
    if isinstance(uv.get("index-url"), str):
        yield Stated("index.url", uv["index-url"], lines.place("index-url"))
    for index in uv.get("index", ()) if isinstance(uv.get("index"), list) else ():
        yield from _uv_index(index, lines)


def _uv_index(index: Any, lines: Lines) -> Statements:
    url = index.get("url") if isinstance(index, dict) else None
    if isinstance(url, str) and not index.get("explicit"):
        yield Stated("index.url" if index.get("default") else "index.extra", url, lines.place(url))
