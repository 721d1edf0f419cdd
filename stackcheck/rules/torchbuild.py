"""Which build of torch a stack gets: its backend, how that is known, and whether it is certain.

A wheel's backend stands in its local version (`+cu124`), in the tag of the index it comes from
(`.../whl/cu124`), or nowhere: then the default index decides, and that is a fact of the release, the
platform and the machine (`Release.pypi`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from packaging.version import Version

from stackcheck.claimed import elsewhere, from_pypi
from stackcheck.rules.grading import no_data
from stackcheck.rules.registry import skipped
from stackcheck.tables.reading import parse_version
from stackcheck.tables.torch import CPU, cuda_tag, minor
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.definition import Package, Stack
    from stackcheck.rules.registry import Finding
    from stackcheck.tables import Tables
    from stackcheck.tables.torch import Release

Kind = Literal["cuda", "rocm", "cpu"]

_TAG = re.compile(r"(?:cu(?P<cuda>\d{2,3})|rocm(?P<rocm>\d+(?:\.\d+)+)|(?P<cpu>cpu))(?![0-9A-Za-z])")
_DEFAULT_PLATFORM = "linux/amd64"
ROCM_PLATFORM = "linux/amd64"
"""The only platform that PyTorch's own ROCm wheels are for. Source: pytorch/test-infra
tools/scripts/generate_binary_build_matrix.py, which adds ROCm for os == LINUX alone, and other lists for
linux-aarch64 (checked 2026-11-20)."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What a build computes on.

    version: of CUDA or ROCm, None for the CPU. by: what says so, as the subject of a sentence. sure: False
    when it is only what the stack claims, or what the default index would give.
    """

    kind: Kind
    version: Version | None
    by: str
    sure: bool = True

    @property
    def tag(self) -> str:
        """Return the tag that wheels carry: cu124, rocm6.1, cpu."""
        if self.version is None:
            return self.kind
        return cuda_tag(self.version) if self.kind == "cuda" else f"rocm{self.version}"

    def same(self, other: Backend) -> bool:
        """Tell whether both are the same backend; CUDA is compared by major.minor."""
        return self.kind == other.kind and self.tag == other.tag


@lru_cache(maxsize=1024)
def parse_tag(text: str, by: str) -> Backend | None:
    """Parse "cu124", "rocm6.1" or "cpu" at the beginning of a text; None for anything else."""
    match = _TAG.match(text)
    if match is None:
        return None
    if match["cuda"]:
        digits = match["cuda"]
        return Backend("cuda", Version(f"{digits[:-1]}.{digits[-1]}"), by)
    if match["rocm"]:
        return Backend("rocm", Version(match["rocm"]), by)
    return Backend("cpu", None, by)


@lru_cache(maxsize=1024)
def index_tag(url: str) -> Backend | None:
    """Return the backend that an index or page of PyTorch holds alone: `.../whl/cu124`; None for any other.

    Pages of other projects carry cu tags too; they do not serve torch.
    """
    if "pytorch" not in url.lower():
        return None
    tags = (parse_tag(part, f"the index {url}") for part in url.split("/") if _TAG.fullmatch(part))
    return next((tag for tag in tags if tag), None)


def stated_backend(stack: Stack, name: str) -> Backend | None:
    """Return the backend that the stack states for a distribution; None when nothing says it for certain.

    Its local version says it, else its own index, else the stack's first index, else the one tag that all
    further indexes agree on (a local version is newer than none, so an installer takes it).
    """
    package = stack.packages.get(name)
    if package is None or package.origin in ("source", "conda"):
        return None
    exact = package.exact
    if exact is not None and exact.local:
        return parse_tag(exact.local, f"the local version of {name}")
    own = _agreed((package.index, package.find_links))
    if own or package.index:
        return own
    return index_tag(stack.index.url or "") or _agreed((*stack.index.extra, *stack.index.find_links))


def stated_by(backend: Backend) -> Evidence:
    """Return what makes a build what it is as evidence: wheels are named by PEP 440 local versions."""
    source = "https://download.pytorch.org/whl lists each build by its tag (checked 2026-11-20)"
    return Evidence(f"{backend.by} makes it a {backend.tag} build", source)


def torch_backend(stack: Stack, tables: Tables) -> Backend | None:
    """Return the backend of the stack's torch; None when neither the stack nor the tables tell it."""
    package = stack.packages.get("torch")
    stated = stated_backend(stack, "torch")
    if stated is not None:
        return stated
    claimed = _claimed(stack)
    if package is None or package.origin in ("source", "conda") or (package.exact and package.exact.local):
        return claimed
    default = default_backend(stack, tables)
    if claimed is None or (default is not None and claimed.same(default)):
        return default
    return claimed


