"""Rules about pins: what is not pinned, and what unpinned means for torchaudio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.definition import LATEST
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, rule, uses, warned

if TYPE_CHECKING:
    from stackcheck.definition import Stack
    from stackcheck.environment import Environment
    from stackcheck.model.facts import Facts
    from stackcheck.tables import Tables

_NO_PIN_SINCE = Version("2.11")
"""torchaudio's METADATA names no torch from 2.11.0 on (tables/torch.toml, its companion rows)."""


def _has_packages(facts: Facts) -> bool:
    return bool(facts["stack"].packages)


@rule("PIN101", when=_has_packages)
def pinned(stack: Stack) -> Finding:
    """Every package is pinned to one version.

    A range or `latest` is another set of files next month: what was checked is then not what is installed.

    Source: https://packaging.python.org/en/latest/specifications/version-specifiers/
    Example: `torch-geometric = "latest"`.
    Fix: pin the version; `stackcheck lock` prints the one that is chosen today.
    """
    loose = [f"{name} ({package.version})" for name, package in stack.packages.items() if not package.pinned]
    if not loose:
        return passed(f"All {len(stack.packages)} packages are pinned.")
    return warned(
        f"{len(loose)} of {len(stack.packages)} packages are not pinned: {', '.join(loose)}.",
        expected="an exact version for each",
        found=", ".join(loose),
        hint="pin them; `stackcheck lock` prints the versions that are chosen today",
    )


@rule("PIN102", when=uses("torchaudio"))
def unpinned_torchaudio(env: Environment, tables: Tables) -> Finding | None:
    """An unpinned torchaudio does not follow an older torch.

    torchaudio 2.11.0 and later name no torch in METADATA, so a resolver puts the newest beside any torch. It
    is a build for the CUDA version of its own release and needs the stable ABI of torch 2.11.

    Source: METADATA of torchaudio 2.11.0; https://github.com/boson-ai/higgs-audio/issues/177
    Example: `torchaudio = "latest"` in an image with torch 2.7: libcudart.so.13 is not found.
    Fix: pin the torchaudio of the torch release, such as 2.5.0 for torch 2.5.0.
    """
    package = env.packages["torchaudio"].package
    newest = tables.packages.newest.get("torchaudio")
    claim = env.torch
    open_ended = package.version == LATEST or (
        package.exact is None and newest is not None and newest.version in package.specifier
    )
    if newest is None or claim.version is None or not open_ended or not env.only_pypi("torchaudio"):
        return None
    release = Version(f"{claim.version.major}.{claim.version.minor}")
    if release >= _NO_PIN_SINCE:
        return passed(
            f"The newest torchaudio uses the stable ABI, which torch {claim.version.public} has.",
            cite(newest, ""),
        )
    cuda = _pypi_cuda(tables, newest.version)
    return failed_by(
        f"torchaudio is not pinned, and the newest on PyPI, {newest.version}, is made for torch "
        f"{_NO_PIN_SINCE} and "
        f"later{cuda}; the stack has {claim.title}.",
        (newest, f"the newest torchaudio is {newest.version}, and its METADATA names no torch"),
        expected=f"the torchaudio of torch {claim.version.public}",
        found=f"torchaudio {package.version}",
        hint=f"pin torchaudio to the release for torch {claim.minor}",
    )


def _pypi_cuda(tables: Tables, version: Version) -> str:
    row = tables.torch.release(version)
    flavor = row.pypi.get("linux/amd64") if row else None
    return f" (its wheel there is built for CUDA {flavor})" if flavor else ""
