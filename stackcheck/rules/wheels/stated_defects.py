"""Rules about single compiled packages: what is known of their wheels and not said in METADATA."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.knowledge.told import about
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, rule, told_of
from stackcheck.rules.wheels.stated_measured import measured_glibc

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts

_KNOWS_BLACKWELL = Version("12.8")
"""The first toolkit that makes code for compute capability 10.0 and 12.0 (knowledge/told/toolkits.toml)."""


@rule("WHEEL105", when=told_of(lambda tables: tables.wheels.defective), about="package")
def defective_wheels(env: Environment, tables: Tables) -> list[Finding]:
    """None of the wheels is known to contradict its own name or folder.

    Source: the threads in knowledge/told/.
    Example: mmcv-full 1.3.10 of the folder cu111/torch1.9.0 is linked against CUDA 10.2.
    Fix: take the neighbouring release.
    """
    findings: list[Finding] = []
    for row in about(tables.wheels.defective, env.packages):
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
                    about=row.dist,
                )
            )
    return findings


def _has_kernels(facts: Facts) -> bool:
    env = facts["env"]
    return bool(env.stack.gpus) and not facts["tables"].wheels.kernels.keys().isdisjoint(env.packages)


@rule("WHEEL108", when=_has_kernels, about="GPU")
def kernels_for_gpus(env: Environment, tables: Tables) -> list[Finding]:
    """Extensions have kernels for the GPUs.

    torch running on a GPU says nothing about an extension: each has its own list of architectures.

    Source: the projects' README and build scripts (knowledge/told/).
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
                about=(f"{name} on {gpu.name}" for gpu in unserved),
            )
        )
    return findings


def _needs_glibc(facts: Facts) -> bool:
    tables = facts["tables"]
    names = facts["env"].packages
    return not (tables.wheels.glibc_dists.isdisjoint(names) and tables.measured.names.isdisjoint(names))


@rule("WHEEL106", when=_needs_glibc, about="package")
def extension_glibc(env: Environment, tables: Tables) -> list[Finding]:
    """The glibc of the system has what compiled wheels need.

    Some wheels are named linux_x86_64 or manylinux of an older glibc than their symbols need; they install
    and fail at import with "GLIBC_2.32 not found".

    Source: the symbols and tags of wheels (knowledge/measured/); the threads in knowledge/told/.
    Example: pyg-lib 0.5.0+pt28cu128 on Ubuntu 20.04 (glibc 2.31).
    Fix: a newer base system, or a release of the wheel that was built on an older one.
    """
    have, minor = env.glibc, env.torch.minor
    findings = list(measured_glibc(env, tables, have)) if have else []
    for name in sorted(tables.wheels.glibc_dists & env.packages.keys()):
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
                    about=name,
                )
            )
    return findings
