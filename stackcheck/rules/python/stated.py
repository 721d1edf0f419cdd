"""Wheels for the stated Python, and conda beside pip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.knowledge.torch import Release
from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.model.versions import LATEST
from stackcheck.rules.grading import cite, failed_by, wheel_was_found
from stackcheck.rules.official_wheels import listed_release, not_pinned, official_wheels
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses, warned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import Companion
    from stackcheck.model.facts import Facts

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


@rule("CONDA102", when=_mixed, about="package")
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
        about=by_pip,
    )


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
    if env.torch.origin == "conda":
        return _of_conda(env, tables)
    if not env.torch.is_wheel or env.stack.python is None:
        return None
    if env.torch.version is None:
        return not_pinned(f"whether torch has a wheel for Python {env.stack.python} was not checked")
    release = listed_release(env.torch.version, tables)
    if isinstance(release, Finding):
        return release
    found = _python_fits(env, tables, "torch", release)
    if found.outcome in {Outcome.FAIL, Outcome.WARN}:
        found = found._replace(hint=_python_hint(env, release, tables))
    return wheel_was_found(found, env, "torch")


@rule("PYTHON102", when=uses("torchvision", "torchaudio"), about="package")
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
        fits = _python_fits(env, tables, name, row)
        findings.append(wheel_was_found(fits, env, name)._replace(subject=name))
    return findings or None


def _python_fits(env: Environment, tables: Tables, name: str, row: Release | Companion) -> Finding:
    version = row.torch if isinstance(row, Release) else row.version
    title, measured = f"{name} {version}", tables.measured.row(name, version)
    python, there = env.python, _pythons(row.python, env.stack.platform)
    where = f" for {env.stack.platform}" if env.stack.platform else ""
    if not there:
        return skipped(f"{title} has no wheel{where} at all, so Python was not compared")
    listed = ", ".join(there)
    says = f"{title} has wheels{where} for Python {listed}"
    tags = bool(measured and python and measured.serves(python, env.stack.platform))
    if tags or python in there or "3" in there:
        return passed(f"{says}.", cite(measured or row, says), expected=listed, found=f"Python {python}")
    text, hint = f"{says}, not for {python}.", f"take a Python that torch and {name} both have: {listed}"
    return failed_by(text, (measured or row, says), expected=listed, found=f"Python {python}", hint=hint)


def _pythons(by_platform: Mapping[str, tuple[str, ...]], platform: str | None) -> tuple[str, ...]:
    """Return the Pythons on one platform, or on any when none is stated."""
    if platform is not None:
        return by_platform.get(platform, ())
    every = {python for pythons in by_platform.values() for python in pythons}
    return tuple(sorted(every, key=lambda text: (int(text[2:].rstrip("t+") or 0), text)))


def _of_conda(env: Environment, tables: Tables) -> Finding | None:
    """Judge conda's torch by the Pythons of its wheels: channels build a release for them, or one more."""
    release = tables.torch.release(env.torch.version) if env.torch.version and env.stack.python else None
    newest = max((_minor(each) for each in _pythons(release.python, None)), default=0) if release else 0
    if release is None or not newest or _minor(env.stack.python or "") - newest <= 1:
        return None
    says = f"the wheels of torch {release.torch} end with Python 3.{newest}"
    return warned(
        f"conda's torch {release.torch} for Python {env.stack.python}: {says}, and no channel is known to "
        "build it for one so much newer.",
        cite(release, says),
        expected=f"Python 3.{newest} or older",
        found=f"Python {env.stack.python}",
        hint=f"take python=3.{newest}; `conda search --info pytorch={release.torch}` prints the builds",
    )


def _minor(python: str) -> int:
    digits = python.partition(".")[2].partition(".")[0].rstrip("t+")
    return int(digits) if digits.isdigit() else 0


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
