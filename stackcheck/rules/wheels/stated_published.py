"""The rule about wheels that projects publish beside PyPI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, rule, skipped, told_of, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Distribution, Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.assets import Published

_TAG = re.compile(r"/(cu\d{2,3}|cpu|rocm[\d.]+)(?:/|$)")
_AMD64 = "linux/amd64"


@rule("WHEEL113", when=told_of(lambda tables: tables.assets.published), about="package")
def published_wheel(env: Environment, tables: Tables) -> list[Finding]:
    """A page or release that the stack takes a wheel from has one for its torch, CUDA and Python.

    natten, kaolin, detectron2, PyTorch3D, exllamav2 and llama-cpp-python publish wheels beside PyPI, for some
    releases of torch. Where the stated page has none that fits, pip takes what PyPI has, which is mostly
    source, and compiles it: that needs nvcc, a C++ compiler and, where it is built on torch, an installed
    torch; or it finds nothing. What is there today was not asked: this goes by what the projects say.

    Source: the projects' pages of releases, install tables and build workflows (knowledge/told/).
    Example: detectron2 0.6 of its page for torch 2.1: its last wheels are for torch 1.10.
    Fix: a torch and a CUDA that the project makes a wheel for, or an image with nvcc that compiles it.
    """
    return [
        finding._replace(subject=each.name)
        for each, row in _published(env, tables)
        if (finding := _judge(each, row, env, tables))
    ]


def _published(env: Environment, tables: Tables) -> Iterator[tuple[Distribution, Published]]:
    for name in sorted(tables.assets.published.keys() & env.packages.keys()):
        each = env.packages[name]
        if each.origin not in (None, "wheel", "url"):
            continue
        if each.exact is None:
            # Of a range: where no version has a wheel there, none that it takes has one.
            yield from ((each, row) for row in tables.assets.published[name][-1:] if _own_place(each))
            continue
        row = tables.assets.published_of(name, each.exact)
        if row is not None:
            yield each, row


def _own_place(each: Distribution) -> bool:
    """Tell whether it is taken from a place of its own, and then from nowhere else."""
    return bool(each.index or each.find_links)


def _judge(each: Distribution, row: Published, env: Environment, tables: Tables) -> Finding | None:
    if env.platform != _AMD64 or (env.torch.version is not None and not env.torch.official):
        return None
    place = env.elsewhere(each.name)
    if place is not None:
        return _asked(each, row, env, place.url) if any(part in place.url for part in row.places) else None
    has = _on_pypi(each, row, env, tables)
    return _plain(each, row, env, has) if has else None


def _on_pypi(each: Distribution, row: Published, env: Environment, tables: Tables) -> str:
    """Say what PyPI has of a version that is compiled at some time; "" for a wheel of compiled code."""
    if each.exact is None or each.exact.local:
        return ""
    if env.builds(each.name):
        return f"on PyPI as source alone, {row.compiled or 'which pip compiles'}"
    wheel = tables.measured.row(each.name, each.exact)
    pure = wheel is not None and all(group.endswith(": any") for group in wheel.tags)
    return f"on PyPI as Python alone, {row.compiled}" if pure and row.compiled else ""


def _asked(each: Distribution, row: Published, env: Environment, url: str) -> Finding | None:
    """Judge a wheel of the project's own place: for what the place or its name says it is, else the stack."""
    made, named = env.made_for(each.name), _TAG.search(url)
    torch = (made.torch if made else None) or env.torch.minor
    tag = (made.tag if made else None) or (named[1] if named else None) or env.torch.tag
    if tag is None or (torch is None and "*" not in row.wheels):
        return None
    what, whom = f"{each.name} {each.version}", _whom(row, torch, tag, env.python)
    says = cite(row, f"{each.name}{row.versions}: wheels {_listed(row)}")
    if tag in row.tags(torch) and (env.python is None or not row.pythons or env.python in row.pythons):
        return None if row.at_most else passed(f"{what} has a wheel {whom} at {row.places[0]}.", says)
    none = f"{what} has no wheel {whom} among those that its project publishes at {row.places[0]}"
    if _own_place(each):
        return failed_by(
            f"{none}, and the stack takes it from there alone.",
            (row, says.what),
            expected=_listed(row),
            found=whom,
            hint=f"take one of these, or compile it: that needs {_need(row, tag)}",
            about=each.name,
        )
    return warned(
        f"{none}: pip compiles its source or finds nothing.",
        says,
        expected=_listed(row),
        found=whom,
        hint=f"take one of these, or compile it: that needs {_need(row, tag)}",
    )


def _plain(each: Distribution, row: Published, env: Environment, has: str) -> Finding | None:
    """Say what a version without a place of its own gets: what PyPI `has`."""
    tag, torch = env.torch.tag, env.torch.minor
    if tag is None or not tag.startswith("cu"):
        return None
    what, says = f"{each.name} {each.exact}", cite(row, f"{each.name}{row.versions}: wheels {_listed(row)}")
    toolkit = env.toolkit
    if toolkit is not None and env.torch.cuda is not None and toolkit[0].major == env.torch.cuda.major:
        return passed(f"{what} is {has}; {toolkit[1]} has nvcc of CUDA {toolkit[0]}.", says)
    there = "has" if tag in row.tags(torch) else "has none"
    message = f"{what} is {has}: whether that can be done was not asked."
    hint = f"{row.places[0]} {there} {_whom(row, torch, tag, None)}; compiling needs {_need(row, tag)}"
    return skipped(message, says, hint=hint)


def _whom(row: Published, torch: str | None, tag: str, python: str | None) -> str:
    of = [] if "*" in row.wheels else [f"torch {torch}"]
    of += [tag, *([f"Python {python}"] if python and row.pythons and python not in row.pythons else [])]
    return "for " + " and ".join(of)


def _listed(row: Published) -> str:
    """Say what there are wheels for: "torch 1.10 (cu113 cpu), 1.9 (cu111)"."""
    if "*" in row.wheels:
        return f"for {' '.join(row.wheels['*'])}"
    return "for torch " + ", ".join(f"{torch} ({' '.join(tags)})" for torch, tags in row.wheels.items())


def _need(row: Published, tag: str) -> str:
    major = f" of CUDA {tag[2:4]}" if tag.startswith("cu1") else ""
    return f"nvcc{major} and a C++ compiler" + ("" if "*" in row.wheels else ", and an installed torch")
