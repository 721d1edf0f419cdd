"""Rules about where wheels come from: the PyTorch index, find-links pages, and what is published there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.model.build import cuda_tag, parse_tag
from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import parse_version
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.index.wheel_pages import PYG, pages
from stackcheck.rules.questions import FITS_CUDA, accepts
from stackcheck.rules.registry import Finding, failed, passed, rule, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Environment, TorchBuild
    from stackcheck.environment.sources import Source
    from stackcheck.knowledge.wheels import WheelHost
    from stackcheck.model.facts import Facts

TRIO = ("torch", "torchvision", "torchaudio")


_LOCAL = Evidence(
    "PyPI accepts no uploads with a local version",
    "https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-identifiers",
)


_INDEX = Evidence(
    "each PyTorch index holds the builds of one tag", "https://download.pytorch.org/whl (checked 2026-11-20)"
)


def _names_pages(facts: Facts) -> bool:
    env: Environment = facts["env"]
    index = env.index
    return bool(index.url or index.extra or index.find_links) or any(
        package.index or package.find_links for package in env.packages.values()
    )


@rule("INDEX101", when=_names_pages, about="package")
def pytorch_index(env: Environment) -> list[Finding]:
    """The PyTorch index is the one of the builds that are pinned.

    download.pytorch.org/whl/cu124 holds the cu124 builds and no others. With a pin on +cu121 nothing is
    found;
    without a local version, the stack gets a torch for another CUDA version than it states.

    Source: https://docs.pytorch.org/get-started/previous-versions
    Example: torch 2.5.0+cu124 from https://download.pytorch.org/whl/cu121.
    Fix: name the index of the tag.
    """
    found = {
        place.shown: place.tag.tag
        for name in TRIO
        if name in env.packages
        for place in env.sources(name)
        if place.tag and place.host and not place.host.dists
    }
    tags = set(found.values())
    findings: list[Finding] = []
    for name in TRIO:
        package = env.packages.get(name)
        version = package.exact if package else None
        local = version.local if version else None
        if not tags or not local or not re.match(r"cu\d|cpu|rocm", local):
            continue
        if local in tags:
            findings.append(passed(f"{name} {version} is looked for on the index of {local}.", _INDEX))
        else:
            there = ", ".join(sorted(tags))
            findings.append(
                failed(
                    f"{name} {version} is not on the index of {there}, which is the one that the stack "
                    "names.",
                    _INDEX,
                    expected=f"https://download.pytorch.org/whl/{local}",
                    found=", ".join(sorted(found)),
                    hint=f"name the index of {local}, or pin {name} with +{there}",
                    about=name,
                )
            )
    return findings or _against_stated_cuda(env, found)


def _against_stated_cuda(env: Environment, found: dict[str, str]) -> list[Finding]:
    """Compare the index with the CUDA version that the stack states, when nothing is pinned by tag."""
    if len(found) != 1 or not env.stack.cuda or "torch" not in env.packages:
        return []
    (url, tag), *_ = found.items()
    stated, there = cuda_tag(env.stack.cuda), parse_tag(tag)
    if tag == stated:
        return [passed(f"The PyTorch index is the one of CUDA {env.stack.cuda}.", _INDEX)]
    cuda = there.version if there and there.kind == "cuda" else None
    message = f"The PyTorch index is the one of {tag}, and the stack states CUDA {env.stack.cuda}."
    other = f'cuda = "{cuda}"' if cuda else 'accelerator = "cpu"' if tag == "cpu" else "rocm instead of cuda"
    hint = f"name https://download.pytorch.org/whl/{stated}, or state {other}"
    if cuda is not None and cuda.major == parse_version(env.stack.cuda).major:
        return [warned(message, _INDEX, expected=stated, found=url, hint=hint, about="torch")]
    return [failed(message, _INDEX, expected=stated, found=url, hint=hint, about="torch")]


@rule("INDEX102", when=_names_pages, about="package")
def page_of_torch(env: Environment) -> list[Finding]:
    """Wheel pages are the ones of the stack's torch and CUDA version.

    data.pyg.org and download.openmmlab.com keep one page for each torch and CUDA version. The page of a patch
    release is the same as the page of its .0 release.

    Source: rusty1s/pytorch_scatter README.md; open-mmlab/mmcv docs/en/get_started/installation.md.
    Example: find_links = "https://data.pyg.org/whl/torch-2.4.0+cu121.html" with torch 2.5.0+cu124.
    Fix: name the page of the stack's torch minor and tag.
    """
    claim = env.torch
    return [
        finding
        for name, package, place, host in pages(env)
        if package.is_wheel
        for finding in _judge_page(name, host, place, claim)
    ]


def _judge_page(name: str, host: WheelHost, place: Source, claim: TorchBuild) -> Iterator[Finding]:
    torch, tag, url = place.torch, place.tag.tag if place.tag else "", place.shown
    said = f"{host.name} page for torch {torch} and {tag}"
    if torch and claim.minor and torch != claim.minor:
        bad = failed_by(
            f"{name} is looked for on the {said}; the stack has {claim.title}.",
            (host, f"the address names torch {torch}"),
            expected=f"the page for torch {claim.minor}",
            found=url,
            hint=f"name the page for torch {claim.minor}",
        )
        yield bad._replace(question=accepts("torch"), subject=name)
        return
    mine = claim.cuda
    other = place.tag.version if place.tag and place.tag.kind == "cuda" else None
    if claim.tag is None or claim.assumed or tag == claim.tag:
        if torch and claim.minor:
            yield passed(f"{name} is looked for on the {said}.", cite(host, ""))
        return
    if mine is not None and other is not None and mine.major == other.major:
        yield passed(f"{name} is looked for on the {said}, the CUDA major version of torch.", cite(host, ""))
        return
    bad = failed_by(
        f"{name} is looked for on the {said}; the stack has {claim.title}.",
        (host, f"the address names {tag}"),
        expected=f"the page for {claim.tag}",
        found=url,
        hint=f"name the page for {claim.tag}",
    )
    yield bad._replace(question=FITS_CUDA, subject=name)


@rule("INDEX103", when=_names_pages, about="package")
def local_versions(env: Environment) -> list[Finding]:
    """Pins with a local version have another index than PyPI.

    Versions such as 1.6.3+pt21cu118 exist on the pages of their projects only: PyPI accepts none with a `+`.

    Source:
    https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-identifiers
    Example: torch-cluster 1.6.3+pt21cu118 from PyPI alone.
    Fix: name the index or find-links page of the project.
    """
    findings: list[Finding] = []
    for name, package in env.packages.items():
        version = package.exact
        if version is None or not version.local or package.origin not in (None, "wheel"):
            continue
        if all(p.kind == "pypi" and p.stated for p in env.sources(name)) and not package.built_for:
            findings.append(
                failed(
                    f"{name} {version} cannot be on PyPI, which is the only index that the stack names.",
                    _LOCAL,
                    expected="the index or find-links page that holds this build",
                    found="PyPI",
                    hint=_where(name, version.local),
                    about=name,
                )
            )
    return findings


def _where(name: str, local: str) -> str:
    made = re.match(r"pt(\d)(\d+)(cu\d+|cpu)", local)
    if name in PYG and made:
        return f'find_links = "https://data.pyg.org/whl/torch-{made[1]}.{made[2]}.0+{made[3]}.html"'
    tag = re.match(r"cu\d+|cpu|rocm[\d.]+", local)
    if tag:
        return f'add the index "https://download.pytorch.org/whl/{tag[0]}"'
    return "name the page that holds this build"
