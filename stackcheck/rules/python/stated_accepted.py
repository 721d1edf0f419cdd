"""Requires-Python of pinned packages, and the Python of the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.versions import ends, minor, parse_specifier, spelled
from stackcheck.rules.grading import cite, failed_by, wheel_was_found
from stackcheck.rules.registry import Finding, rule, told_of, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.specifiers import SpecifierSet

    from stackcheck.environment import Distribution, Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.packages import Needs

_EVERY = parse_specifier("")


@rule("PYTHON103", when=told_of(lambda tables: tables.packages.declared_dists), about="package")
def pins_accept_python(env: Environment, tables: Tables) -> list[Finding]:
    """The pinned packages accept the Python of the stack.

    An index states Requires-Python beside each file, and pip passes over files that exclude its Python: the
    pin is then a version that does not exist. uv does so below the range, and leaves its upper end aside: it
    takes the wheel, or builds the source where the wheels are for other Pythons. What is taken from elsewhere
    than an index like PyPI, or is built for something, may state another range.

    Source: Requires-Python of the files on PyPI (knowledge/told/).
    Example: transformers 4.47.0, which accepts Python >=3.9.0, on Python 3.8.
    Fix: a Python in the range, or a release of the package that accepts this one.
    """
    python = env.stack.python
    if not python:
        return []
    return [
        _refused(env.packages[name], row, python, env, tables)
        for name, row in _stated(env, tables)
        if not row.takes(python)
    ]


def _stated(env: Environment, tables: Tables) -> Iterator[tuple[str, Needs]]:
    """Yield the pins that are releases on an index, with the rows that say which Pythons they accept."""
    for name in sorted(tables.packages.declared_dists & env.packages.keys()):
        row = env.declared(name) if env.packages[name].package.exact else None
        if row is not None and row.python is not None:
            yield name, row


def _says(name: str, env: Environment, row: Needs) -> str:
    return f"{name} {env.packages[name].version}: Requires-Python: {spelled(row.python or _EVERY)}"


def _refused(package: Distribution, row: Needs, python: str, env: Environment, tables: Tables) -> Finding:
    name, wanted = package.name, row.python or _EVERY
    what, fits = f"{name} {package.version}", _fitting(name, python, tables)
    accepts = f"{what} accepts Python {spelled(wanted)}; the stack has {python}"
    hint = f"take {name} {fits}, or a Python in that range" if fits else "take a Python in that range"
    expected, found, said = f"Python {spelled(wanted)}", f"Python {python}", _says(name, env, row)
    late = not _before(wanted, python)
    if late and env.taken(name) is not None:
        text = f"{accepts}: uv takes it all the same, and pip does not find it."
        bad = warned(text, cite(row, said), expected=expected, found=found, hint=hint)
        return bad._replace(subject=name)
    who = "pip does not find it" if late else "pip and uv do not find it"
    bad = failed_by(f"{accepts}: {who}.", (row, said), expected=expected, found=found, hint=hint)
    return wheel_was_found(bad, env, name)._replace(subject=name)


def _before(wanted: SpecifierSet, python: str) -> bool:
    """Tell whether a Python comes before all that are accepted; else it comes after some."""
    last = Version(python if python.count(".") > 1 else f"{python}.99")
    return not any(each <= last and wanted.contains(each) for each in ends((wanted,)))


def _fitting(name: str, python: str, tables: Tables) -> Version | None:
    """Return the last release that is known to accept a Python."""
    rows = tables.packages.declared(name, _EVERY)
    return max((version for version, row in rows if row.python and row.takes(minor(python))), default=None)
