"""Environment markers, evaluated for a stack's Python and platform instead of those that stackcheck runs on.

Source: https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers,
checked 2026-11-30.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from stackcheck.model.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterable

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_OF_PYTHON = re.compile(r"\b(?:python_version|python_full_version|implementation_version)\b")
_OF_PLATFORM = re.compile(r"\b(?:sys_platform|platform_system|os_name|platform_machine)\b")
_UNTOLD = r"\b(?:platform_release|platform_version|extra|extras|dependency_groups)\b"
_OPERATOR = r"\s*(?:[<>=!~]=?=?|\bnot\s+in\b|\bin\b)\s*"
_UNKNOWN = re.compile(rf"{_UNTOLD}{_OPERATOR}(?:{_QUOTED.pattern})|(?:{_QUOTED.pattern}){_OPERATOR}{_UNTOLD}")
"""A comparison with what no stack states."""
_EITHER_WAY = ("os_name != ''", "os_name == ''")
"""What is always true, and what never is: markers have no negation, so these two bound an unknown one."""
_PYTHONS = tuple(f"3.{minor}" for minor in range(5, 31))
_VERSION = re.compile(r"['\"](3\.\d+(?:\.\d+)?)")


def fault_of(marker: str) -> str:
    """Return what is wrong with a marker; "" when it is one."""
    from packaging.markers import InvalidMarker, Marker  # noqa: PLC0415 - 8 ms, and few stacks state markers

    try:
        Marker(marker)
    except InvalidMarker:
        return f"{marker!r} is not an environment marker (example: \"sys_platform == 'linux'\")"
    return ""


@lru_cache(maxsize=4096)
def holds(marker: str, *, python: str | None, platform: str | None) -> bool | None:
    """Tell whether a marker is true for a Python ("3.11") on a platform ("linux/amd64").

    None when that hangs on what is not stated: it is true for one Python or platform, and not for another.
    A patch release that is not stated counts as 0.

    >>> holds("sys_platform == 'win32' and python_version < '3.9'", python=None, platform="linux/amd64")
    False
    """
    from packaging.markers import (  # noqa: PLC0415 - likewise
        Marker,
        UndefinedComparison,
        UndefinedEnvironmentName,
    )

    bounds = {_UNKNOWN.sub(each, marker) for each in _EITHER_WAY}
    try:
        parsed = [Marker(text) for text in bounds]
        answers = {
            each.evaluate(marker_environment(*host))
            for each in parsed
            for host in product(_pythons(marker, python), _platforms(marker, platform))
        }
    except (UndefinedComparison, UndefinedEnvironmentName):
        return None
    return answers.pop() if len(answers) == 1 else None


def _pythons(marker: str, stated: str | None) -> Iterable[str]:
    """Return the Pythons that a marker is asked for: the stated one, else all that it may tell apart."""
    if stated or not _OF_PYTHON.search(_QUOTED.sub("", marker)):
        return (stated or "3.0",)
    return (*_PYTHONS, *_VERSION.findall(marker))


def _platforms(marker: str, stated: str | None) -> Iterable[str]:
    if stated or not _OF_PLATFORM.search(_QUOTED.sub("", marker)):
        return (stated or next(iter(PLATFORMS)),)
    return PLATFORMS


def marker_environment(python: str, platform: str) -> dict[str, str]:
    """Return the variables of markers for a CPython ("3.11") on a platform ("linux/amd64")."""
    parts = python.split(".")
    full = ".".join((*parts, "0", "0")[:3])
    named = PLATFORMS[platform]
    return {
        "python_version": ".".join(parts[:2]),
        "python_full_version": full,
        "implementation_version": full,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": named.sys_platform,
        "platform_system": named.system,
        "os_name": named.os_name,
        "platform_machine": named.machine,
    }
