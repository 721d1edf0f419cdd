"""Which torch pinned packages draw in, by their METADATA alone: that of `vllm = "0.11.0"` is 2.8.0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import exact_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    from stackcheck.knowledge import Tables


@dataclass(frozen=True, slots=True)
class Required:
    """The torch that a package requires, where it accepts one version alone, and the row that says so."""

    exact: Version | None
    evidence: Evidence


def required_torch(pins: Mapping[str, Version], tables: Tables) -> Required | None:
    """Return the torch that pinned packages draw in: the first that one version alone is accepted of.

    A second package that asks for another one is for NEEDS101 and its like, as it would be beside a pin.
    """
    loose = None
    for name, version in pins.items():
        for accepted, source in _accepted(name, version, tables):
            evidence = Evidence(f"{name} {version} requires torch{accepted}", source)
            exact = exact_version(str(accepted))
            if exact is not None:
                return Required(exact, evidence)
            loose = loose or Required(None, evidence)
    return loose


def _accepted(name: str, version: Version, tables: Tables) -> Iterator[tuple[SpecifierSet, str]]:
    row = tables.packages.declared_by(name, version) if name in tables.packages.declared_dists else None
    if row is not None and "torch" in row.needs:
        yield row.needs["torch"], row.cited
    companion = tables.torch.companion(name, version)
    if companion is not None and companion.torch is not None:
        yield companion.torch, companion.cited
