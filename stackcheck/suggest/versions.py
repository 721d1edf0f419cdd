"""Candidates: other versions and flavours of the packages beside torch, as far as the tables know them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.environment.torchbuild import one_tag
from stackcheck.intake.stack import Package
from stackcheck.knowledge.told import about
from stackcheck.rules.mmcv.stated import MMCV
from stackcheck.suggest.builds import INDEX, retag
from stackcheck.suggest.candidates import Reach, candidates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stackcheck.environment import Environment
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.suggest.change import Edit

COMPANIONS = ("torchvision", "torchaudio")
_TRIED = 40
"""Versions of one package that are tried: those nearest to the stated one."""
_LAST = {"numpy": "1.26.4", "mkl": "2024.0"}
"""The last release before a break that a rule is about: NumPy 2 (pypi.org/project/numpy) and mkl 2024.1
(github.com/pytorch/pytorch/issues/123097), checked 2026-11-20."""
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_FLAVOR = re.compile(r"(?P<family>spconv|cumm)-cu(?P<digits>\d{3})")


@candidates("TORCH", "NEEDS", "PYTHON102", "PIN102", "INDEX101", "INDEX103", reach=Reach.PACKAGE)
def companions(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield the torchvision and torchaudio of the stack's torch: from where they come now, and beside it."""
    stack = env.stack
    claim = env.torch
    if claim.version is None:
        return
    torch = stack.packages.get("torch")
    for name in COMPANIONS:
        package = stack.packages.get(name)
        if package is None:
            continue
        fitting = [
            row.version for row in tables.torch.companions_for(name, Version(claim.version.base_version))
        ]
        for version in nearest(fitting, package.exact):
            local = package.exact.local if package.exact else None
            yield {("packages", name): package.model_copy(update={"version": _with_local(version, local)})}
            if torch is not None and torch.exact is not None:
                beside = {"version": _with_local(version, torch.exact.local), "index": torch.index}
                yield {
                    ("packages", name): package.model_copy(update={**beside, "find_links": torch.find_links})
                }


def _with_local(version: Version, local: str | None) -> str:
    return f"{version.public}+{local}" if local else version.public


