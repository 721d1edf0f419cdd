"""Rules about what is installed: against the stack, the lock, and each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import LATEST
from stackcheck.rules.installed.coupled_packages import coupled
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, states, warned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.intake.stack import Package, Stack
    from stackcheck.model.facts import Facts, TargetPython
    from stackcheck.model.resolution import Resolution
    from stackcheck_probes.facts.python import Distribution, Distributions

_SHOWN = 5


def first_of_each(distributions: Distributions) -> dict[str, Distribution]:
    """Return the distribution that counts for each name: the first on sys.path."""
    counting: dict[str, Distribution] = {}
    for row in distributions["distributions"]:
        counting.setdefault(row["name"], row)
    return counting


@rule("DIST301", when=states("packages"), about="package")
def stated_packages_are_installed(
    stack: Stack, distributions: Distributions, python: TargetPython
) -> list[Finding]:
    """Every package of the stack is installed in the version that the stack states.

    A later `pip install` replaces torch without a word, a base image brings its own, a wheel of another CUDA
    build has the same public version. What is installed is what counts.

    Source: the METADATA of each installed distribution; for torch the local version in torch/version.py,
    because the default index's wheels leave it out of METADATA (torch 2.5.0, checked 2026-11-20).
    Example: the stack states torch 2.5.0+cu124, a requirements file brought 2.6.0.
    Fix: install from the stack's lock, last, and with the pins as constraints.
    """
    installed = {name: row["version"] for name, row in first_of_each(distributions).items()}
    if python.torch and installed.get("torch") == python.torch.partition("+")[0]:
        installed["torch"] = python.torch
    for name, version in python.elsewhere.items():
        installed.setdefault(canonicalize_name(name), version)
    findings = [_installed(name, package, installed.get(name)) for name, package in stack.packages.items()]
    wrong = [
        finding._replace(subject=name)
        for name, finding in zip(stack.packages, findings, strict=True)
        if finding is not None
    ]
    right = len(stack.packages) - len(wrong)
    return wrong or [passed(f"all {right} packages of the stack are installed in the versions it states")]


def _installed(name: str, package: Package, found: str | None) -> Finding | None:
    if found is None:
        return failed(
            f"{name} is not installed",
            expected=f"{name} {package.version}",
            found="not installed",
            hint="install from the stack's lock",
        )
    try:
        version = Version(found)
    except InvalidVersion:
        return skipped(f"{name} has the version {found!r}, which is not a version that can be compared")
    if package.version == LATEST or package.specifier.contains(version, prereleases=True):
        return None
    exact = package.exact
    if exact and exact.local and not version.local and exact.public == version.public:
        return warned(
            f"{name} {found} does not say whether it is the build +{exact.local} that the stack states",
            expected=str(exact),
            found=found,
            hint="its metadata has no local version; the probes of its libraries tell the build",
        )
    return failed(
        f"{name} {found} is installed, and the stack states {package.version}",
        expected=f"{name} {package.version}",
        found=f"{name} {found}",
        hint=f"install {name} as the stack states it, after everything else, or correct the stack",
    )


def _comes_from_the_lock(facts: Facts) -> bool:
    """A ready image or the user's own Dockerfile installs what it likes; only the stack's pins bind it."""
    image = facts["stack"].image
    return hasattr(facts.get("resolution"), "by_name") and not (image.ready or image.dockerfile)


@rule("DIST302", when=_comes_from_the_lock, about="package")
def installed_versions_are_the_locked(resolution: Resolution, distributions: Distributions) -> list[Finding]:
    """Everything that the resolution names is installed in exactly that version.

    A step after the installation (a requirements file, an editable install, a base image that puts its own
    packages first) changes what was locked.

    Source: the lock (PEP 751) and the METADATA of what is installed.
    Example: numpy 1.26.4 is locked, 2.1.0 is installed.
    Fix: build again from the lock; pass it as constraints to later steps.
    """
    counting = first_of_each(distributions)
    findings = []
    for name, locked in resolution.by_name.items():
        found = counting[name]["version"] if name in counting else "not installed"
        if _same(found, locked.version):
            continue
        wrong = failed(
            f"{name} {locked.version} is locked, and {found} is what lies there",
            expected=f"{name} {locked.version}",
            found=found,
            hint="build again from the lock, and pass it as constraints to every later installation",
        )
        findings.append(wrong._replace(subject=name))
    return findings or [passed(f"all {len(resolution.by_name)} locked versions are what is installed")]


def _same(found: str, locked: Version) -> bool:
    """Compare versions; a local version counts only when both have one (METADATA may leave it out)."""
    try:
        version = Version(found)
    except InvalidVersion:
        return False
    return version == locked or (version.public == locked.public and not (version.local and locked.local))


@rule("DIST303", about="package")
def requirements_are_met(stack: Stack, distributions: Distributions, python: TargetPython) -> list[Finding]:
    """Every installed distribution has what it requires, in a version that it accepts.

    The same question as `pip check`, asked of the versions that count (the first on sys.path) and with the
    markers of the target. Between packages that share native interfaces, or where the stack states one of
    the two, it is a break; elsewhere a warning.

    Source: Requires-Dist in the METADATA of each distribution (PEP 508).
    Example: torchvision 0.20.0 requires torch==2.5.0, and torch 2.6.0 is installed.
    Fix: install the version that is required, or the release of the one side that fits the other.
    """
    counting = first_of_each(distributions)
    findings, unread = [], []
    for row in counting.values():
        for text in row["requires"]:
            try:
                problem = _problem(text, counting, python)
            except (InvalidRequirement, InvalidVersion, UndefinedComparison, UndefinedEnvironmentName):
                unread.append(f"{row['name']}: {text[:120]}")
                continue
            if problem:
                findings.append(_unmet(stack, row, problem))
    if unread:
        findings.append(skipped(f"{len(unread)} requirements cannot be read: {'; '.join(unread[:_SHOWN])}"))
    if unknown := _incomplete(counting):
        findings.append(skipped(f"what {unknown} requires is not known: its METADATA is not complete."))
    return findings or [passed(f"the requirements of all {len(counting)} installed distributions are met")]


def _incomplete(counting: Mapping[str, Distribution]) -> str:
    """Return the names of distributions whose METADATA says nothing, "" where there are none."""
    return ", ".join([name for name, row in counting.items() if not row["complete"]][:_SHOWN])


def _problem(
    text: str, counting: Mapping[str, Distribution], python: TargetPython
) -> tuple[Requirement, str] | None:
    """Return a requirement that is not met, and what was found in its place."""
    requirement = Requirement(text)
    if requirement.marker and not requirement.marker.evaluate({**python.markers, "extra": ""}):
        return None
    name = canonicalize_name(requirement.name)
    found = counting[name]["version"] if name in counting else python.elsewhere.get(name)
    if found is None:
        return requirement, "not installed"
    if requirement.specifier.contains(Version(found), prereleases=True):
        return None
    return requirement, f"{name} {found}"


def _unmet(stack: Stack, row: Distribution, problem: tuple[Requirement, str]) -> Finding:
    requirement, found = problem
    name = canonicalize_name(requirement.name)
    wanted = f"{name}{requirement.specifier}"
    message = f"{row['name']} {row['version']} requires {wanted}, and {found} is installed".replace(
        "and not installed is installed", "which is not installed"
    )
    evidence = Evidence(f"Requires-Dist: {requirement}", f"{row['location']}/{row['metadata']}")
    hint = f"install {wanted}, or a release of {row['name']} that accepts what is there"
    serious = {name, row["name"]} & set(stack.packages) or coupled(name)
    make = failed if serious else warned
    return make(message, evidence, expected=wanted, found=found, hint=hint, about=row["name"])


@rule("DIST304", about="package")
def python_is_accepted(distributions: Distributions, python: TargetPython) -> list[Finding]:
    """Every installed distribution accepts this Python.

    Packages copied from another environment, or installed with --ignore-requires-python, import until the
    first line of syntax or the first API that is not there.

    Source: Requires-Python in the METADATA of each distribution.
    Example: a distribution with Requires-Python >=3.12 in an environment of Python 3.11.
    Fix: install a release that accepts this Python.
    """
    wrong: dict[str, str] = {}
    counting = first_of_each(distributions)
    for row in counting.values():
        try:
            accepted = SpecifierSet(row.get("requires_python") or "")
        except InvalidSpecifier:
            continue
        if not accepted.contains(python.version, prereleases=True):
            wrong[row["name"]] = f"{row['name']} {row['version']} ({accepted})"
    findings = []
    if wrong:
        findings.append(
            warned(
                f"Python {python.version} is not accepted by {', '.join(list(wrong.values())[:_SHOWN])}",
                expected="distributions that accept this Python",
                found=f"{len(wrong)} that do not",
                hint="install releases that accept this Python",
                about=wrong,
            )
        )
    if unknown := _incomplete(counting):
        findings.append(
            skipped(f"which Python {unknown} accepts is not known: its METADATA is not complete.")
        )
    return findings or [passed(f"every installed distribution accepts Python {python.version}")]
