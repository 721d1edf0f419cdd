"""What uv is asked: a project file, arguments and an environment made from a stack. Pure.

Nothing secret goes into the project file or the arguments: the user part of an index URL becomes the
UV_INDEX_<NAME>_USERNAME and _PASSWORD variables that uv reads
(source: https://docs.astral.sh/uv/concepts/indexes/, checked 2026-11-20).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stackcheck import tables
from stackcheck.environment import environment_of
from stackcheck.resolving.places import places
from stackcheck.resolving.uvenv import uv_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.definition import Package, Stack
    from stackcheck.resolving.places import Place

PROJECT = "this-stack"
"""The name of the project that depends on the packages of the stack; uv's explanations show it."""

_PLATFORMS = {
    "linux/amd64": "x86_64-manylinux_2_{}",
    "linux/arm64": "aarch64-manylinux_2_{}",
    "windows/amd64": "x86_64-pc-windows-msvc",
    "macos/arm64": "aarch64-apple-darwin",
}
_GLIBC_KNOWN = (17, 28, *range(31, 41))
"""The minor versions of glibc 2 that `uv pip compile --python-platform` takes (uv 0.13.8)."""
USUAL_GLIBC, NEWEST_GLIBC = 28, 40
"""What is asked for first when no glibc is stated, and what is tried before a wheel is called missing."""


@dataclass(frozen=True, slots=True)
class UvInput:
    """One question to uv: the text of pyproject.toml, arguments, environment, and what was honoured."""

    project: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    python: str = ""
    platform: str = ""
    assumed: tuple[str, ...] = ()
    honoured: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def uv_input(
    stack: Stack, environ: Mapping[str, str], *, offline: bool = False, lenient: bool = False
) -> UvInput:
    """Make the question for a stack.

    `lenient` asks again with the newest glibc and the newest patch release of Python where the stack states
    neither, so that what is not stated never makes a resolution fail.
    """
    platform, assumed = uv_platform(stack, lenient=lenient)
    python = stack.python or ""
    if lenient and python.count(".") == 1:
        python, assumed = f"{python}.99", (*assumed, f"the newest patch release of Python {stack.python}")
    env, honoured, ignored = uv_environment(stack, environ)
    args = [
        "--python-version", python, "--python-platform", platform, "--index-strategy", "unsafe-best-match",
        "--prerelease", "if-necessary-or-explicit", "--resolution", "highest", "--only-binary", ":all:",
        "--no-header", "--no-python-downloads", "--color", "never", "--no-progress", "--quiet",
    ]  # fmt: skip
    for name, package in stack.packages.items():
        args += ["--no-binary", name] if package.origin == "source" else []
    if offline or environ.get("UV_OFFLINE") in ("1", "true"):
        args.append("--offline")
    return UvInput(
        _project(stack, python),
        tuple(args),
        env,
        python,
        platform,
        assumed,
        honoured,
        ignored,
        _left_out(stack),
    )


def uv_platform(stack: Stack, *, lenient: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return the platform of a stack as uv names it, and what of it is assumed.

    A wheel for an older glibc serves a newer one, so the usual glibc is asked for first; `lenient` asks for
    all that the stack's system has, or for the newest when nothing tells its glibc.
    """
    template = _PLATFORMS[stack.platform or "linux/amd64"]
    assumed = () if stack.platform else ("platform linux/amd64",)
    if "{}" not in template:
        return template, assumed
    known = environment_of(stack, tables.load()).glibc
    newest = known[0].minor if known else NEWEST_GLIBC
    minor = newest if stack.glibc or lenient else min(newest, USUAL_GLIBC)
    if known is None:
        assumed = (*assumed, f"glibc 2.{minor}")
    return template.format(max((k for k in _GLIBC_KNOWN if k <= minor), default=_GLIBC_KNOWN[0])), assumed


def _project(stack: Stack, python: str) -> str:
    lines = ["[project]", f'name = "{PROJECT}"', 'version = "0"', f'requires-python = ">={python}"']
    wanted = [_requirement(name, p) for name, p in stack.packages.items() if p.origin != "conda"]
    lines += ["dependencies = [", *(f"  {json.dumps(each)}," for each in wanted), "]", "[tool.uv]", ""]
    named: dict[str, Place] = {}
    sources: list[str] = []
    for place in places(stack):
        name = place.name if place.name not in named else f"{place.name}-{len(named)}"
        known = next((n for n, p in named.items() if _same(p, place)), None)
        if known is None:
            named[name] = place
        if place.only_for:
            sources.append(f"{place.only_for} = {{ index = {json.dumps(known or name)} }}")
    for name, place in named.items():
        lines += ["[[tool.uv.index]]", *_index_lines(name, place), ""]
    lines += ["[tool.uv.sources]", *sources, *_source_metadata(stack)]
    return "\n".join(lines) + "\n"


def _requirement(name: str, package: Package) -> str:
    extras = f"[{','.join(package.extras)}]" if package.extras else ""
    return f"{name}{extras}{package.specifier}"


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


def _source_metadata(stack: Stack) -> Iterator[str]:
    """State empty requirements for source packages, so that resolving runs nobody's setup.py on the host."""
    for name, package in stack.packages.items():
        if package.origin == "source":
            yield f"[[tool.uv.dependency-metadata]]\nname = {json.dumps(name)}"
            yield f"version = {json.dumps(str(package.exact))}" if package.exact else ""
            yield "requires-dist = []"


def _left_out(stack: Stack) -> tuple[str, ...]:
    return tuple(note for name, p in stack.packages.items() if (note := _left_out_note(name, p)))


def _left_out_note(name: str, package: Package) -> str:
    if package.origin == "conda":
        return f"{name}: comes from conda, which uv does not resolve"
    if package.origin == "source":
        return f"{name}: built from source; what it requires itself is known only to its build, so state it"
    return ""