@candidates("TORCH103", "INDEX101", "INDEX103", reach=Reach.SPELLING)
def pytorch_places(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield torch and its companions on the index of the tag that they, or torch, are pinned with."""
    stack = env.stack
    claim = env.torch
    for name in ("torch", *COMPANIONS):
        package = stack.packages.get(name)
        version = package.exact if package else None
        if package is None or version is None or not _is_released(name, version, tables):
            continue
        for tag in dict.fromkeys(each for each in (version.local, claim.tag) if each):
            if not re.fullmatch(r"cu\d+|cpu|rocm[\d.]+", tag):
                continue
            pinned = package.model_copy(
                update={"version": f"{version.public}+{tag}"} if version.local else {}
            )
            moved, shared = retag(pinned, stack, tag)
            yield {("packages", name): moved, **shared}
            own = {"index": f"{INDEX}{tag}", "find_links": None}
            yield {("packages", name): pinned.model_copy(update=own)}


def _is_released(name: str, version: Version, tables: Tables) -> bool:
    """Tell whether a release is known: of a nightly nobody knows which other builds there were."""
    rows = tables.torch.release(version) if name == "torch" else tables.torch.companion(name, version)
    return rows is not None


@candidates("PIN104", reach=Reach.PACKAGE)
def pins_in_range(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield a loose torch pinned to the releases that its range admits, newest first, with the one tag."""
    package, found = env.stack.packages.get("torch"), one_tag(env.sources("torch"))
    if package is None or package.exact is not None or package.origin not in (None, "wheel"):
        return
    for row in reversed(tables.torch.releases):
        if package.specifier.contains(row.torch):
            version = _with_local(row.torch, found.backend.tag if found else None)
            yield {("packages", "torch"): package.model_copy(update={"version": version})}


@candidates(
    "NEEDS", "OPENMMLAB", "WHEEL104", "WHEEL106", "WHEEL108", "WHEEL109", "WHEEL110", "NUMPY", "PYTHON103",
    "CONDA101",
    reach=Reach.PACKAGE,
)  # fmt: skip
def known_releases(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield other releases of every package beside torch that the tables know, nearest first."""
    stack = env.stack
    names = [name for name in stack.packages if name not in ("torch", *COMPANIONS)]
    yield from _releases_of(names, stack, tables)


@candidates("NEEDS103", reach=Reach.PACKAGE)
def releases_with_names(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield the nearest partner that has a name, and the first release of the package that does without."""
    stated = env.stack.packages
    for name in sorted(tables.names.packages & stated.keys()):
        package, known = stated[name], tables.names.of(name)
        for row in known.about(package.exact) if package.exact else ():
            partner = stated.get(row.target)
            if partner is None or partner.exact is None or not row.reaches(partner.exact):
                continue
            if row.nearest:
                yield {("packages", row.target): partner.model_copy(update={"version": row.nearest})}
            if package.exact and (free := known.free_of(row.target, partner.exact, package.exact)):
                yield {("packages", name): package.model_copy(update={"version": str(free)})}


@candidates("SPCONV101", "CUMM", reach=Reach.PACKAGE)
def cumm_releases(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield other releases of cumm, which the spconv that the stack asks for brings along."""
    stack = env.stack
    yield from _releases_of([name for name in stack.packages if name.startswith("cumm")], stack, tables)


@candidates("SPCONV101", "CUMM", reach=Reach.SURROUNDINGS)
def spconv_releases(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield other releases of spconv."""
    stack = env.stack
    yield from _releases_of([name for name in stack.packages if name.startswith("spconv")], stack, tables)


@candidates("WHEEL105", reach=Reach.PACKAGE)
def instead_of_defective(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield the release that the row of a defective wheel names instead."""
    stack = env.stack
    for row in about(tables.wheels.defective, stack.packages):
        package, found = stack.packages.get(row.dist), _VERSION.search(row.instead.removeprefix(row.dist))
        if package is not None and found:
            local = package.exact.local if package.exact else None
            stated = package.model_copy(update={"version": _with_local(Version(found[0]), local)})
            yield {("packages", row.dist): stated}


def _releases_of(names: Iterable[str], stack: Stack, tables: Tables) -> Iterator[Edit]:
    for name in names:
        package = stack.packages[name]
        local = package.exact.local if package.exact else None
        for version in nearest(known_versions(name, tables), package.exact)[:_TRIED]:
            stated = package.model_copy(update={"version": _with_local(version, local)})
            yield {("packages", name): stated}


@lru_cache(maxsize=1024)
def known_versions(name: str, tables: Tables) -> tuple[Version, ...]:
    """Return every release of a distribution that a row of the tables names, oldest first."""
    measured = tables.measured.package(name)
    rows = tables.packages.declared(name, SpecifierSet())  # where others have wheels, no sdist is proposed
    found = {version for version, row in rows if measured is None or not row.unverified}
    found |= {row.version for row in (measured.rows if measured else ()) if not row.yanked}
    found |= {version for row in tables.wheels.gpu_libraries.get(name, ()) for version in row.versions}
    if name in tables.packages.asserting_dists:
        found |= tables.packages.asserted_versions(name)
    if name == "mmcv":
        found |= {version for row in tables.wheels.mmcv_pages for version in row.versions}
    if name in MMCV:
        found |= set(_bounds(*tables.packages.accepted("mmcv")))
    elif name.startswith("cumm"):
        found |= set(_bounds(*(row.cumm for row in tables.sparse.cumm_ranges)))
    found |= set(_bounds(*tables.packages.accepted(name)))
    if name in _LAST:
        found.add(Version(_LAST[name]))
    return tuple(sorted(found))


def _bounds(*ranges: SpecifierSet) -> Iterator[Version]:
    """Yield the releases that ranges name as their first: `>=0.7.11` and `==0.7.11` say that it exists."""
    for accepted in ranges:
        for each in accepted:
            if each.operator in (">=", "==", "~=") and "*" not in each.version:
                yield Version(each.version)


def nearest(versions: Iterable[Version], now: Version | None) -> list[Version]:
    """Return versions, nearest to `now` first (else the newest), final releases before others."""
    ordered = sorted(versions)
    if now is None:
        ordered.reverse()
        return sorted(ordered, key=lambda version: version.is_prerelease)
    place = sum(version < now for version in ordered)
    by_place = sorted(enumerate(ordered), key=lambda each: (abs(each[0] - place), each[1] < now))
    return sorted((version for _, version in by_place), key=lambda version: version.is_prerelease)


@candidates("NVPIN101", "CUDA104", reach=Reach.PACKAGE)
def pins_of_torch(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield the CUDA libraries as torch's own METADATA pins them."""
    stack = env.stack
    claim = env.torch
    row = tables.measured.row("torch", claim.version) if claim.version else None
    for name, pin in (tables.measured.pins(row, "linux/amd64") if row else {}).items():
        if name in stack.packages:
            yield {("packages", name): stack.packages[name].model_copy(update={"version": str(pin.version)})}


@candidates("CUDA104", "NVPIN101", "ROCM105", reach=Reach.SURROUNDINGS)
def without_cuda_libraries(env: Environment, tables: Tables) -> Iterator[Edit]:  # noqa: ARG001 - one signature
    """Yield the stack without a CUDA library: torch brings its own."""
    stack = env.stack
    for name in stack.packages:
        if name.startswith("nvidia-"):
            yield {("packages", name): None}


@candidates("WHEEL107", "SPCONV103", "SPCONV104", "WHEEL109", reach=Reach.PACKAGE)
def flavors(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield spconv and cumm in other flavours: both together, one alone, or the surplus one left out."""
    stack = env.stack
    stated = {name: match for name in stack.packages if (match := _FLAVOR.fullmatch(name))}
    known = [
        name.removeprefix("spconv-") for name in sorted(tables.measured.names) if name.startswith("spconv-cu")
    ]
    claim = env.torch
    mine = f"cu{claim.cuda.major}{claim.cuda.minor}" if claim.cuda else ""
    for tag in sorted(known, key=lambda each: (each != mine, each[:4] != mine[:4], each)):
        for chosen in (list(stated), *([name] for name in stated)):
            moved = {name: f"{stated[name]['family']}-{tag}" for name in chosen}
            if moved and not set(moved.values()) & stack.packages.keys():
                gone: dict[tuple[str, ...], Package | None] = {("packages", name): None for name in moved}
                yield gone | {("packages", other): stack.packages[name] for name, other in moved.items()}
    families = [match["family"] for match in stated.values()]
    for name, match in stated.items():
        if families.count(match["family"]) > 1:
            yield {("packages", name): None}


@candidates("BUILD101", reach=Reach.SURROUNDINGS)
def older_build_tools(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield a build tool below the version that breaks a source build."""
    stack = env.stack
    for row in about(tables.packages.build_traps, stack.packages):
        if row.dist in stack.packages:
            bound = str(row.breaks)
            if bound.startswith(">=") and "," not in bound:
                yield {("packages", row.tool): Package(version=f"<{bound[2:]}")}


@candidates(
    "MMCV101", "TOOLKIT101", "PYG101", "WHEEL101", "WHEEL102", "WHEEL103", "WHEEL105", reach=Reach.SOURCE
)
def from_source(env: Environment, tables: Tables) -> Iterator[Edit]:  # noqa: ARG001 - one signature
    """Yield a compiled package as a build of one's own, in a stack that states a toolkit for it."""
    stack = env.stack
    if not stack.toolkit:
        return
    for name, package in stack.packages.items():
        version, elsewhere = package.exact, package.find_links or package.index
        if name in ("torch", *COMPANIONS) or package.origin not in (None, "wheel"):
            continue
        if version is not None and elsewhere:
            yield {("packages", name): Package(version=version.public, origin="source")}
