"""What uv is given: a project file, arguments, an environment, stand-ins for what is installed. Pure.

Nothing secret goes into the project file or the arguments: the credentials of an index become the
UV_INDEX_<NAME>_USERNAME and _PASSWORD variables that uv reads, by the name that the index has here
(source: https://docs.astral.sh/uv/concepts/indexes/, checked 2026-11-20).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stackcheck.resolve.question import required_of
from stackcheck.resolve.uvenv import uv_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.intake.stack import Package
    from stackcheck.model.index_urls import Place
    from stackcheck.resolve.question import Given, Question

PROJECT = "this-stack"
"""The name of the project that depends on the packages of the stack; uv's explanations show it."""
GIVEN = "given"
"""The folder beside the project file, and the index of that name, with a stand-in for each given package."""


@dataclass(frozen=True, slots=True)
class UvInput:
    """One run of uv: the text of pyproject.toml, arguments, environment, and what was honoured of it."""

    project: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    given: Mapping[str, Given] = field(default_factory=dict)
    honoured: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def uv_input(question: Question, environ: Mapping[str, str], *, offline: bool = False) -> UvInput:
    """Put a question in uv's words."""
    offline = offline or environ.get("UV_OFFLINE") in ("1", "true")
    env, honoured, ignored = uv_environment(question, environ, _named(question)[0], offline=offline)
    args = [
        "--python-version", question.asks_python, "--python-platform", question.uv_platform,
        "--index-strategy", "unsafe-best-match",
        "--prerelease", "if-necessary-or-explicit", "--resolution", "highest", "--only-binary", ":all:",
        "--no-header", "--no-python-downloads", "--color", "never", "--no-progress", "--quiet",
    ]  # fmt: skip
    for name in sorted(question.built):
        args += ["--no-binary", name]
    if offline:
        args.append("--offline")
    return UvInput(project_of(question), tuple(args), env, question.given, honoured, ignored)


def project_of(question: Question) -> str:
    """Return the pyproject.toml of a question."""
    python = question.asks_python
    lines = ["[project]", f'name = "{PROJECT}"', 'version = "0"', f'requires-python = ">={python}"']
    wanted = [_requirement(n, p) for n, p in question.packages.items() if n not in question.absent]
    wanted += [f"{n}=={each.version}" for n, each in question.given.items() if n not in question.packages]
    wanted += [each for each in question.stack.requires if required_of(each) not in question.absent]
    lines += [_list("dependencies", wanted), "[tool.uv]"]
    # A requirement whose marker is never true takes the place of all others on that package.
    stated = [each for each in question.stack.overrides if required_of(each) not in question.absent]
    dropped = [f"{name} ; python_version < '0'" for name in sorted(question.absent)]
    lines += [_list("override-dependencies", [*stated, *dropped])] if stated or dropped else []
    limits = question.stack.constraints
    lines += [_list("constraint-dependencies", limits)] if limits else []
    named, sources = _named(question)
    for name, place in named.items():
        lines += ["", "[[tool.uv.index]]", *_index_lines(name, place)]
    if question.given:
        lines += ["", "[[tool.uv.index]]", f'name = "{GIVEN}"', f'url = "{GIVEN}"', 'format = "flat"']
        lines += ["explicit = true"]
    lines += ["", "[tool.uv.sources]", *sources]
    lines += [f'{name} = {{ index = "{GIVEN}" }}' for name in question.given]
    # What the stand-ins say takes part in the name of their folder, so it stands in the text as well.
    lines += [
        f"# {name} {each.version} requires {json.dumps(each.requires)}"
        for name, each in question.given.items()
    ]
    return "\n".join([*lines, *_without_requirements(question)]) + "\n"


def _list(key: str, values: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    return "\n".join([f"{key} = [", *(f"  {json.dumps(each)}," for each in values), "]"])


def _requirement(name: str, package: Package) -> str:
    extras = f"[{','.join(package.extras)}]" if package.extras else ""
    marker = f" ; {package.marker}" if package.marker else ""
    return f"{name}{extras}{package.specifier}{marker}"


def _named(question: Question) -> tuple[dict[str, Place], list[str]]:
    """Return the places by a name of their own, and which package comes from which of them alone."""
    named: dict[str, Place] = {}
    sources: list[str] = []
    for place in question.places:
        if place.only_for in question.given or place.only_for in question.absent:
            continue
        name = place.name if place.name not in {*named, GIVEN} else f"{place.name}-{len(named)}"
        known = next((n for n, p in named.items() if _same(p, place)), None)
        if known is None:
            named[name] = place
        if place.only_for:
            sources.append(f"{place.only_for} = {{ index = {json.dumps(known or name)} }}")
    return named, sources


def _same(one: Place, other: Place) -> bool:
    return (one.url, one.flat, bool(one.only_for)) == (other.url, other.flat, bool(other.only_for))


def _index_lines(name: str, place: Place) -> Iterator[str]:
    yield f"name = {json.dumps(name)}"
    yield f"url = {json.dumps(place.shown)}"
    if place.flat:
        yield 'format = "flat"'
    if place.only_for:
        yield "explicit = true"
    if place.default:
        yield "default = true"


def _without_requirements(question: Question) -> Iterator[str]:
    """State empty requirements for source packages, so that resolving runs nobody's setup.py on the host."""
    for name in sorted(question.built | question.loosened):
        yield f"[[tool.uv.dependency-metadata]]\nname = {json.dumps(name)}\nrequires-dist = []"
