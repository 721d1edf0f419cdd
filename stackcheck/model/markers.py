"""Environment markers, evaluated for a stack's Python and platform instead of those that stackcheck runs on.

Source: https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers,
checked 2026-11-30.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PLATFORMS = {
    "linux/amd64": ("linux", "Linux", "posix", "x86_64"),
    "linux/arm64": ("linux", "Linux", "posix", "aarch64"),
    "windows/amd64": ("win32", "Windows", "nt", "AMD64"),
    "macos/arm64": ("darwin", "Darwin", "posix", "arm64"),
}
"""sys_platform, platform_system, os_name and platform_machine of each platform that a stack may state."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_OF_PYTHON = re.compile(r"\b(?:python_version|python_full_version|implementation_version)\b")
_OF_PLATFORM = re.compile(r"\b(?:sys_platform|platform_system|os_name|platform_machine)\b")
_UNKNOWN = re.compile(r"\b(?:platform_release|platform_version|extra|extras|dependency_groups)\b")


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

    None when it depends on something that is not stated. A patch release that is not stated counts as 0.

    >>> holds("sys_platform == 'win32'", python=None, platform="linux/amd64")
    False
    """
    words = _QUOTED.sub("", marker)
    needs_python, needs_platform = bool(_OF_PYTHON.search(words)), bool(_OF_PLATFORM.search(words))
    if (needs_python and not python) or (needs_platform and not platform) or _UNKNOWN.search(words):
        return None
    from packaging.markers import (  # noqa: PLC0415 - likewise
        Marker,
        UndefinedComparison,
        UndefinedEnvironmentName,
    )

    try:
        return Marker(marker).evaluate(marker_environment(python or "3.0", platform or "linux/amd64"))
    except (UndefinedComparison, UndefinedEnvironmentName):
        return None


def marker_environment(python: str, platform: str) -> dict[str, str]:
    """Return the variables of markers for a CPython ("3.11") on a platform ("linux/amd64")."""
    parts = python.split(".")
    full = ".".join((*parts, "0", "0")[:3])
    system, name, kind, machine = _PLATFORMS[platform]
    return {
        "python_version": ".".join(parts[:2]),
        "python_full_version": full,
        "implementation_version": full,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": system,
        "platform_system": name,
        "os_name": kind,
        "platform_machine": machine,
    }
