"""The rules, one module per family. A new rule is a function with `@rule("CODE")` in its family's module."""

from __future__ import annotations

import importlib
import pkgutil
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
    for folder in pkgutil.iter_modules(__path__, f"{__name__}."):
        if folder.ispkg and letters in importlib.import_module(folder.name).FAMILIES:
            _import_below(folder.name)
    return RULES.get(current_code(code))


def _import_below(package: str) -> None:
    for module in pkgutil.walk_packages(sys.modules[package].__path__, f"{package}."):
        importlib.import_module(module.name)


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
