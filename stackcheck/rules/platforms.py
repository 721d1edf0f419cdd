"""Platforms that torch has wheels for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.officialwheels import ROCM_PLATFORM, listed_release, not_pinned, official_wheels
from stackcheck.rules.registry import Finding, failed, passed, rule, uses
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.tables import Tables

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
        return missing
    if bad := _musl(env):
        return bad
    if env.torch.version is None:
        return not_pinned(f"that torch has a wheel for {env.stack.platform} was not checked")
    release = listed_release(env.torch.version, tables)
    if isinstance(release, Finding):
        return release
    says = f"torch {release.torch} has wheels for {', '.join(release.python)}"
    if env.platform in release.python:
        return passed(f"{says}.", cite(release, says), found=env.stack.platform)
    return failed_by(
        f"{says}, not for {env.stack.platform}.",
        (release, says),
        expected=", ".join(release.python),
        found=env.stack.platform,
        hint=f"take one of these platforms, or a release with wheels for {env.stack.platform}",
    )


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
    system = f"{env.stack.os or ''} {env.stack.image.base or ''}".lower()
    if not env.torch.is_wheel or ("alpine" not in system and "musl" not in system):
        return None
    return failed(
        "torch has no wheel for musl, which Alpine Linux uses.",
        _WHEELS,
        expected="a system with glibc",
        found=env.stack.os or env.stack.image.base or "",
        hint="take a Debian, Ubuntu or RHEL based system",
    )
