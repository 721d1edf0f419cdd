"""The wheel tags that a Python on a platform accepts, for platforms other than the one that runs. Pure."""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from packaging.tags import Tag


@cache
def supported_tags(python: str, platform: str) -> Mapping[Tag, int]:
    """Return the wheel tags of a CPython on a platform as uv names it, best first, with their rank.

    >>> from packaging.tags import Tag
    >>> Tag("cp311", "cp311", "manylinux_2_28_x86_64") in supported_tags("3.11", "x86_64-manylinux_2_28")
    True
    """
    from packaging.tags import compatible_tags, cpython_tags  # noqa: PLC0415 - 9 ms

    parts = [int(part) for part in python.split(".")[:2] if part.isdigit()]
    if len(parts) < 2:
        return {}
    machines = list(_platforms(platform))
    digits = f"cp{parts[0]}{parts[1]}"
    ordered: Iterable[Tag] = (
        *cpython_tags(parts, platforms=machines),
        *compatible_tags(parts, digits, platforms=machines),
    )
    return MappingProxyType({tag: rank for rank, tag in enumerate(dict.fromkeys(ordered))})


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
        from packaging.tags import mac_platforms  # noqa: PLC0415 - likewise

        yield from mac_platforms((14, 0), "arm64" if machine == "aarch64" else machine)


@cache
def python_pairs(python: str) -> frozenset[str]:
    """Return the interpreters and ABIs of wheels that a CPython ("3.12", "3.13t") takes: "cp312-cp312".

    >>> "cp38-abi3" in python_pairs("3.15"), "cp312-cp312" in python_pairs("3.13")
    (True, False)
    """
    from packaging.tags import compatible_tags, cpython_tags  # noqa: PLC0415 - likewise

    match = re.match(r"(\d+)\.(\d+)(?:\.\d+)?(t?)", python)
    if match is None:
        return frozenset()
    version, threads = (int(match[1]), int(match[2])), match[3]
    name = f"cp{match[1]}{match[2]}"
    abi = f"{name}{threads}" if version >= (3, 8) else f"{name}m"  # PEP 3149, until Python 3.8
    tags = (
        *cpython_tags(version, abis=[abi], platforms=["any"]),
        *compatible_tags(version, name, platforms=["any"]),
    )
    return frozenset(f"{tag.interpreter}-{tag.abi}" for tag in tags)


@cache
def stack_platforms(platform: str) -> tuple[str, ...]:
    """Return the platforms of a wheel tag as stacks name them, ("any",) for every one; none for others.

    >>> stack_platforms("manylinux_2_28_aarch64"), stack_platforms("macosx_11_0_universal2")
    (('linux/arm64',), ('macos/arm64', 'macos/amd64'))
    """
    if platform in {"any", "win_amd64"}:
        return ("any",) if platform == "any" else ("windows/amd64",)
    system = "macos" if platform.startswith("macosx") else "linux" if "linux" in platform else ""
    if not system or platform.startswith("musllinux"):
        return ()
    machines = next((named for end, named in _MACHINES.items() if platform.endswith(end)), ())
    return tuple(f"{system}/{machine}" for machine in machines)


_MACHINES = {
    "x86_64": ("amd64",),
    "aarch64": ("arm64",),
    "arm64": ("arm64",),
    "universal2": ("arm64", "amd64"),
    "intel": ("amd64",),
}
"""What wheels for Linux and macOS call the processors that they are for."""
