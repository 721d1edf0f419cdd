"""Pins, and requirements that METADATA declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcheck.environment.images import kept_image
from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import LATEST, parse_version, ranges_meet, spelled
from stackcheck.rules.grading import cite, failed_by, shown_by_resolver
from stackcheck.rules.questions import accepts
from stackcheck.rules.registry import Finding, passed, rule, skipped, states, told_of, uses, warned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.specifiers import SpecifierSet

    from stackcheck.environment import Distribution, Environment
    from stackcheck.intake.stack import Package, Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.packages import Needs

    Clash: TypeAlias = tuple[Version, Needs, tuple[str, SpecifierSet, str]]


@rule("NEEDS101", when=told_of(lambda tables: tables.packages.declared_dists), about="package")
def declared_requirements(env: Environment, tables: Tables) -> list[Finding]:
    """The pins satisfy what the packages' METADATA requires.

    xformers, vllm, torch-tensorrt, torchdata and torch itself require one exact release of each other. A
    resolver refuses the pair; installed one after the other, the second replaces the torch of the first.
    Local parts (+cu124) are left aside. A range fails only when no known version in it fits.

    Source: Requires-Dist of the wheels on PyPI (knowledge/told/).
    Example: xformers 0.0.26.post1 requires torch==2.3.0; the stack pins torch 2.3.1.
    Fix: take the release of the package that was made for the pinned torch, or the torch that it names.
    """
    findings: list[Finding] = []
    for name in sorted(tables.packages.declared_dists & env.packages.keys()):
        package = env.packages[name]
        if package.version != LATEST and _of_pypi(name, package):
            findings += _judge_declared(name, package, env, tables)
    return findings


def _judge_declared(name: str, package: Distribution, env: Environment, tables: Tables) -> Iterator[Finding]:
    exact = package.exact
    if exact is None:
        rows = tables.packages.declared(name, package.specifier)
    else:
        row = tables.packages.declared_by(name, exact)
        rows = ((parse_version(exact.public), row),) if row else ()
    if not rows:
        if package.exact is not None and not _made_elsewhere(package):
            yield skipped(
                f"no data on what {name} {package.version} requires", hint=f"run `stackcheck learn {name}`"
            )
        return
    clashes = [(version, row, clash) for version, row in rows if (clash := _clash(row, env))]
    if len(clashes) == len(rows):
        version, row, last = clashes[-1]
        # Of a pin each requirement that is broken is one thing to repair.
        for clash in _clashes(row, env) if exact is not None else [last]:
            bad, other = _clashing(name, package, (version, row, clash), tables), canonicalize_name(clash[0])
            told = shown_by_resolver(bad, env, name, other)
            yield told._replace(subject=name, question=accepts(other) if told is bad else "")
    elif any(_compared(row, env) for _, row in rows):
        _, row = rows[-1]
        subject = f"{name} {package.version}" if package.exact else f"A known {name} in {package.version}"
        yield passed(f"{subject} accepts what the stack pins.", cite(row, ""))


def _of_pypi(name: str, package: Distribution) -> bool:
    """Tell whether METADATA on PyPI speaks of it: torch's ROCm and CPU builds require other things."""
    version = package.exact
    local = (version.local if version else None) or ""
    return package.origin not in {"source", "conda"} and not (name == "torch" and local[:3] in {"roc", "cpu"})


def _made_elsewhere(package: Distribution) -> bool:
    version = package.exact
    return bool(version and (version.is_devrelease or version.local))


def _clash(row: Needs, env: Environment) -> tuple[str, SpecifierSet, str] | None:
    """Return the first requirement that the pins break."""
    return next(_clashes(row, env), None)


def _clashes(row: Needs, env: Environment) -> Iterator[tuple[str, SpecifierSet, str]]:
    """Yield (other, wanted, what is pinned) for each requirement that the pins break."""
    for other, wanted in row.asked(env.python, env.platform):
        package = env.packages.get(canonicalize_name(other))
        version = package.exact if package else None
        if other == "torch" and version is None:
            version = env.torch.version
        if version is not None and not wanted.contains(version.public, prereleases=True):
            yield other, wanted, version.public
        if version is None and package and not ranges_meet(package.specifier, wanted):
            yield other, wanted, spelled(package.specifier)


