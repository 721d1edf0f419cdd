"""Candidates: the pages and indexes that wheels are looked for on, and what a wheel was made for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from stackcheck.intake.stack import BuiltFor
from stackcheck.model.build import tag_cuda
from stackcheck.rules.index.wheel_pages import PYG
from stackcheck.suggest.builds import INDEX
from stackcheck.suggest.candidates import Reach, candidates
from stackcheck.suggest.versions import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Environment, TorchBuild
    from stackcheck.intake.stack import Package
    from stackcheck.knowledge import Tables
    from stackcheck.suggest.change import Edit

_LOCAL = re.compile(
    r"(?P<before>pt|(?:cu\d+|rocm\d+)torch)(?P<torch>\d[\d.]*)(?P<tag>cu\d+|cpu)?(?P<abi>cxx11abi(?:true|false))?",
    re.IGNORECASE,
)
PYG_PAGE = "https://data.pyg.org/whl/torch-{torch}.0+{tag}.html"
"""One page for each torch minor and tag (rusty1s/pytorch_scatter README.md, checked 2026-11-20)."""


@candidates(
    "INDEX", "WHEEL101", "WHEEL102", "WHEEL103", "PYG101", "MMCV101", "TOOLKIT101", reach=Reach.SPELLING
)
def pages(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield each wheel page as the one of the stack's torch and CUDA version."""
    stack = env.stack
    claim = env.torch
    for name, package in stack.packages.items():
        for key in ("find_links", "index"):
            url = getattr(package, key)
            for moved in _of_torch(url, claim, tables) if url else ():
                for told in (package, _told(package, claim)):
                    yield {("packages", name): told.model_copy(update={key: moved})}
    index = stack.index
    for key in ("extra", "find_links"):
        urls = getattr(index, key)
        for place, url in enumerate(urls):
            for moved in _of_torch(url, claim, tables):
                shared = (*urls[:place], moved, *urls[place + 1 :])
                yield {("index", key): shared}
                yield {("index", key): shared, **_all_told(env, url)}


def _all_told(env: Environment, url: str) -> Edit:
    """Return the wheels of one page, where the stack says what they are for, as ones for its torch."""
    found = {
        name: _told(package, env.torch)
        for name, package in env.stack.packages.items()
        if package.built_for and any(place.url == url for place in env.sources(name))
    }
    return {("packages", name): told for name, told in found.items()}


def _of_torch(url: str, claim: TorchBuild, tables: Tables) -> Iterator[str]:
    """Yield an address with torch's minor and tag in it, as its host spells them."""
    for host in tables.wheels.hosts:
        match = re.search(host.pattern, url)
        if match is None or claim.minor is None or claim.version is None:
            continue
        old = match.groupdict().get("torch") or ""
        full = claim.version.base_version
        if old and "." not in old:  # 2100 stands for 2.10.0
            spellings = [full.replace(".", "")]
        elif old.count(".") > 1:
            spellings = [f"{claim.minor}.0", full]
        else:
            spellings = [claim.minor] if old else [""]
        tags = dict.fromkeys([claim.tag or match["tag"], match["tag"]])
        for tag in tags:
            for torch in dict.fromkeys(spellings):
                moved = _with_groups(url, match, {"torch": torch, "tag": tag})
                if moved != url:
                    yield moved


def _with_groups(text: str, match: re.Match[str], values: dict[str, str]) -> str:
    """Return the text with groups of a match replaced, from the last one on so that places stay right."""
    groups = [name for name in values if match.groupdict().get(name)]
    for name in sorted(groups, key=match.start, reverse=True):
        text = text[: match.start(name)] + values[name] + text[match.end(name) :]
    return text


def _told(package: Package, claim: TorchBuild) -> Package:
    """Return a wheel of one's own as one that was built for the stack's torch."""
    if package.built_for is None:
        return package
    said = package.built_for
    torch = claim.minor if said.torch else None
    cuda = f"{claim.cuda.major}.{claim.cuda.minor}" if said.cuda and claim.cuda else said.cuda
    return package.model_copy(
        update={"built_for": BuiltFor(torch=torch, cuda=cuda, cxx11_abi=said.cxx11_abi)}
    )


