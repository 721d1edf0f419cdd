"""Rules about single compiled packages: what is known of their wheels and not said in METADATA."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, rule, warned

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.wheels import Wheels
    from stackcheck.model.facts import Facts

_KNOWS_BLACKWELL = Version("12.8")
"""The first toolkit that makes code for compute capability 10.0 and 12.0 (knowledge/cuda.toml)."""


def _bound(facts: Facts) -> bool:
    return not facts["tables"].wheels.bound_dists.isdisjoint(facts["env"].packages)


@rule("WHEEL104", when=_bound)
def bound_to_minor(env: Environment, tables: Tables) -> list[Finding]:
    """Extensions that METADATA does not bind to a torch minor have the right one.

    torchtext is compiled against one torch minor, and its later METADATA asks only for that or newer: a
    resolver accepts what fails at import with `undefined symbol`.

    Source: https://github.com/pytorch/text/issues/2272 (knowledge/wheels.toml).
    Example: torchtext 0.18.0 with torch 2.4.0.
    Fix: stay on the torch minor of the release, or drop the extension.
    """
    claim = env.torch
    findings: list[Finding] = []
    for name in sorted(tables.wheels.bound_dists.intersection(env.packages)):
        version = env.packages[name].exact
        row = tables.wheels.bound(name, version) if version else None
        if row is None or claim.minor is None or claim.version is None:
            continue
        if row.torch == claim.minor:
            findings.append(passed(f"{name} {version} is compiled for torch {row.torch}.", cite(row, "")))
        else:
            findings.append(
                failed_by(
                    f"{name} {version} is compiled for torch {row.torch}, and loads with no other minor; "
                    "the stack has "
                    f"torch {claim.version.public}.",
                    (row, f"{name} {row.versions} belongs to torch {row.torch}"),
                    expected=f"torch {row.torch}.*",
                    found=f"torch {claim.version.public}",
                    hint=row.next or f"take the {name} of torch {claim.minor}, or torch {row.torch}",
                )
            )
    return findings


def _is_defective(facts: Facts) -> bool:
    env = facts["env"]
    return any(row.dist in env.packages for row in facts["tables"].wheels.defective)


@rule("WHEEL105", when=_is_defective)
def defective_wheels(env: Environment, tables: Tables) -> list[Finding]:
    """None of the wheels is known to contradict its own name or folder.

    Source: the threads in knowledge/wheels.toml.
    Example: mmcv-full 1.3.10 of the folder cu111/torch1.9.0 is linked against CUDA 10.2.
    Fix: take the neighbouring release.
    """
    findings: list[Finding] = []
    for row in tables.wheels.defective:
        package = env.packages.get(row.dist)
        version = package.exact if package else None
        if package is None or version is None or version.public != row.version.public:
            continue
        made = env.made_for(row.dist)
        claim = env.torch
        tag = made.tag if made else claim.tag
        torch = made.torch if made else claim.minor
        named = not row.local or re.fullmatch(row.local, version.local or "")
        if named and row.tag in {"", tag} and row.torch in {"", torch}:
            folder = f" for {tag} and torch {torch}" if row.tag else ""
            findings.append(
                failed_by(
                    f"The wheel of {row.dist} {version}{folder} is defective: {row.fault}.",
                    (row, row.fault),
                    expected=row.instead,
                    found=f"{row.dist} {version}",
                    hint=row.instead,
                )
            )
    return findings


def _has_wheel_rows(facts: Facts) -> bool:
    return not facts["tables"].wheels.wheels.keys().isdisjoint(facts["env"].packages)


@rule("WHEEL109", when=_has_wheel_rows)
def wheel_for_python(env: Environment, tables: Tables) -> list[Finding]:
    """Compiled packages have wheels for the stack's Python and platform.

    spconv, xformers, triton and torchtext are compiled for each Python, and none of them for every platform.
    Without a wheel an installer finds nothing, or takes the source and compiles it.

    Source: the wheels on PyPI by Python and platform (knowledge/wheels.toml).
    Example: spconv-cu120 2.3.6 on Python 3.12; triton on Windows; xformers on arm64.
    Fix: a Python that has wheels, or a release with wheels for it.
    """
    findings: list[Finding] = []
    for name in sorted(tables.wheels.wheels.keys() & env.packages.keys()):
        package = env.packages[name]
        version = package.exact
        if version is None or version.local or not package.is_wheel or package.built_for:
            continue
        row = next((row for row in tables.wheels.wheels[name] if version in row.versions), None)
        if row is None or env.elsewhere(name):
            continue
        sure = env.only_pypi(name)
        if finding := _judge_wheel(f"{name} {version}", row, env, sure=sure):
            findings.append(finding)
    return findings


_NAMES = {"windows/amd64": "Windows", "linux/arm64": "Linux on arm64"}


def _judge_wheel(what: str, row: Wheels, env: Environment, *, sure: bool) -> Finding | None:
    """Judge by the wheels on PyPI; `sure`: nothing else, such as the index of PyTorch, is searched too."""
    platform = env.platform
    python = ".".join((env.stack.python or "").split(".")[:2])
    missing = {"windows/amd64": not row.windows, "linux/arm64": not row.arm64}
    if missing.get(platform):
        where = _NAMES[platform]
        said, has = (row, f"{what}: no wheel for {where}"), "Linux" if row.arm64 else "Linux on amd64"
        hint = "use Linux (WSL 2 is one), or leave it out"
        if platform == "linux/arm64":
            hint = "compile it from source there, or leave it out"
        if sure:
            text = f"There is no wheel of {what} for {where}."
            return failed_by(text, said, expected=has, found=platform, hint=hint)
        text = f"PyPI has no wheel of {what} for {where}; what the index of PyTorch has of it is not known."
        return warned(text, cite(*said), expected=has, found=platform, hint=hint)
    pythons = {"linux/amd64": row.linux, "linux/arm64": row.arm64}.get(platform, ())
    if not python or not pythons or "any" in pythons:
        return None
    listed = ", ".join(pythons)
    if python in pythons:
        return passed(f"{what} has a wheel for Python {python}.", cite(row, f"Python {listed}"))
    return failed_by(
        f"There is no wheel of {what} for Python {python}: it has wheels for {listed}.",
        (row, f"{what}: wheels for Python {listed}"),
        expected=f"Python {listed}",
        found=f"Python {python}",
        hint="take one of these Pythons, or a release with wheels for yours",
    )


def _has_kernels(facts: Facts) -> bool:
    env = facts["env"]
    return bool(env.stack.gpus) and not facts["tables"].wheels.kernels.keys().isdisjoint(env.packages)


@rule("WHEEL108", when=_has_kernels)
def kernels_for_gpus(env: Environment, tables: Tables) -> list[Finding]:
    """Extensions have kernels for the GPUs.

    torch running on a GPU says nothing about an extension: each has its own list of architectures.

    Source: the projects' README and build scripts (knowledge/wheels.toml).
    Example: flash-attn 2 on a T4 (7.5): "FlashAttention only supports Ampere GPUs or newer".
    Fix: another GPU, or an implementation that serves it.
    """
    findings: list[Finding] = []
    for name in sorted(tables.wheels.kernels.keys() & env.packages.keys()):
        package = env.packages[name]
        row = next((row for row in tables.wheels.kernels[name] if row.accepts(package.exact)), None)
        gpus = [gpu for gpu in env.stack.gpus if gpu.capability is not None]
        if row is None or not gpus:
            continue
        made = env.made_for(name)
        # The project's own wheels say cu12 or an older minor; a later toolkit is somebody else's build.
        prebuilt = made is not None and made.cuda is not None and made.cuda < _KNOWS_BLACKWELL
        unserved = [
            gpu for gpu in gpus if gpu.capability and not row.serves(gpu.capability, prebuilt=prebuilt)
        ]
        if not unserved:
            findings.append(
                passed(f"{name} {package.version} serves every GPU of the stack.", cite(row, row.says))
            )
            continue
        said = ", ".join(f"{gpu.name} ({gpu.capability})" for gpu in unserved)
        findings.append(
            failed_by(
                f"{name} {package.version} has no kernels for {said}: {row.says}.",
                (row, row.says),
                expected=row.says,
                found=said,
                hint=f"leave {name} out on these GPUs, or take a release that serves them",
            )
        )
    return findings


def _needs_glibc(facts: Facts) -> bool:
    return not facts["tables"].wheels.glibc_dists.isdisjoint(facts["env"].packages)


@rule("WHEEL106", when=_needs_glibc)
def extension_glibc(env: Environment, tables: Tables) -> list[Finding]:
    """The glibc of the system has what compiled wheels need.

    Some wheels are named linux_x86_64 or manylinux of an older glibc than their symbols need; they install
    and fail at import with "GLIBC_2.32 not found".

    Source: the threads in knowledge/wheels.toml.
    Example: pyg-lib 0.5.0+pt28cu128 on Ubuntu 20.04 (glibc 2.31).
    Fix: a newer base system, or a release of the wheel that was built on an older one.
    """
    have, minor = env.glibc, env.torch.minor
    findings: list[Finding] = []
    for name in sorted(tables.wheels.glibc_dists.intersection(env.packages)):
        package = env.packages[name]
        version = package.exact
        row = tables.wheels.glibc(name, version, minor) if version else None
        if row is None or have is None or not package.is_wheel:
            continue
        glibc, why = have
        if glibc >= row.glibc:
            findings.append(
                passed(f"{name} {version} needs glibc {row.glibc}; {why} has {glibc}.", cite(row, ""))
            )
        else:
            findings.append(
                failed_by(
                    f"{name} {version} needs glibc {row.glibc}, and {why} has {glibc}.",
                    (row, f"{name} {row.versions} needs glibc {row.glibc}"),
                    expected=f"glibc {row.glibc} or newer",
                    found=f"glibc {glibc}",
                    hint=row.note or "take a newer base system, or an older release of the wheel",
                )
            )
    return findings
