"""Which Pythons a wheel serves, by its tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.model.wheel_tags import python_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable

_ABI = re.compile(r"cp(\d)(\d+)(t?)m?")


def serves(tags: Iterable[str], abi: str) -> bool:
    """Tell whether a wheel with `tags` serves the CPython of an ABI tag: "cp311", "cp37m", "cp313t"."""
    accepted = python_pairs(named(abi))
    return any(tag.rpartition("-")[0] in accepted for tag in tags)


def named(abi: str) -> str:
    """Return the Python of an ABI tag as people write it.

    >>> named("cp313t")
    '3.13t'
    """
    match = _ABI.fullmatch(abi)
    return f"{match[1]}.{match[2]}{match[3]}" if match else abi
