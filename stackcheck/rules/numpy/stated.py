"""NumPy against torch, as stated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import parse_specifier, parse_version
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.official_wheels import torch_release
from stackcheck.rules.questions import EXCHANGES_ARRAYS, accepts
from stackcheck.rules.registry import Finding, passed, rule, skipped, uses, warned
from stackcheck.rules.requirements.partners import BOTH, _Partner, _partner

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

    from stackcheck.environment import Distribution, Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.unstated import NumpyApi
    from stackcheck.model.facts import Facts

_BEFORE_NUMPY2 = "2024-03-10"
"""The day of NumPy 2.0.0b1: whatever was uploaded before was compiled with NumPy 1
(https://pypi.org/project/numpy/#history, checked 2026-11-30)."""


_BELOW2 = parse_specifier("<2")


_JUDGED_BY_NUMPY101 = frozenset({"torch", "numpy", "torchvision", "torchaudio"})


def _has_numpy(facts: Facts) -> bool:
    return "numpy" in facts["env"].packages


@rule("NUMPY102", when=_has_numpy, levels=BOTH, about="package")
def wheels_fit_numpy(env: Environment, tables: Tables) -> list[Finding]:
    """Compiled wheels were made for the NumPy of the stack, where their METADATA admits every NumPy.

    NumPy 2 has another C API than NumPy 1. A wheel that was compiled with NumPy 1 fails beside NumPy 2 when
    it is imported (`numpy.dtype size changed`, `_ARRAY_API not found`); one that was compiled with NumPy 2
    works with both. What was uploaded before the first beta of NumPy 2 was compiled with NumPy 1.

    Source: the modules in the wheels (knowledge/told/); the NumPy 2.0 migration guide, https://numpy.org/doc.
    Example: onnxruntime 1.17.1 with numpy 2.1.2.
    Fix: numpy<2, or a release that was compiled with NumPy 2.
    """
    numpy = _partner(env, "numpy")
    if numpy is None or numpy.fits(_BELOW2):
        return []
    found: list[Finding] = []
    for name, package in sorted(env.packages.items()):
        exact = package.exact
        if exact is None or not package.is_wheel or name in _JUDGED_BY_NUMPY101:
            continue
        row = tables.unstated.numpy_api(name, exact)
        if row is not None:
            finding: Finding | None = _compiled_with_1(package, row, numpy)
        elif name in tables.unstated.numpy_apis:
            says = f"{name} {exact} is not one of the releases that were compiled with NumPy 1"
            finding = passed(
                f"{says}; the stack has {numpy.shown}.", cite(tables.unstated.numpy_apis[name][0], says)
            )
        else:
            finding = _older_than_numpy2(package, numpy)
        if finding is not None:
            found.append(finding._replace(level=max(package.level, numpy.level), subject=name))
    return found


def _compiled_with_1(package: Distribution, row: NumpyApi, numpy: _Partner) -> Finding:
    what = f"{package.name} {package.exact}"
    says = f"{what} was compiled with NumPy {row.api}"
    bound = max(each.version for each in row.versions if each.operator in {"<", "<="})
    return failed_by(
        f"{says}, which its METADATA do not say; with {numpy.shown} its import fails.",
        (row, says),
        expected="numpy < 2",
        found=numpy.shown,
        hint=f"take {package.name} {bound} or later, or numpy below 2",
    )._replace(question=accepts("numpy"))


def _older_than_numpy2(package: Distribution, numpy: _Partner) -> Finding | None:
    """Judge a wheel that no row knows by the day of its upload: only a doubt, it may not use the C API."""
    locked = package.locked
    if locked is None or not locked.is_wheel or "numpy" not in locked.requires or not locked.uploaded:
        return None
    if locked.filename.endswith("-none-any.whl") or locked.uploaded[:10] >= _BEFORE_NUMPY2:
        return None
    day = locked.uploaded[:10]
    return warned(
        f"{package.name} {package.exact} is a compiled wheel of {day}, before NumPy 2 existed, and its "
        f"METADATA admit {numpy.shown}: if it uses NumPy's C API its import fails.",
        Evidence(f"{locked.filename}: uploaded {day}", locked.index),
        expected="numpy < 2, or a later release",
        found=numpy.shown,
        hint=f'state numpy = "<2", or take a later {package.name}',
    )


_NUMPY2 = Version("2")


_NUMPY2_PYTHON = Version("3.9")
"""The first Python that NumPy 2 has wheels for (Requires-Python of numpy 2.0.0, pypi.org/project/numpy,
checked 2026-11-30)."""


_NUMPY1 = tuple(Version(f"1.{minor}.{patch}") for minor in range(13, 27) for patch in range(10))
"""Versions before 2 that a range is tried with: the last line is 1.26."""


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
    later = [row for row in tables.torch.releases if row.torch > release.torch and platform in row.python]
    able = next((row.torch for row in later if row.numpy_on(platform) == 2), None)
    other = f", or take torch {able} or later instead of {release.torch}" if able else ""
    stated = '"numpy<2" among the conda packages' if package.origin == "conda" else 'numpy = "<2"'
    hint = f"state {stated} (1.26.4 is the last){other}"
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
