"""The rules, one module per family. A new rule is a function with `@rule("CODE")` in its family's module."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from stackcheck.rules.registry import RULES, Rule


@cache
def load_all() -> tuple[Rule, ...]:
    """Import every rule module and return all rules in the order of their codes."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(RULES[code] for code in sorted(RULES))
