"""Which Pythons a wheel serves, by its tags: `packaging.tags` says what an interpreter accepts."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from packaging.tags import compatible_tags, cpython_tags

if TYPE_CHECKING:
    from collections.abc import Iterable

_ABI = re.compile(r"cp(\d)(\d+)(t?)m?")


def serves(tags: Iterable[str], abi: str) -> bool:
    """Tell whether a wheel with `tags` serves the CPython of an ABI tag: "cp311", "cp37m", "cp313t"."""
    accepted = _accepted(abi)
    return any(tag.rpartition("-")[0] in accepted for tag in tags)


@cache
def _accepted(abi: str) -> frozenset[str]:
    """Return "interpreter-abi" of each tag that a CPython accepts, whatever the platform."""
    match = _ABI.fullmatch(abi)
    if match is None:
        return frozenset()
    version = (int(match[1]), int(match[2]))
    own = cpython_tags(version, abis=[abi], platforms=["any"])
    plain = compatible_tags(version, f"cp{match[1]}{match[2]}", platforms=["any"])
    return frozenset(f"{tag.interpreter}-{tag.abi}" for tag in (*own, *plain))


def named(abi: str) -> str:
    """Return the Python of an ABI tag as people write it.

    >>> named("cp313t")
    '3.13t'
    """
    match = _ABI.fullmatch(abi)
    return f"{match[1]}.{match[2]}{match[3]}" if match else abi