@candidates("WHEEL101", "WHEEL102", "WHEEL103", reach=Reach.PACKAGE)
def wheels_of_torch(env: Environment, tables: Tables) -> Iterator[Edit]:  # noqa: ARG001 - one signature
    """Yield compiled wheels as those that were built for the stack's torch, CUDA version and C++ ABI."""
    stack = env.stack
    claim = env.torch
    for name, package in stack.packages.items():
        if package.built_for is not None:
            told = _told(package, claim)
            yield {("packages", name): told}
            for abi in (True, False):
                built_for = (told.built_for or BuiltFor()).model_copy(update={"cxx11_abi": abi})
                yield {("packages", name): told.model_copy(update={"built_for": built_for})}
        version = package.exact
        if version is None or package.built_for is not None:
            continue
        for local in _locals(version.local or "", claim):
            yield {("packages", name): package.model_copy(update={"version": f"{version.public}+{local}"})}


def _locals(local: str, claim: TorchBuild) -> Iterator[str]:
    """Yield a local version for another torch, tag or C++ ABI, in the spelling that it has."""
    match = _LOCAL.fullmatch(local)
    if match is None or claim.minor is None:
        return
    dotted = "." in match["torch"]
    torch = claim.minor if dotted else claim.minor.replace(".", "")
    before = re.sub(r"cu\d+", _like(claim), match["before"])
    tags = dict.fromkeys([claim.tag or match["tag"], match["tag"]]) if match["tag"] else {"": None}
    for tag in tags:
        for abi in ("TRUE", "FALSE") if match["abi"] else ("",):
            word = f"cxx11abi{abi}" if abi else ""
            for start in dict.fromkeys((match["before"], before)):
                yield f"{start}{torch}{tag or ''}{word}"


def _like(claim: TorchBuild) -> str:
    return claim.tag if claim.tag and claim.tag.startswith("cu") else "cu0"


@candidates("INDEX103", reach=Reach.SPELLING)
def pages_of_local_versions(env: Environment, tables: Tables) -> Iterator[Edit]:  # noqa: ARG001 - one signature
    """Yield the page of the PyG companions, or the PyTorch index, that a local version speaks of."""
    stack = env.stack
    for name, package in stack.packages.items():
        local = (package.exact.local if package.exact else None) or ""
        made = re.fullmatch(r"pt(?P<torch>\d{2,3})(?P<tag>cu\d+|cpu)", local)
        if name in PYG and made:
            url = PYG_PAGE.format(torch=f"{made['torch'][0]}.{made['torch'][1:]}", tag=made["tag"])
            yield {("packages", name): package.model_copy(update={"find_links": url})}
        elif re.fullmatch(r"cu\d+|cpu|rocm[\d.]+", local):
            yield {("packages", name): package.model_copy(update={"index": f"{INDEX}{local}"})}


@candidates("MMCV101", "TOOLKIT101", reach=Reach.PACKAGE)
def published_mmcv(env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield mmcv in the combinations that its pages hold, nearest to torch first."""
    stack = env.stack
    package, claim = stack.packages.get("mmcv"), env.torch
    url = (package.find_links or package.index) if package else None
    shared = next((each for each in stack.index.find_links if "openmmlab" in each), None)
    if package is None or claim.version is None or not (url or shared):
        return
    rows = sorted(
        tables.wheels.mmcv_pages, key=lambda row: (row.tag != claim.tag, not _same_major(row.tag, claim))
    )
    for row in rows:
        for torch in sorted(row.torch, key=lambda each: _apart(each, claim)):
            for version in nearest(row.versions, package.exact):
                page = _with_page(url or shared or "", torch, row.tag, tables)
                stated = package.model_copy(update={"version": str(version)})
                if url:
                    key = "find_links" if package.find_links else "index"
                    yield {("packages", "mmcv"): stated.model_copy(update={key: page})}
                else:
                    links = tuple(page if each == shared else each for each in stack.index.find_links)
                    yield {("packages", "mmcv"): stated, ("index", "find_links"): links}


def _with_page(url: str, torch: str, tag: str, tables: Tables) -> str:
    host = next(row for row in tables.wheels.hosts if row.name == "OpenMMLab")
    match = re.search(host.pattern, url)
    return _with_groups(url, match, {"torch": f"{torch}.0", "tag": tag}) if match else url


def _same_major(tag: str, claim: TorchBuild) -> bool:
    cuda = tag_cuda(tag)
    return bool(cuda and claim.cuda and cuda.major == claim.cuda.major)


def _apart(torch: str, claim: TorchBuild) -> tuple[int, int]:
    try:
        version, mine = Version(torch), Version(claim.minor or "0")
    except InvalidVersion:
        return (99, 99)
    return (abs(version.major - mine.major), abs(version.minor - mine.minor))
