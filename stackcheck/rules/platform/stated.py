"""The wheels of torch against the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.rules.grading import cite, failed_by, no_file_fits
from stackcheck.rules.official_wheels import (
    ROCM_PLATFORM,
    listed_release,
    not_pinned,
    official_wheels,
    torch_release,
)
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses

if TYPE_CHECKING:
    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import Release

_WHEELS = Evidence(
    "no wheel of torch for macOS has a CUDA or ROCm version, none is for musl",
    "names and torch/version.py of the torch 1.7.0 - 2.15.0 wheels, pypi.org/project/torch "
    "(checked 2026-11-20)",
)


_ROCM = Evidence(
    f"the ROCm versions of torch are added to the builds of {ROCM_PLATFORM} alone",
    "pytorch/test-infra tools/scripts/generate_binary_build_matrix.py (checked 2026-11-20)",
)


@rule("PLATFORM101", when=uses("torch"))
@official_wheels()
def torch_has_wheels_for_platform(env: Environment, tables: Tables) -> Finding | None:
    """There are wheels of torch for the platform of the stack.

    There is no CUDA or ROCm build for macOS, none of the tags of PyTorch's own index for it, no wheel for
    macOS on Intel after torch 2.2, no ROCm build but for Linux on x86_64, and none for musl (Alpine Linux).

    Source: names of the wheels on PyPI (rows of `stackcheck tables`).
    Example: torch==2.1.2+cu118 on an Apple M2.
    Fix: take the build without a tag on macOS; take a glibc base image on Linux.
    """
    if not env.torch.is_wheel or not env.stack.platform:
        return _musl(env)
    if missing := _no_such_builds(env):
        return no_file_fits(missing, "torch")
    if bad := _musl(env):
        return bad
    if env.torch.version is None:
        return not_pinned(f"whether torch has a wheel for {env.stack.platform} was not checked")
    release = listed_release(env.torch.version, tables)
    if isinstance(release, Finding):
        return release
    says = f"torch {release.torch} has wheels for {', '.join(release.python)}"
    if env.platform in release.python:
        return passed(f"{says}.", cite(release, says), found=env.stack.platform)
    bad = failed_by(
        f"{says}, not for {env.stack.platform}.",
        (release, says),
        expected=", ".join(release.python),
        found=env.stack.platform,
        hint=f"take one of these platforms{_nearest(release, env.platform, tables)}",
    )
    return no_file_fits(bad, "torch")


def _nearest(release: Release, platform: str, tables: Tables) -> str:
    """Advise the nearest release with wheels for a platform."""
    able = [row.torch for row in tables.torch.releases if platform in row.python]
    near = min(able, key=lambda each: tables.torch.distance(each, release.torch), default=None)
    return f", or torch {near}, the nearest release with wheels for {platform}" if near else ""


def _no_such_builds(env: Environment) -> Finding | None:
    stated = env.torch
    if not stated.sure or stated.kind in (None, "cpu"):
        return None
    kind = str(stated.kind).upper()
    if (env.stack.platform or "").startswith("macos/"):
        return failed(
            f"There is no {kind} build of torch for macOS; {stated.by} asks for {stated.tag}.",
            _WHEELS,
            expected="torch without a tag",
            found=f"torch {stated.tag} on {env.stack.platform}",
            hint="take the release from PyPI, without a local version and without PyTorch's CUDA index",
        )
    if stated.kind == "rocm" and env.stack.platform != ROCM_PLATFORM:
        return failed(
            f"PyTorch's ROCm builds of torch are for {ROCM_PLATFORM}; {stated.by} asks for {stated.tag}.",
            _ROCM,
            expected=ROCM_PLATFORM,
            found=f"torch {stated.tag} on {env.stack.platform}",
            hint=f"take {ROCM_PLATFORM}, or name an index with ROCm builds for {env.stack.platform}",
        )
    return None


def _musl(env: Environment) -> Finding | None:
    """Judge the stated system; of an image IMAGE105 says it."""
    system = (env.stack.os or "").lower()
    if not env.torch.is_wheel or ("alpine" not in system and "musl" not in system):
        return None
    return failed(
        "torch has no wheel for musl, which Alpine Linux uses.",
        _WHEELS,
        expected="a system with glibc",
        found=env.stack.os or "",
        hint="take a Debian, Ubuntu or RHEL based system",
    )


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
        unknown = not_pinned("the glibc that torch needs was not compared")
        return unknown._replace(hint="pin pytorch to a whole version") if origin == "conda" else unknown
    if release is None:
        listed = listed_release(env.torch.version, tables)
        return listed if isinstance(listed, Finding) else None
    names = [name for name in (env.stack.os, env.stack.image.ready, env.stack.image.base) if name]
    if env.glibc is None:
        return _unknown_system(names[0], of_files=bool(env.stack.read_from)) if names else None
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
    bad = failed_by(text, *evidence, expected=f"glibc >= {needs}", found=found, hint=hint)
    return no_file_fits(bad, "torch")


def _unknown_system(named: str, *, of_files: bool) -> Finding:
    hint = "state `glibc`, or the distribution and its version as `os`"
    if of_files:  # a project's own files have no place for either
        hint = (
            "take a tag that names the system, such as one with -bookworm, or state `glibc` in a definition"
        )
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
