"""Python, glibc and NumPy against the wheels of torch and its companions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.versions import parse_version
from stackcheck.rules.grading import cite, failed_by, wheel_was_found
from stackcheck.rules.officialwheels import listed_release, not_pinned, official_wheels, torch_release
from stackcheck.rules.questions import EXCHANGES_ARRAYS
from stackcheck.rules.registry import Finding, passed, rule, skipped, uses, warned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.specifiers import SpecifierSet

    from stackcheck.environment import Environment
    from stackcheck.tables import Tables
    from stackcheck.tables.torch import Companion, Release

_NUMPY2 = Version("2")
_NUMPY2_PYTHON = Version("3.9")
"""The first Python that NumPy 2 has wheels for (Requires-Python of numpy 2.0.0, pypi.org/project/numpy,
checked 2026-11-30)."""
_NUMPY1 = tuple(Version(f"1.{minor}.{patch}") for minor in range(13, 27) for patch in range(10))
"""Versions before 2 that a range is tried with: the last line is 1.26."""


@rule("PYTHON101", when=uses("torch"))
@official_wheels()
def torch_has_wheel_for_python(env: Environment, tables: Tables) -> Finding | None:
    """There is a wheel of torch for the Python of the stack, on its platform.

    torch's wheels are made for one Python minor version each; there is no abi3 wheel and no source archive on
    the index. Which Pythons there are differs by platform: torch 1.13.1 has a wheel for Python 3.11 on Linux
    and none on Windows.

    Source: names of the wheels on PyPI (rows of `stackcheck tables`).
    Example: torch 1.13.1 on Python 3.12.
    Fix: take a Python of that release, or a release with that Python.
    """
    if not env.torch.is_wheel or env.stack.python is None:
        return None
    if env.torch.version is None:
        return not_pinned(f"that torch has a wheel for Python {env.stack.python} was not checked")
    release = listed_release(env.torch.version, tables)
    if isinstance(release, Finding):
        return release
    hint = _python_hint(env, release, tables)
    return wheel_was_found(
        _python_fits(env, f"torch {release.torch}", release, release.python, hint), env, "torch"
    )


@rule("PYTHON102", when=uses("torchvision", "torchaudio"))
@official_wheels()
def companions_have_wheel_for_python(env: Environment, tables: Tables) -> list[Finding] | None:
    """There are wheels of torchvision and torchaudio for the Python of the stack.

    They may lack a Python that torch has: torch 1.13 has a wheel for Python 3.11 and torchvision 0.14 has
    not; the same holds for torch 2.5 and Python 3.13.

    Source: names of the wheels on PyPI (rows of `stackcheck tables`).
    Example: torchvision 0.20.0 on Python 3.13.
    Fix: take a Python that all three have.
    """
    if env.stack.python is None:
        return None
    findings: list[Finding] = []
    for name in ("torchvision", "torchaudio"):
        version = env.version(name)
        row = tables.torch.companion(name, version) if version else None
        if row is None or not env.packages[name].is_wheel:
            continue
        there = ", ".join(_pythons(row.python, env.stack.platform))
        hint = f"take a Python that torch and {name} both have: {there}"
        fits = _python_fits(env, f"{name} {row.version}", row, row.python, hint)
        findings.append(replace(wheel_was_found(fits, env, name), subject=name))
    return findings or None


def _python_fits(
    env: Environment, title: str, row: Release | Companion, pythons: Mapping[str, tuple[str, ...]], hint: str
) -> Finding:
    python, there = env.python, _pythons(pythons, env.stack.platform)
    where = f" for {env.stack.platform}" if env.stack.platform else ""
    if not there:
        return skipped(f"{title} has no wheel{where} at all, so Python was not compared")
    listed = ", ".join(there)
    says = f"{title} has wheels{where} for Python {listed}"
    if python in there or "3" in there:
        return passed(f"{says}.", cite(row, says), expected=listed, found=f"Python {python}")
    text = f"{says}, not for {python}."
    return failed_by(text, (row, says), expected=listed, found=f"Python {python}", hint=hint)


def _pythons(by_platform: Mapping[str, tuple[str, ...]], platform: str | None) -> tuple[str, ...]:
    """Return the Pythons on one platform, or on any when none is stated."""
    if platform is not None:
        return by_platform.get(platform, ())
    every = {python for pythons in by_platform.values() for python in pythons}
    return tuple(sorted(every, key=lambda text: (int(text[2:].removesuffix("t") or 0), text)))


def _python_hint(env: Environment, release: Release, tables: Tables) -> str:
    python = env.python
    others = [
        row.torch for row in tables.torch.releases if python in _pythons(row.python, env.stack.platform)
    ]
    newer = [version for version in others if version > release.torch]
    near = newer[0] if newer else others[-1] if others else None
    there = [text for text in _pythons(release.python, env.stack.platform) if not text.endswith("t")]
    pythons = f"take Python {there[-1]}" if there else "take another Python"
    return f"{pythons}, or torch {near}" if near else pythons


@rule("GLIBC101", when=uses("torch"))
@official_wheels()
def torch_fits_glibc(env: Environment, tables: Tables) -> Finding | None:
    """The system has the glibc that torch's wheels need.

    Wheels from 2.7 on are manylinux_2_28. Those up to 2.6 are named manylinux1 and need glibc 2.17 all the
    same, so the file name does not tell; the cu126 build of 2.6.0 needs 2.28.

    Source: WHEEL files and build images of the wheels, manylinux policies (rows of `stackcheck tables`).
    Example: torch 2.7.1 on CentOS 7, which has glibc 2.17.
    Fix: take a newer system, or the last torch that its glibc can load.
    """
    release, origin = torch_release(env, tables), env.torch.origin
    if not env.platform.startswith("linux/") or origin not in ("wheel", "url", "conda"):
        return None  # what an image or a build of one's own has, it has
    if env.torch.version is None:
        return not_pinned("the glibc that torch needs was not compared")
    if release is None:
        listed = listed_release(env.torch.version, tables)
        return listed if isinstance(listed, Finding) else None
    names = [name for name in (env.stack.os, env.stack.image.ready, env.stack.image.base) if name]
    if env.glibc is None:
        return _unknown_system(names[0]) if names else None
    has, named = env.glibc
    system = tables.systems.find(named)
    needs = _glibc_of(env, release, tables)
    if needs is None:
        return skipped(f"no data on the glibc that the conda build of torch {release.torch} needs")
    kind = "conda build" if origin == "conda" else "wheel"
    says = f"the {kind} of torch {release.torch} needs glibc {needs}"
    found = f"glibc {has}" + (f" ({named})" if system else "")
    evidence = [(release, says), *([(system, f"{named} has glibc {has}")] if system else [])]
    if needs <= has:
        return passed(f"{says.capitalize()}, {found} is there.", *(cite(*each) for each in evidence))
    hint = f"take a newer system{_older_torch(release, has, tables) if kind == 'wheel' else ''}"
    text = f"{says[0].upper()}{says[1:]}, the system has {has}."
    return failed_by(text, *evidence, expected=f"glibc >= {needs}", found=found, hint=hint)


def _unknown_system(named: str) -> Finding:
    hint = "state `glibc`, or the distribution and its version as `os`"
    return skipped(f"no data on the glibc of {named}, so torch's need was not compared", hint=hint)


def _older_torch(release: Release, has: Version, tables: Tables) -> str:
    if release.glibc <= has:
        return f", or a build of torch {release.torch} for another CUDA version"
    fits = [row.torch for row in tables.torch.releases if row.glibc <= has]
    return f", or torch {fits[-1]}" if fits else ""


def _glibc_of(env: Environment, release: Release, tables: Tables) -> Version | None:
    if env.torch.origin == "conda":
        return release.conda_glibc
    build = tables.torch.build(release.torch, env.torch.cuda, env.platform) if env.torch.cuda else None
    return build.glibc if build is not None and build.glibc is not None else release.glibc


@rule("NUMPY101", when=uses("numpy"), answers=(EXCHANGES_ARRAYS, "numpy"))
def torch_fits_numpy(env: Environment, tables: Tables) -> Finding | None:
    """The NumPy of the stack has the C API that torch was compiled against.

    torch before 2.3 was compiled against NumPy 1, on Windows torch before 2.4.1. With NumPy 2 it imports
    with a warning, and every exchange of an array ends in `Numpy is not available`.

    Source: pytorch/pytorch issues 132179 and 107302; 131668 and 128860 for Windows.
    Example: torch 2.2.2 with numpy 2.0.0.
    Fix: pin numpy below 2, or take torch 2.3 or later (2.4.1 on Windows).
    """
    release, package = torch_release(env, tables), env.packages.get("numpy")
    platform = env.platform
    if release is None or package is None or release.numpy_on(platform) != 1:
        return None
    if env.torch.origin == "conda" and not package.stated:
        text = "the NumPy beside conda's torch was not compared: conda brings one, and pip keeps what fits"
        return skipped(text, hint="state numpy as conda has it")
    where = "" if release.numpy == 1 else " for Windows"
    says = f"torch {release.torch}{where} was compiled against NumPy 1"
    later = [row for row in tables.torch.releases if row.torch > release.torch]
    able = next((row.torch for row in later if row.numpy_on(platform) == 2), None)
    other = f", or take torch {able} or later instead of {release.torch}" if able else ""
    hint = f'state numpy = "<2" (1.26.4 is the last){other}'
    exact = package.exact
    if exact is not None and exact < _NUMPY2:
        return passed(f"{says}; the stack has numpy {exact}.", cite(release, says), found=f"numpy {exact}")
    found = f"numpy {package.version}"
    if exact is not None:
        text = f"{says}; with numpy {exact} no array can be exchanged (`Numpy is not available`)."
        return failed_by(text, (release, says), expected="numpy < 2", found=found, hint=hint)
    if not _admits_numpy1(package.specifier):
        text = f"{says}, and numpy {package.version} admits no NumPy 1: no array can be exchanged."
        return failed_by(text, (release, says), expected="numpy < 2", found=found, hint=hint)
    if env.python and parse_version(env.python) < _NUMPY2_PYTHON:
        text = f"{says}; NumPy 2 cannot be installed on Python {env.python}."
        return passed(text, cite(release, says), found=found)
    if package.specifier.contains(_NUMPY2) or package.specifier.contains("2.99"):
        text = f"{says}, and the stack's numpy {package.version} admits NumPy 2."
        return warned(text, cite(release, says), expected="numpy < 2", found=found, hint=hint)
    return passed(f"{says}; numpy {package.version} keeps below 2.", cite(release, says), found=found)


def _admits_numpy1(accepted: SpecifierSet) -> bool:
    return any(accepted.contains(version) for version in _NUMPY1)
