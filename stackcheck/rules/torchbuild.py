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

from stackcheck.tables.reading import parse_version
from stackcheck.tables.torch import CPU, cuda_tag, minor
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.definition import Package, Stack
    from stackcheck.tables import Tables
    from stackcheck.tables.torch import Release

Kind = Literal["cuda", "rocm", "cpu"]

_TAG = re.compile(r"(?:cu(?P<cuda>\d{2,3})|rocm(?P<rocm>\d+(?:\.\d+)+)|(?P<cpu>cpu))(?![0-9A-Za-z])")
_DEFAULT_PLATFORM = "linux/amd64"


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

    None when torch is not pinned, is a release without a row, or has no wheel on that platform.
    """
    release = torch_release(stack, tables)
    flavor = release.pypi.get(platform_of(stack)) if release else None
    if release is None or flavor is None:
        return None
    by = f"the wheel of torch {release.torch} on PyPI for {platform_of(stack)}"
    if flavor == CPU:
        return Backend("cpu", None, by, sure=False)
    return Backend("cuda", parse_version(flavor), by, sure=False)


def torch_release(stack: Stack, tables: Tables) -> Release | None:
    """Return the table row of the stack's pinned torch; None when it is not pinned or there is no row."""
    version = pinned(stack, "torch")
    return tables.torch.release(version) if version else None


def pinned(stack: Stack, name: str) -> Version | None:
    """Return the exactly pinned version of a canonical distribution name, else None."""
    package = stack.packages.get(name)
    return package.exact if package else None


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
