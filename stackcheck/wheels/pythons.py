"""Which Pythons a wheel serves, by its tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ABI = re.compile(r"cp(\d)(\d+)(t?)m?")
_OF_ONE = re.compile(r"cp\d+-cp\d+[tm]?")
"""A wheel for one CPython and no other."""


def serves(tags: Iterable[str], abi: str, requires: str = "") -> bool:
    """Tell whether a wheel with `tags` serves the CPython of an ABI tag: "cp311", "cp37m", "cp313t".

    `requires` is the wheel's Requires-Python; one that cannot be read admits all.
    """
    pairs = {tag.rpartition("-")[0] for tag in tags}
    if all(_OF_ONE.fullmatch(pair) for pair in pairs):
        return any(pair.partition("-")[2] == abi for pair in pairs)
    from stackcheck.model.wheel_tags import python_pairs  # noqa: PLC0415 - packaging.tags takes 8 ms

    return not pairs.isdisjoint(python_pairs(named(abi))) and _admitted(requires, abi)


def _admitted(requires: str, abi: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - likewise

    try:
        return SpecifierSet(requires).contains(f"{named(abi).removesuffix('t')}.99")
    except InvalidSpecifier:
        return True


def named(abi: str) -> str:
    """Return the Python of an ABI tag as people write it.

    >>> named("cp313t")
    '3.13t'
    """
    match = _ABI.fullmatch(abi)
    return f"{match[1]}.{match[2]}{match[3]}" if match else abi