def _compared(row: Needs, env: Environment) -> bool:
    """Tell whether the stack fixes what a row requires: an open range accepts, and proves nothing."""
    return any(
        env.version(other) or (other == "torch" and env.torch.version)
        for other, _ in row.asked(env.python, env.platform)
    )


def _clashing(name: str, package: Distribution, last: Clash, tables: Tables) -> Finding:
    version, row, (other, wanted, pinned) = last
    exact = package.exact is not None
    subject = f"{name} {version}" if exact else f"Every known {name} that {package.version} admits"
    newest = "" if exact else f" (the newest, {version}, requires {other}{spelled(wanted)})"
    return failed_by(
        f"{subject} requires another {other}{newest or f': {other}{spelled(wanted)}'}; the stack has "
        f"{other} {pinned}.",
        (row, f"{name} {version}: Requires-Dist: {other}{spelled(wanted)}"),
        expected=f"{other}{spelled(wanted)}",
        found=f"{other} {pinned}",
        hint=_fitting(name, other, pinned, tables) or f"take {other}{spelled(wanted)}, or another {name}",
    )


def _fitting(name: str, other: str, pinned: str, tables: Tables) -> str:
    fits = tables.packages.newest_accepting(name, other, pinned)
    return f"take {name} {fits}, which accepts {other} {pinned}" if fits else ""


_NO_PIN_SINCE = Version("2.11")
"""torchaudio's METADATA names no torch from 2.11.0 on (knowledge/told/torch.toml, its companion rows)."""


@rule("PIN101", when=states("packages"), about="package")
def pinned(stack: Stack) -> Finding:
    """Every package is pinned to one version.

    A range or `latest` is another set of files next month: what was checked is then not what is installed.
    What a marker leaves out on the platform of the stack, linux/amd64 where it states none, does not count.

    Source: https://packaging.python.org/en/latest/specifications/version-specifiers/
    Example: `torch-geometric = "latest"`.
    Fix: pin the version; `stackcheck lock` prints the one that is chosen today. What conda installs is pinned
    in its environment.yml.
    """
    loose = [f"{name} ({package.version})" for name, package in stack.packages.items() if not package.pinned]
    if not loose:
        return passed(
            "The package is pinned."
            if len(stack.packages) == 1
            else f"All {len(stack.packages)} packages are pinned."
        )
    of = f"{len(stack.packages)} package{'s' if len(stack.packages) > 1 else ''}"
    are = "is" if len(loose) == 1 else "are"
    return warned(
        f"{len(loose)} of {of} {are} not pinned: {', '.join(loose)}.",
        expected="an exact version for each",
        found=", ".join(loose),
        hint=_how_to_pin(each for each in stack.packages.values() if not each.pinned),
        about=(name for name, package in stack.packages.items() if not package.pinned),
    )


def _how_to_pin(loose: Iterable[Package]) -> str:
    """Say where the versions to pin can be read: a lock has pip's packages, an environment has conda's."""
    conda = {each.origin == "conda" for each in loose}
    ours = "pin them; `stackcheck lock` prints the versions that are chosen today"
    theirs = (
        "pin those of conda as name=version; `conda env export --no-builds`, in an environment that works, "
        "prints its versions"
    )
    return "; ".join([ours] * (False in conda) + [theirs] * (True in conda))


_OFFICIAL = Evidence(
    "the images install torch, torchvision and torchaudio together",
    "https://github.com/pytorch/pytorch/blob/01343dcd3e6c849a177125b5f500ffd222305ec8/Dockerfile",
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
    taken = env.packages["torchaudio"].exact
    if taken is not None and taken < _NO_PIN_SINCE:
        return None  # something else holds it back: what was taken is TORCH102's to judge
    release = Version(f"{claim.version.major}.{claim.version.minor}")
    if release >= _NO_PIN_SINCE:
        return passed(
            f"The newest torchaudio uses the stable ABI, which torch {claim.version.public} has.",
            cite(newest, ""),
        )
    image = kept_image(env.stack, tables)
    if image is not None and not image.nvidia and image.torch == Version(claim.version.public):
        return passed(f"{image.name} brings torchaudio beside its torch, and pip keeps it.", _OFFICIAL)
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
