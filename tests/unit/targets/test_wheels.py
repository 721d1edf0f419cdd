"""What uv is told, so that it unpacks wheels for a Python and a platform that are not here."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from packaging.version import Version

from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.targets.wheels import arguments, wheels_alone

LOCK = """\
lock-version = "1.0"
created-by = "stackcheck"
requires-python = "==3.12.*"

[[packages]]
name = "six"
version = "1.17.0"
wheels = [{ url = "https://files.example/six-1.17.0-py2.py3-none-any.whl", hashes = { sha256 = "aa" } }]

[[packages]]
name = "old"
version = "1.0"
sdist = { url = "https://files.example/old-1.0.tar.gz", hashes = { sha256 = "bb" } }
"""
PACKAGES = (
    LockedPackage("six", Version("1.17.0"), "six-1.17.0-py2.py3-none-any.whl", sha256="aa"),
    LockedPackage("old", Version("1.0"), "old-1.0.tar.gz", sha256="bb"),
)
RESOLUTION = Resolution(PACKAGES, "3.12", "aarch64-manylinux_2_28", "0.13.9", LOCK)


def test_uv_is_told_the_python_and_the_platform_of_the_stack_and_to_build_nothing() -> None:
    told = arguments(Path("/cache/unpacked"), Path("/tmp/pylock.toml"), RESOLUTION)
    assert told == (
        *("pip", "install", "--prefix", "/cache/unpacked", "--no-deps", "--only-binary", ":all:"),
        *("--python", sys.executable, "--python-version", "3.12"),
        *("--python-platform", "aarch64-manylinux_2_28", "--no-python-downloads"),
        *("--link-mode", "hardlink", "--preview-features", "pylock", "--requirements", "/tmp/pylock.toml"),
    )


def test_source_archives_and_the_python_that_uv_has_not_are_left_out_of_the_lock() -> None:
    left = tomllib.loads(wheels_alone(RESOLUTION))
    whole = tomllib.loads(LOCK)
    assert [row["name"] for row in left["packages"]] == ["six"]
    assert left["packages"][0] == whole["packages"][0]
    assert "requires-python" not in left
