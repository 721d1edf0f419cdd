"""What other installed packages add: rules and probes, each by an entry point.

Engines are added likewise: see `targets.registry`.

    [project.entry-points."stackcheck.rules"]
    flash = "flash_stack.rules"            # a module, or a package whose modules it imports

    [project.entry-points."stackcheck.probes"]
    flash_build = "flash_stack.flash_build"        # the name of the probe, and its one module

A module of rules is imported, and registers them by `@rule`. A probe is read as text and packed beside ours:
it runs in the target, where its package is not installed, so it is one file that needs Python 3.8 alone.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.model.errors import UsageError
from stackcheck.model.facts import HOST_FACTS
from stackcheck_probes import carried

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import EntryPoint, EntryPoints

RULES = "stackcheck.rules"
PROBES = "stackcheck.probes"
GRADES = ("static", "import", "gpu")


class Probe(NamedTuple):
    """A probe of another package: what it states of itself, and its source, which travels."""

    name: str
    grade: str
    source: str
    looks_in: str | None = None


def named(group: str) -> EntryPoints:
    """Return what installed packages name for a group."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - 15 ms, and what is ours needs none of it

    return entry_points(group=group)


@cache
def load_rules() -> None:
    """Import the modules of rules that other packages name; raise UsageError with what went wrong."""
    for entry in named(RULES):
        try:
            entry.load()
        except Exception as error:
            raise UsageError(
                f"{_whose(entry)} brings rules that cannot be loaded ({entry.value}): "
                f"{type(error).__name__}: {error}."
            ) from error


@cache
def installed_probes() -> Mapping[str, Probe]:
    """Return the probes of other packages by name, not imported; raise UsageError for a bad one."""
    ours = carried.every_probe()
    found: dict[str, Probe] = {}
    for entry in named(PROBES):
        if entry.name in ours or entry.name in found or entry.name in HOST_FACTS:
            raise UsageError(f"{_whose(entry)} brings a probe {entry.name!r}, and that name is taken.")
        found[entry.name] = _probe(entry)
    return found


def every_probe() -> list[str]:
    """Return the names of all probes, ours and those of other packages."""
    return sorted((*carried.every_probe(), *installed_probes()))


def looks_in(name: str) -> str | None:
    """Return the parameter that names the folders of packages, of a probe that looks at nothing but them."""
    own = installed_probes().get(name)
    return own.looks_in if own else carried.looks_in(name)


def _probe(entry: EntryPoint) -> Probe:
    import ast  # noqa: PLC0415 - only where another package brings a probe
    import importlib.util  # noqa: PLC0415

    what = f"{_whose(entry)} brings a probe {entry.name!r} ({entry.value})"
    try:
        spec = importlib.util.find_spec(entry.value)
        source = importlib.util.decode_source(spec.loader.get_data(spec.origin))  # type: ignore[union-attr]
        tree = ast.parse(source, feature_version=(3, 8))
    except Exception as error:
        raise UsageError(f"{what} that cannot be read: {type(error).__name__}: {error}.") from error
    stated = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    runs = any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body)
    if stated.get("NAME") != entry.name or stated.get("GRADE") not in GRADES or not runs:
        raise UsageError(
            f"{what}; it must state NAME = {entry.name!r}, a GRADE ({', '.join(GRADES)}), and run(params)."
        )
    folders = stated.get("LOOKS_IN") if stated["GRADE"] == "static" else None
    return Probe(entry.name, str(stated["GRADE"]), source, None if folders is None else str(folders))


def _whose(entry: EntryPoint) -> str:
    return f"the package {re.sub(r'[^ -~]', '?', entry.dist.name) if entry.dist else 'that names it'}"
