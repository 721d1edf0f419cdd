"""The rules, one module per family. A new rule is a function with `@rule("CODE")` in its family's module."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from stackcheck.extensions import load_rules
from stackcheck.rules.registry import RULES, Rule

if TYPE_CHECKING:
    from stackcheck.model.verdict import Level


@cache
def load_all() -> tuple[Rule, ...]:
    """Import every rule module, and those of other packages; return all rules in the order of their codes."""
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    load_rules()
    return tuple(RULES[code] for code in sorted(RULES))


def before_build(*levels: Level) -> tuple[Rule, ...]:
    """Return the rules that need nothing built; with `levels` those that can answer at one of them."""
    early = (each for each in load_all() if not each.of_target)
    return tuple(each for each in early if not levels or set(levels) & set(each.levels))


def of_files() -> tuple[Rule, ...]:
    """Return the rules over the files of packages alone, whatever Python and platform they are for."""
    return tuple(each for each in load_all() if each.of_files)


def of_target() -> tuple[Rule, ...]:
    """Return the rules over what was built, or exists already."""
    return tuple(each for each in load_all() if each.of_target)
