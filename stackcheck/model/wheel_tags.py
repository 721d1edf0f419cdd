"""The wheel tags that a Python on a platform accepts, for platforms other than the one that runs. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

if TYPE_CHECKING:
    from collections.abc import Iterable


def supported_tags(python: str, platform: str) -> dict[Tag, int]:
    """Return the wheel tags of a CPython on a platform as uv names it, best first, with their rank.

    >>> Tag("cp311", "cp311", "manylinux_2_28_x86_64") in supported_tags("3.11", "x86_64-manylinux_2_28")
    True
    """
    parts = [int(part) for part in python.split(".")[:2] if part.isdigit()]
    if len(parts) < 2:
        return {}
    machines = list(_platforms(platform))
    digits = f"cp{parts[0]}{parts[1]}"
    ordered: Iterable[Tag] = (
        *cpython_tags(parts, platforms=machines),
        *compatible_tags(parts, digits, platforms=machines),
    )
    return {tag: rank for rank, tag in enumerate(dict.fromkeys(ordered))}


def _platforms(platform: str) -> Iterable[str]:
    machine, _, system = platform.partition("-")
    if match := re.fullmatch(r"manylinux_2_(\d+)", system):
        legacy = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
        for minor in range(int(match[1]), 4, -1):
            yield f"manylinux_2_{minor}_{machine}"
            if minor in legacy:
                yield f"{legacy[minor]}_{machine}"
        yield f"linux_{machine}"
    elif "windows" in system:
        yield "win_amd64"
    elif "darwin" in system:
        yield from mac_platforms((14, 0), "arm64" if machine == "aarch64" else machine)
