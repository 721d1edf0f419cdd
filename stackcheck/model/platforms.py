"""The platforms that a stack may state, and the one that everybody assumes where it states none."""

from __future__ import annotations

from typing import NamedTuple


class Platform(NamedTuple):
    """What tools call a platform: `uv` for `--python-platform`, with a place for the minor version of glibc.

    The others are the environment markers sys_platform, platform_system, os_name and platform_machine.
    """

    uv: str
    sys_platform: str
    system: str
    os_name: str
    machine: str


ASSUMED = "linux/amd64"
"""What a stack is judged for that states no platform: the official CUDA wheels are first made for it."""
PLATFORMS = {
    ASSUMED: Platform("x86_64-manylinux_2_{}", "linux", "Linux", "posix", "x86_64"),
    "linux/arm64": Platform("aarch64-manylinux_2_{}", "linux", "Linux", "posix", "aarch64"),
    "windows/amd64": Platform("x86_64-pc-windows-msvc", "win32", "Windows", "nt", "AMD64"),
    "macos/arm64": Platform("aarch64-apple-darwin", "darwin", "Darwin", "posix", "arm64"),
    "macos/amd64": Platform("x86_64-apple-darwin", "darwin", "Darwin", "posix", "x86_64"),
}
"""By the name that a definition states, as Docker spells platforms."""


def judged_for(stated: str | None) -> str:
    """Return the platform that a stack is judged for: what it states, else the assumed one."""
    return stated or ASSUMED
