"""Rules about where wheels come from: the PyTorch index, find-links pages, and what is published there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.claimed import hosts_of, only_pypi, page_torch, tag_cuda, torch_claim
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses, warned
from stackcheck.verdict import Evidence, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.claimed import TorchClaim
    from stackcheck.definition import Package, Stack
    from stackcheck.rules.registry import Facts
    from stackcheck.tables import Tables
    from stackcheck.tables.packages import WheelHost

PYG = ("torch-scatter", "torch-sparse", "torch-cluster", "torch-spline-conv", "pyg-lib")
TRIO = ("torch", "torchvision", "torchaudio")

_LOCAL = Evidence(
    "PyPI accepts no uploads with a local version",
    "https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-identifiers",
)
_CHECK = Evidence(
    "the CUDA major version of nvcc and torch must be the same",
    "torch/utils/cpp_extension.py `_check_cuda_version` in torch 2.6.0 and 2.13.0 (checked 2026-11-20)",
)
_INDEX = Evidence(
    "each PyTorch index holds the builds of one tag", "https://download.pytorch.org/whl (checked 2026-11-20)"
)


def _names_pages(facts: Facts) -> bool:
    stack = facts["stack"]
    index = stack.index
    return bool(index.url or index.extra or index.find_links) or any(
        package.index or package.find_links for package in stack.packages.values()
    )


@rule("INDEX101", when=_names_pages)
def pytorch_index(stack: Stack, tables: Tables) -> list[Finding]:
    """The PyTorch index is the one of the builds that are pinned.

    download.pytorch.org/whl/cu124 holds the cu124 builds and no others. With a pin on +cu121 nothing is
    found;
    without a local version, the stack gets a torch for another CUDA version than it states.

    Source: https://docs.pytorch.org/get-started/previous-versions
    Example: torch 2.5.0+cu124 from https://download.pytorch.org/whl/cu121.
    Fix: name the index of the tag.
    """
    found = {
        url: match["tag"]
        for name in TRIO
        if name in stack.packages
        for host, match, url in hosts_of(stack.packages[name], stack, tables)
        if host.name == "PyTorch"
    }
    tags = set(found.values())
    findings: list[Finding] = []
    for name in TRIO:
        package = stack.packages.get(name)
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
                )
            )
    return findings or _stated_backend(stack, found)


def _stated_backend(stack: Stack, found: dict[str, str]) -> list[Finding]:
    """Compare the index with the CUDA version that the stack states, when nothing is pinned by tag."""
    if len(found) != 1 or not stack.cuda or "torch" not in stack.packages:
        return []
    (url, tag), *_ = found.items()
    stated = f"cu{stack.cuda.replace('.', '')[:3]}" if stack.cuda.count(".") else f"cu{stack.cuda}"
    if tag == stated:
        return [passed(f"The PyTorch index is the one of CUDA {stack.cuda}.", _INDEX)]
    cuda = tag_cuda(tag)
    message = f"The PyTorch index is the one of {tag}, and the stack states CUDA {stack.cuda}."
    hint = f"name https://download.pytorch.org/whl/{stated}, or state cuda = the version of {tag}"
    if cuda is not None and cuda.major == int(stack.cuda.split(".")[0]):
        return [warned(message, _INDEX, expected=stated, found=url, hint=hint)]
    return [failed(message, _INDEX, expected=stated, found=url, hint=hint)]


def _pages(stack: Stack, tables: Tables) -> Iterator[tuple[str, Package, WheelHost, re.Match[str], str]]:
    """Yield (distribution, package, host, match, address) for each page that names a torch."""
    for name, package in stack.packages.items():
        for host, match, url in hosts_of(package, stack, tables):
            if host.name != "PyTorch" and (name in host.dists or url == package.find_links):
                yield name, package, host, match, url


@rule("INDEX102", when=_names_pages)
def page_of_torch(stack: Stack, tables: Tables) -> list[Finding]:
    """Wheel pages are the ones of the stack's torch and CUDA version.

    data.pyg.org and download.openmmlab.com keep one page for each torch and CUDA version. The page of a patch
    release is the same as the page of its .0 release.

    Source: rusty1s/pytorch_scatter README.md; open-mmlab/mmcv docs/en/get_started/installation.md.
    Example: find_links = "https://data.pyg.org/whl/torch-2.4.0+cu121.html" with torch 2.5.0+cu124.
    Fix: name the page of the stack's torch minor and tag.
    """
    claim = torch_claim(stack, tables)
    return [
        finding
        for name, package, host, match, url in _pages(stack, tables)
        if package.origin in {None, "wheel"}
        for finding in _judge_page(name, host, match, url, claim)
    ]


def _judge_page(
    name: str, host: WheelHost, match: re.Match[str], url: str, claim: TorchClaim
) -> Iterator[Finding]:
    torch, tag = page_torch(match), match["tag"]
    said = f"{host.name} page for torch {torch} and {tag}"
    if torch and claim.minor and torch != claim.minor:
        yield failed_by(
            f"{name} is looked for on the {said}; the stack has {claim.title}.",
            (host, f"the address names torch {torch}"),
            expected=f"the page for torch {claim.minor}",
            found=url,
            hint=f"name the page for torch {claim.minor}",
        )
        return
    mine, other = claim.cuda, tag_cuda(tag)
    if claim.tag is None or claim.assumed or tag == claim.tag:
        if torch and claim.minor:
            yield passed(f"{name} is looked for on the {said}.", cite(host, ""))
        return
    if mine is not None and other is not None and mine.major == other.major:
        yield passed(f"{name} is looked for on the {said}, the CUDA major version of torch.", cite(host, ""))
        return
    yield failed_by(
        f"{name} is looked for on the {said}; the stack has {claim.title}.",
        (host, f"the address names {tag}"),
        expected=f"the page for {claim.tag}",
        found=url,
        hint=f"name the page for {claim.tag}",
    )


@rule("INDEX103", when=_names_pages)
def local_versions(stack: Stack) -> list[Finding]:
    """Pins with a local version have another index than PyPI.

    Versions such as 1.6.3+pt21cu118 exist on the pages of their projects only: PyPI accepts none with a `+`.

    Source:
    https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-identifiers
    Example: torch-cluster 1.6.3+pt21cu118 from PyPI alone.
    Fix: name the index or find-links page of the project.
    """
    findings: list[Finding] = []
    for name, package in stack.packages.items():
        version = package.exact
        if version is None or not version.local or package.origin in {"source", "conda"}:
            continue
        if only_pypi(package, stack) and not package.built_for:
            findings.append(
                failed(
                    f"{name} {version} cannot be on PyPI, which is the only index that the stack names.",
                    _LOCAL,
                    expected="the index or find-links page that holds this build",
                    found="PyPI",
                    hint=_where(name, version.local),
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


@rule("MMCV101", when=uses("mmcv", "mmcv-full"))
def mmcv_published(stack: Stack, tables: Tables) -> list[Finding]:
    """The mmcv page has a wheel of this mmcv for this torch and CUDA version.

    mmcv is compiled, and PyPI holds its source only. Where the page has no wheel, pip silently takes the
    source and compiles for half an hour, or fails; the ops then exist only if torch, nvcc and FORCE_CUDA were
    there. The last published matrix ends with torch 2.4 and cu121.

    Source: open-mmlab/mmcv docs/en/_static/version.json (tables/packages.toml).
    Example: mmcv 2.2.0 from cu124/torch2.5.
    Fix: a published combination, or a source build that the stack states.
    """
    return _mmcv_pages(stack, tables)


def _mmcv_pages(stack: Stack, tables: Tables) -> list[Finding]:
    package = stack.packages.get("mmcv")
    version = package.exact if package else None
    if package is None or version is None or version.major < 2 or package.origin in {"source", "conda"}:
        return []
    rows = tables.packages.mmcv(version)
    pages = [each for each in _pages(stack, tables) if each[0] == "mmcv" and each[2].name == "OpenMMLab"]
    if not rows:
        return [skipped(f"no data on the published wheels of mmcv {version}")] if pages else []
    findings: list[Finding] = []
    for _, _, _, match, url in pages:
        torch, tag = page_torch(match), match["tag"]
        same = [row for row in rows if row.tag == tag]
        if any(torch in row.torch for row in same):
            findings.append(
                passed(f"mmcv {version} is published for torch {torch} and {tag}.", cite(same[0], ""))
            )
            continue
        best = "; ".join(f"{row.tag} with torch {', '.join(row.torch)}" for row in rows[:2])
        findings.append(
            failed_by(
                f"There is no wheel of mmcv {version} for torch {torch} and {tag}: pip takes the source "
                "and compiles it.",
                (rows[0], f"mmcv {version} is published for {best} ..."),
                expected=f"a published combination ({best} ...)",
                found=url,
                hint='build it once and host the wheel, or state from = "source" with nvcc and '
                "FORCE_CUDA=1; the fork onedl-mmcv publishes newer combinations (not verified)",
            )
        )
    return findings


@rule("TOOLKIT103", when=uses("mmcv"))
def toolkit_of_fallback(stack: Stack, tables: Tables) -> Finding | None:
    """Where the mmcv page has no wheel, the toolkit can compile the source that pip takes instead.

    torch refuses to compile an extension with an nvcc of another CUDA major version than its own.

    Source: torch/utils/cpp_extension.py `_check_cuda_version`; https://github.com/open-mmlab/mmcv/issues/3104
    Example: mmcv 2.1.0 from cu121/torch2.3.0 with the toolkit 11.8.
    Fix: a published combination, or the toolkit of torch's CUDA version.
    """
    claim = torch_claim(stack, tables)
    missing = [finding for finding in _mmcv_pages(stack, tables) if finding.outcome >= Outcome.FAIL]
    if not missing or not stack.toolkit or claim.cuda is None:
        return None
    major = int(stack.toolkit.split(".")[0])
    if major == claim.cuda.major:
        return passed(f"The toolkit {stack.toolkit} can compile mmcv for {claim.title}.", _CHECK)
    return failed(
        f"mmcv has no wheel there and is compiled; torch is built for CUDA {claim.cuda}, and the toolkit is "
        f"{stack.toolkit}: torch refuses it.",
        _CHECK,
        expected=f"a toolkit of CUDA {claim.cuda.major}",
        found=f"toolkit {stack.toolkit}",
        hint=f"take mmcv where it is published, or the toolkit of CUDA {claim.cuda}",
    )


@rule("MMCV102", when=uses("mmcv", "mmcv-full", "mmcv-lite"))
def one_mmcv(stack: Stack) -> Finding | None:
    """There is one mmcv.

    mmcv, mmcv-full and mmcv-lite are imported as the same `mmcv`: with two of them the files of the last one
    installed win, and the compiled ops may be gone. From 2.0 on the one with ops is `mmcv`.

    Source: open-mmlab/mmcv docs/en/get_started/installation.md.
    Example: mmcv 1.4.0 beside mmcv-full 1.4.0.
    Fix: keep the one with ops: mmcv-full before 2.0, mmcv from 2.0 on.
    """
    names = [name for name in ("mmcv", "mmcv-full", "mmcv-lite") if name in stack.packages]
    source = Evidence(
        "never install two of them",
        "open-mmlab/mmcv docs/en/get_started/installation.md @a8073c7 (checked 2026-11-20)",
    )
    if len(names) == 1:
        return None
    return warned(
        f"{' and '.join(names)} are the same Python package: the files of the last one installed win.",
        source,
        expected="one of them",
        found=", ".join(names),
        hint="keep mmcv-full before 2.0, mmcv from 2.0 on",
    )


def _uses_pyg(facts: Facts) -> bool:
    return any(name in facts["stack"].packages for name in PYG)


@rule("PYG101", when=_uses_pyg)
def pyg_published(stack: Stack, tables: Tables) -> list[Finding]:
    """The PyG companions are published for this torch and CUDA version.

    torch-scatter, torch-sparse, torch-cluster, torch-spline-conv and pyg-lib have wheels on data.pyg.org
    only;
    PyPI has their source, whose build needs torch.

    Source: rusty1s/pytorch_scatter README.md; pyg-team/pyg-lib README.md (tables/packages.toml).
    Example: torch-scatter for torch 2.5 and cu126.
    Fix: a torch build that the pages have, or a source build that the stack states.
    """
    claim = torch_claim(stack, tables)
    row = tables.packages.pyg_pages.get(claim.minor or "")
    if row is None or claim.tag is None or claim.assumed:
        return []
    findings: list[Finding] = []
    for name in PYG:
        package = stack.packages.get(name)
        if package is None or package.origin in {"source", "conda"}:
            continue
        if row.only and name not in row.only:
            text = f"{name} is not published for torch {row.torch}; its page has {', '.join(row.only)}."
        elif claim.tag not in row.tags:
            text = f"{name} is not published for torch {row.torch} and {claim.tag}."
        else:
            findings.append(
                passed(f"{name} is published for torch {row.torch} and {claim.tag}.", cite(row, ""))
            )
            continue
        listed = f"torch {row.torch}: {', '.join(row.tags)}"
        expected = f"one of {', '.join(row.only or row.tags)}"
        hint = "a wheel of another CUDA minor of the same major loads too; else build it from source"
        version = package.exact
        if version is not None and version.local == f"pt{claim.minor}{claim.tag}".replace(".", ""):
            findings.append(failed_by(text, (row, listed), expected=expected, found=str(version), hint=hint))
        else:
            findings.append(warned(text, cite(row, listed), expected=expected, found=claim.tag, hint=hint))
    return findings
