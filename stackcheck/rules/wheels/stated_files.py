"""The rule about wheel files that a stack names by address: their names say where they install."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.evidence import Evidence
from stackcheck.model.references import file_name, wheel_name
from stackcheck.model.wheel_tags import python_pairs, stack_platforms
from stackcheck.rules.registry import Finding, failed, passed, rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.tags import Tag

    from stackcheck.environment import Distribution, Environment
    from stackcheck.model.facts import Facts

_PEP = Evidence(
    "an installer refuses a wheel whose tags are not among those of its Python and system",
    "https://packaging.python.org/specifications/platform-compatibility-tags/ (checked 2026-11-30)",
)
_MANYLINUX = re.compile(r"manylinux_2_(\d+)_")
_LEGACY = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}


def _names_files(facts: Facts) -> bool:
    return any(_address(each) for each in facts["env"].packages.values())


def _address(each: Distribution) -> str:
    return each.package.url or ""


@rule("WHEEL114", when=_names_files, about="package")
def named_file_installs(env: Environment) -> list[Finding]:
    """The wheel files that the stack names install on its Python, its platform and its glibc.

    The address of a wheel leaves an installer no choice: a file for another Python, another machine or a
    newer glibc is refused ("is not a supported wheel on this platform"). Only what the stack states is held
    against the name: without a Python nothing is said of cp310.

    Source: https://packaging.python.org/specifications/platform-compatibility-tags/
    Example: vllm-0.30.0+cpu-cp38-abi3-manylinux_2_39_x86_64.whl on Ubuntu 22.04 (glibc 2.35).
    Fix: the file of the same release for this Python and system.
    """
    found: list[Finding] = []
    for name, each in env.packages.items():
        wheel = wheel_name(_address(each)) if _address(each) else None
        if wheel is None:
            continue
        file = file_name(_address(each))
        wrong = _wrong(wheel.tags, env)
        if wrong is None:
            found.append(passed(f"{file} is for this Python and system, as far as they are stated.", _PEP))
            continue
        what, wanted, has = wrong
        text = f"{file} {what}: an installer refuses it."
        hint = f"take the file of {name} {wheel.version} for {wanted}, or build it there"
        found.append(failed(text, _PEP, expected=f"a wheel for {wanted}", found=has, hint=hint, about=name))
    return found


def _wrong(tags: Iterable[Tag], env: Environment) -> tuple[str, str, str] | None:
    """Say what does not fit, what would, and what the file is for; None where nothing speaks against it."""
    left = list(tags)
    platforms = {each for tag in left for each in stack_platforms(tag.platform)}
    if env.stack.platform and not platforms & {"any", env.platform}:
        has = ", ".join(sorted(platforms)) or left[0].platform
        return f"is for {has}, and the stack for {env.platform}", env.platform, has
    left = [tag for tag in left if {"any", env.platform} & {*stack_platforms(tag.platform)}] or left
    if env.stack.python:
        accepted = python_pairs(env.stack.python)
        fitting = [tag for tag in left if f"{tag.interpreter}-{tag.abi}" in accepted]
        if not fitting:
            has = ", ".join(sorted({f"{tag.interpreter}-{tag.abi}" for tag in left}))
            wanted = f"Python {env.stack.python}"
            return f"is for {has}, and the stack has {wanted}", wanted, has
        left = fitting
    if env.glibc and env.platform.startswith("linux/"):
        least = min(map(_glibc, left))
        glibc, why = env.glibc
        if least > glibc:
            wanted = f"glibc {glibc}"
            return f"is for glibc {least} and later, and {why} has {glibc}", wanted, f"glibc {least}"
    return None


def _glibc(tag: Tag) -> Version:
    """Return the least glibc 2 that a platform tag asks for; 2.0 where it does not say."""
    named = [int(match[1]) for match in _MANYLINUX.finditer(tag.platform)]
    named += [least for word, least in _LEGACY.items() if tag.platform.startswith(f"{word}_")]
    return Version(f"2.{min(named, default=0)}")
