"""Enumerations in messages: the first few of many, and how many more there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def some(texts: Sequence[str], most: int, by: str = ", ") -> str:
    """Return the first texts, joined by `by`, and the number of those left out.

    >>> some(["a", "b", "c", "d"], 2)
    'a, b and 2 more'
    """
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return by.join(texts[:most]) + more
