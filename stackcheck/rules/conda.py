"""Rules about conda packages in a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.definition import LATEST
from stackcheck.rules.registry import Finding, failed, passed, rule, uses, warned
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.model.facts import Facts
    from stackcheck.tables import Tables

_MKL = Evidence(
    "mkl 2024.1 removed iJIT_NotifyEvent, which libtorch_cpu.so of conda's torch 2.4 and older imports",
    "https://github.com/pytorch/pytorch/issues/123097 (checked 2026-11-20)",
)
_LAST_MKL = Version("2024.0")
_LAST_TORCH = Version("2.4")


@rule("CONDA101", when=uses("mkl"))
def mkl_of_conda_torch(env: Environment, tables: Tables) -> Finding | None:
    """The mkl package is one that conda's torch can load with.

    The conda packages of torch up to 2.4 link against MKL and need mkl 2024.0 or older: with 2024.1 the
    import
    ends in `undefined symbol: iJIT_NotifyEvent`. pip's wheels bring their own MKL.

    Source: https://github.com/pytorch/pytorch/issues/123097
    Example: pytorch 2.0.1 from the channel pytorch with mkl 2024.1.
    Fix: pin mkl 2024.0.
    """
    torch, mkl = env.packages.get("torch"), env.packages["mkl"]
    claim = env.torch
    if torch is None or torch.origin != "conda" or not _older_torch(env, tables):
        return None
    version = mkl.exact
    good = version is not None and (version.major, version.minor) <= (_LAST_MKL.major, _LAST_MKL.minor)
    if good:
        return passed(f"mkl {version} still has what conda's torch {torch.version} imports.", _MKL)
    if version is None and mkl.version != LATEST and _LAST_MKL in mkl.specifier:
        return warned(
            f"mkl {mkl.version} admits 2024.1 and later, with which conda's torch {torch.version} cannot "
            "be imported.",
            _MKL,
            expected=f"mkl<={_LAST_MKL}",
            found=f"mkl {mkl.version}",
            hint=f"pin mkl {_LAST_MKL}",
        )
    return failed(
        f"conda's torch {claim.version or torch.version} cannot be imported with mkl {mkl.version}: "
        "undefined symbol: iJIT_NotifyEvent.",
        _MKL,
        expected=f"mkl<={_LAST_MKL}",
        found=f"mkl {mkl.version}",
        hint=f"pin mkl {_LAST_MKL}",
    )


def _older_torch(env: Environment, tables: Tables) -> bool:
    version = env.torch.version
    if version is not None:
        return (version.major, version.minor) <= (_LAST_TORCH.major, _LAST_TORCH.minor)
    specifier = env.packages["torch"].specifier
    newer = [row.torch for row in tables.torch.releases if (row.torch.major, row.torch.minor) > (2, 4)]
    return env.packages["torch"].version != LATEST and not any(each in specifier for each in newer)


def _mixed(facts: Facts) -> bool:
    return any(package.origin == "conda" for package in facts["stack"].packages.values())


@rule("CONDA102", when=_mixed)
def one_installer(env: Environment) -> Finding | None:
    """All of torch and its companions come from one installer.

    conda and pip do not see each other's files: the second overwrites the first, or both stay and the path
    decides which is imported.

    Source: https://github.com/pytorch/pytorch/issues/138991
    Example: torch from conda, torchvision from pip.
    Fix: take all of them from one of the two.
    """
    trio = {
        name: env.packages[name] for name in ("torch", "torchvision", "torchaudio") if name in env.packages
    }
    by_pip = [name for name, package in trio.items() if package.origin != "conda"]
    source = Evidence(
        "conda-meta and dist-info for the same package", "https://github.com/pytorch/pytorch/issues/138991"
    )
    if len(trio) < 2:
        return None
    if not by_pip or len(by_pip) == len(trio):
        return passed("torch and its companions come from one installer.", source)
    return warned(
        f"{', '.join(by_pip)} would be installed by pip beside {', '.join(set(trio) - set(by_pip))} of "
        "conda.",
        source,
        expected="one installer for all of them",
        found=f"pip: {', '.join(by_pip)}",
        hint="take them all from conda, or all from pip",
    )
