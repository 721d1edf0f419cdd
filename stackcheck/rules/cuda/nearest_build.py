"""The build of torch that is nearest to a wanted CUDA version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.build import cuda_tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.version import Version

    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import Release
    from stackcheck.model.build import Backend


def nearest_build(backend: Backend | None, release: Release, tables: Tables) -> str:
    """Name the builds that a release has instead, and the nearest release that has this one."""
    if backend is None:
        return f"take a build of torch {release.torch} that exists"
    tags = tags_of(release.cuda if backend.kind == "cuda" else release.rocm, backend.kind)
    others = tables.torch.releases_with(backend.kind, backend.version or release.torch)
    near = min(
        (row.torch for row in others),
        key=lambda version: (version < release.torch, tables.torch.distance(version, release.torch)),
        default=None,
    )
    of_tag = f", or torch {near}+{backend.tag}" if near else ""
    return f"take torch {release.torch}+{tags[-1]} (tags of this release: {', '.join(tags)}){of_tag}"


def tags_of(versions: Iterable[Version], kind: str) -> list[str]:
    """Return the tags of builds for these versions of CUDA or ROCm: cu124, rocm6.2."""
    return [cuda_tag(each) if kind == "cuda" else f"rocm{each}" for each in versions]
