"""What the rules about recipes have in common: when they apply, and how they say what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.rules.registry import Finding, failed
from stackcheck.variants.matrix import SUFFIX, Shelf

if TYPE_CHECKING:
    from stackcheck.model.facts import Facts

_AGAIN = "write it again from the matrix: `stackcheck recipes render`"


def has_shelf(facts: Facts) -> bool:
    """Tell whether a folder of recipes is being judged."""
    return isinstance(facts.get("shelf"), Shelf)


def wrong(name: str, message: str, *, expected: str, found: str, hint: str = _AGAIN) -> Finding:
    """Fail one recipe."""
    file = f"{name}{SUFFIX}"
    return failed(f"{file}: {message}", Evidence(file), expected=expected, found=found, hint=hint, about=name)