def default_backend(stack: Stack, tables: Tables) -> Backend | None:
    """Return what the default index's wheel of the stack's torch is; for Linux x86_64 when not stated.

    None when torch is not pinned, is a release without a row, has no wheel on that platform, or may come
    from another place than PyPI: only there does a version without local part stand for one build.
    """
    release = torch_release(stack, tables)
    version = pinned(stack, "torch")
    if release is None or version is None or version.local or not from_pypi("torch", stack, tables):
        return None
    return on_pypi("torch", release.torch, release, platform_of(stack))


def on_pypi(name: str, version: Version, release: Release, platform: str) -> Backend | None:
    """Return what the wheel of torch on PyPI is for a platform, or that of a companion made for `release`."""
    flavor = release.pypi.get(platform)
    if flavor is None:
        return None
    by = f"the wheel of {name} {version.public} on PyPI for {platform}"
    if flavor == CPU:
        return Backend("cpu", None, by, sure=False)
    return Backend("cuda", parse_version(flavor), by, sure=False)


def torch_release(stack: Stack, tables: Tables) -> Release | None:
    """Return the table row of the stack's pinned torch; None when it is not pinned or there is no row."""
    version = pinned(stack, "torch")
    return tables.torch.release(version) if version else None


def has_build(backend: Backend, release: Release) -> bool | None:
    """Tell whether a release was built for a CUDA or ROCm version; None where no list says so.

    A tag names the whole version; a ROCm version that a stack only states is compared by major.minor.
    """
    builds = release.cuda if backend.kind == "cuda" else release.rocm
    if backend.version is None or not builds:
        return None
    if backend.sure:
        return backend.version in builds
    return minor(backend.version) in map(minor, builds)


def not_listed(stack: Stack, tables: Tables, name: str = "torch") -> Finding | None:
    """Say that a wheel may come from a place that the tables do not list; None where they list them all."""
    place = elsewhere(name, stack, tables) if is_wheel(stack.packages.get(name)) else None
    return (
        skipped(f"no data on the wheels of {place}, which may be where {name} comes from") if place else None
    )


def listed_release(stack: Stack, version: Version, tables: Tables) -> Release | Finding:
    """Return the row of a version of torch, or the SKIP that says why the tables cannot judge it."""
    if unlisted := not_listed(stack, tables):
        return unlisted
    release, newest = tables.torch.release(version), tables.torch.newest.torch
    if release is None and version > newest and not version.is_prerelease:
        return no_data(f"torch {version.public}", f"torch {newest}", tables.torch.checked)
    if release is None:
        why = "nightly builds and other pre-releases are not" if version.is_prerelease else "it is not"
        where = f"in the tables of stackcheck, checked on {tables.torch.checked}"
        return skipped(f"no data on torch {version.public}: {why} {where}")
    return release


def pinned(stack: Stack, name: str) -> Version | None:
    """Return the exactly pinned version of a canonical distribution name, else None."""
    package = stack.packages.get(name)
    return package.exact if package else None


def comes_with_image(stack: Stack) -> bool:
    """Tell whether something else than an index may bring the packages: a ready image, a Dockerfile."""
    return bool(stack.image.ready or stack.image.dockerfile)


def is_wheel(package: Package | None) -> bool:
    """Tell whether a package is, or may be, a wheel of an index: not built from source, not from conda."""
    return package is not None and package.origin not in ("source", "conda")


def platform_of(stack: Stack) -> str:
    """Return the stated platform, else Linux on x86_64, which the official CUDA wheels are first made for."""
    return stack.platform or _DEFAULT_PLATFORM


def python_of(stack: Stack) -> str | None:
    """Return the stated Python as major.minor."""
    return minor(stack.python) if stack.python else None


def _claimed(stack: Stack) -> Backend | None:
    if stack.rocm or stack.accelerator == "rocm":
        version = parse_version(stack.rocm) if stack.rocm else None
        return Backend("rocm", version, "the stack", sure=False)
    if stack.cuda:
        return Backend("cuda", parse_version(minor(stack.cuda)), "the stack", sure=False)
    return None


def _agreed(urls: Iterable[str | None]) -> Backend | None:
    tags = [tag for tag in (index_tag(url) for url in urls if url) if tag]
    return tags[0] if tags and all(tag.same(tags[0]) for tag in tags) else None
