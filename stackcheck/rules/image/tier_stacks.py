"""Whether a stack is a tier of a chain of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcheck.model.facts import Facts


def is_tier(facts: Facts) -> bool:
    """Tell whether a stack is built on others of its chain."""
    return bool(facts["stack"].below)
