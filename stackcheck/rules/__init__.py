"""The rules, one module per family. A new rule is a function with `@rule("CODE")` in its family's module."""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from typing import TYPE_CHECKING

from stackcheck.extensions import installed_probes, load_rules
from stackcheck.rules.registry import RULES, Rule, current_code

if TYPE_CHECKING:
    from stackcheck.model.verdict import Level


def find(code: str) -> Rule | None:
    """Return our rule of a code, also of one that is retired; import no more than the folder of its letters.

    None where that has no such rule: it may be another package's, or nobody's.
    """
    letters = code.rstrip("0123456789")
    own = f"{__name__}.{letters.lower()}"
    folders = [name for name, is_folder in _below(__name__) if is_folder]
    folders.sort(key=lambda name: name != own)  # many are called like their letters
    for name in folders:
        if letters in importlib.import_module(name).FAMILIES:
            _import_below(name)
            break
    return RULES.get(current_code(code))


def _import_below(package: str) -> None:
    for name, is_folder in _below(package):
        importlib.import_module(name)
        if is_folder:
            _import_below(name)


def _below(package: str) -> list[tuple[str, bool]]:
    """Return the modules of a package, and which are folders; `pkgutil` imports `inspect` for it, 5 ms."""
    with os.scandir(sys.modules[package].__path__[0]) as entries:
        found = sorted((each.name, each.is_dir()) for each in entries)
    return [
        (f"{package}.{name.removesuffix('.py')}", is_folder)
        for name, is_folder in found
        if name.endswith(".py") != is_folder and not name.startswith("__")
    ]


@cache
def load_all() -> tuple[Rule, ...]:
    """Import every rule module, and those of other packages; return all rules in the order of their codes."""
    _import_below(__name__)
    load_rules()
    installed_probes()  # a bad one is told at once, whether or not a rule needs it
    return tuple(RULES[code] for code in sorted(RULES))


@cache
def before_build(*levels: Level) -> tuple[Rule, ...]:
    """Return the rules that need nothing built; with `levels` those that can answer at one of them."""
    early = (each for each in load_all() if not each.of_target)
    return tuple(each for each in early if not levels or set(levels) & set(each.levels))


@cache
def of_files() -> tuple[Rule, ...]:
    """Return the rules over the files of packages alone, whatever Python and platform they are for."""
    return tuple(each for each in load_all() if each.of_files)


@cache
def of_target() -> tuple[Rule, ...]:
    """Return the rules over what was built, or exists already."""
    return tuple(each for each in load_all() if each.of_target)
