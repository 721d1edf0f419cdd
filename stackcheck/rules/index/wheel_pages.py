"""Pages of wheels that projects publish beside PyPI."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Distribution, Environment
    from stackcheck.environment.sources import Source
    from stackcheck.knowledge.wheels import WheelHost

PYG = ("torch-scatter", "torch-sparse", "torch-cluster", "torch-spline-conv", "pyg-lib")


def pages(env: Environment) -> Iterator[tuple[str, Distribution, Source, WheelHost]]:
    """Yield (distribution, record, page, its host) for each page of a project that a wheel may come from."""
    for name, package in env.packages.items():
        for place in env.sources(name):
            host = place.host
            if host and host.dists and (name in host.dists or place.url == package.find_links):
                yield name, package, place, host
