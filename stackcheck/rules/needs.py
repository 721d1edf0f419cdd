"""Rules about what packages need of each other: declared in METADATA, asserted at import, pinned by torch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from packaging.utils import canonicalize_name

from stackcheck.definition import LATEST
from stackcheck.model.versions import parse_specifier, parse_version, ranges_meet, spelled
from stackcheck.rules.grading import cite, failed_by, shown_by_resolver
from stackcheck.rules.officialwheels import official_wheels
from stackcheck.rules.registry import Finding, passed, rule, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    from stackcheck.environment import Distribution, Environment
    from stackcheck.model.facts import Facts
    from stackcheck.tables import Tables
    from stackcheck.tables.packages import Needs, Newest, Pins

    Clash: TypeAlias = tuple[Version, Needs, tuple[str, SpecifierSet, str]]

_ANY = parse_specifier("")
MMCV = ("mmcv", "mmcv-full", "mmcv-lite")
"""mmcv by the names that it was published under; all of them are imported as `mmcv`."""


def _declares(facts: Facts) -> bool:
    return not facts["tables"].packages.declared_dists.isdisjoint(facts["env"].packages)


@rule("NEEDS101", when=_declares)
def declared_requirements(env: Environment, tables: Tables) -> list[Finding]:
    """The pins satisfy what the packages' METADATA requires.

    xformers, vllm, torch-tensorrt, torchdata and torch itself require one exact release of each other. A
    resolver refuses the pair; installed one after the other, the second replaces the torch of the first.
    Local parts (+cu124) are left aside. A range fails only when no known version in it fits.

    Source: Requires-Dist of the wheels on PyPI (tables/packages.toml).
    Example: xformers 0.0.26.post1 requires torch==2.3.0; the stack pins torch 2.3.1.
    Fix: take the release of the package that was made for the pinned torch, or the torch that it names.
    """
    findings: list[Finding] = []
    for name in sorted(tables.packages.declared_dists.intersection(env.packages)):
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
            yield skipped(f"no data on what {name} {package.version} requires")
        return
    clashes = [(version, row, clash) for version, row in rows if (clash := _clash(row, env))]
    if len(clashes) == len(rows):
        (other, _, _) = clashes[-1][2]
        bad = replace(_clashing(name, package, clashes[-1], tables), subject=name)
        yield shown_by_resolver(bad, env, name, canonicalize_name(other))
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
    """Return (other, wanted, what is pinned) for the first requirement that the pins break."""
    for other, wanted in row.needs.items():
        package = env.packages.get(canonicalize_name(other))
        version = package.exact if package else None
        if other == "torch" and version is None:
            version = env.torch.version
        if version is not None and not wanted.contains(version.public, prereleases=True):
            return other, wanted, version.public
        if version is None and package and not ranges_meet(package.specifier, wanted):
            return other, wanted, spelled(package.specifier)
    return None


def _compared(row: Needs, env: Environment) -> bool:
    """Tell whether the stack fixes what a row requires: an open range accepts, and proves nothing."""
    return any(env.version(other) or (other == "torch" and env.torch.version) for other in row.needs)


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
    fits = [
        version
        for version, row in tables.packages.declared(name, _ANY)
        if other in row.needs and _admits(row.needs[other], pinned)
    ]
    return f"take {name} {max(fits)}, which accepts {other} {pinned}" if fits else ""


def _admits(wanted: SpecifierSet, pinned: str) -> bool:
    """Tell whether what is wanted meets a pin, or a range as it is spelled."""
    if pinned[:1].isdigit():
        return wanted.contains(pinned, prereleases=True)
    return ranges_meet(wanted, parse_specifier(pinned))


def _asserts(facts: Facts) -> bool:
    return not facts["tables"].packages.asserting_dists.isdisjoint(facts["env"].packages)


@rule("OPENMMLAB101", when=_asserts)
def asserted_ranges(env: Environment, tables: Tables) -> list[Finding]:
    """mmcv, mmengine, mmdet and mmseg are inside the ranges that OpenMMLab packages assert when imported.

    The ranges stand in `__init__.py` and not in METADATA: pip and uv install what then fails at the import
    with "MMCV==... is used but incompatible".

    Source: the assert statements of every listed version on PyPI (tables/packages.toml).
    Example: mmdet 3.3.0 asserts mmcv>=2.0.0rc4,<2.2.0; the stack pins mmcv 2.2.0.
    Fix: take an mmcv inside the range, or the mmdet that was made for it.
    """
    findings: list[Finding] = []
    for name in sorted(tables.packages.asserting_dists.intersection(env.packages)):
        version = env.packages[name].exact
        if version is None:
            continue
        row = tables.packages.asserted(name, version)
        if row is None:
            findings.append(skipped(f"no data on what {name} {version} asserts when it is imported"))
            continue
        findings += _judge_asserted(name, version, row, env)
    return findings


def _judge_asserted(name: str, version: Version, row: Needs, env: Environment) -> Iterator[Finding]:
    for other, accepted in row.needs.items():
        wanted = f"{other}{spelled(accepted)}"
        for dist in MMCV if other == "mmcv" else (other,):
            pinned = env.version(dist)
            if pinned is None:
                continue
            found = f"{dist} {pinned}"
            if accepted.contains(pinned.public, prereleases=True):
                yield passed(f"{found} is inside {wanted}, as {name} {version} asserts.", cite(row, ""))
                continue
            yield failed_by(
                f"Importing {name} {version} fails: it asserts {wanted}; the stack has {found}.",
                (row, f"{name} {version} asserts {wanted}"),
                expected=wanted,
                found=found,
                hint=f"take a {dist} in that range, or a {name} whose range holds {pinned}",
            )


def _pins_libraries(facts: Facts) -> bool:
    return any(name.startswith(("nvidia-", "cuda-toolkit")) for name in facts["env"].packages)


@rule("NVPIN101", when=_pins_libraries)
@official_wheels()
def torch_pins(env: Environment, tables: Tables) -> list[Finding]:
    """The nvidia-* wheels are the ones that torch's wheel pins.

    torch's METADATA names its CUDA libraries with `==`. Another version is refused by a resolver; installed
    afterwards, it replaces the library that torch was built and tested with. A newer one of the same major
    may be meant: for torch 2.9.1 the release notes advise cuDNN 9.15 or later. An older one, or another
    major, lacks what torch was built against. `latest` is the newest of the day, which is not the pinned one.

    Source: Requires-Dist of torch's wheels on PyPI (tables/packages.toml); pytorch/pytorch issue 169175.
    Example: torch 2.5.0 pins nvidia-cudnn-cu12==9.1.0.70; `latest` is 9.27.0.42.
    Fix: state the pinned versions, or leave these packages out: torch brings them.
    """
    claim = env.torch
    row = tables.packages.torch_pins(claim.version) if claim.version and claim.official else None
    if row is None:
        return [skipped(f"no data on the CUDA libraries that {claim.title} pins")] if claim.version else []
    if claim.cuda is None or (claim.cuda.major, claim.cuda.minor) != (row.cuda.major, row.cuda.minor):
        return [
            skipped(f"no data on the pins of {claim.title}: the wheel on PyPI is built for CUDA {row.cuda}")
        ]
    named = sorted(set(row.pins).intersection(env.packages))
    newest = tables.packages.newest
    found = (_held_to_pin(name, env.packages[name], row, claim.title, newest.get(name)) for name in named)
    return [finding for finding in found if finding is not None]


def _held_to_pin(
    name: str, package: Distribution, row: Pins, title: str, newest: Newest | None
) -> Finding | None:
    """Hold one library against the version that torch pins; None for the newest, where that is the pin."""
    pin = row.pins[name]
    said = (row, f"torch {row.torch}: Requires-Dist: {name}=={pin}")
    expected, found = f"{name}=={pin}", f"{name} {package.version}"
    instead = f'write {name} = "{pin}", or leave it out: torch brings it'
    if package.version == LATEST and newest is not None:
        if newest.version == pin:
            return None
        return failed_by(
            f"{name} is not pinned: the newest is {newest.version}, and {title} pins {name}=={pin}.",
            said,
            (newest, f"the newest {name} is {newest.version}"),
            expected=expected,
            found=f"latest ({newest.version} on {newest.checked})",
            hint=instead,
        )
    if _is_newer(package, pin):
        return warned(
            f"{name} {package.version} is newer than the {pin} that {title} pins, of the same "
            "major version: it works where it is meant, and a resolver refuses it.",
            cite(*said),
            expected=expected,
            found=found,
            hint=f"if it is meant, override the pin (uv: override-dependencies; pip: install it "
            f'last, with --no-deps); else write {name} = "{pin}"',
        )
    if not package.specifier.contains(pin, prereleases=True):
        text = f"{found} is not the {pin} that {title} pins."
        return failed_by(text, said, expected=expected, found=found, hint=instead)
    return passed(f"{found} is what {title} pins.", cite(*said))


def _is_newer(package: Distribution, pin: Version) -> bool:
    """Tell whether a pin, or the lower bound of a range, is above torch's pin and of its major version."""
    least = package.exact
    bounds = [each.version for each in package.specifier if each.operator in {">=", ">", "~="}]
    if least is None and bounds:
        least = max(parse_version(bound) for bound in bounds)
    return least is not None and least > pin and least.major == pin.major
