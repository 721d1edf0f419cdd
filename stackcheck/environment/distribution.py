"""One distribution of a stack: what is stated of it, and what the resolver takes."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from stackcheck.model.verdict import Evidence, Level
from stackcheck.model.versions import LATEST

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    from stackcheck.environment.required import Required
    from stackcheck.intake.stack import BuiltFor, Package
    from stackcheck.model.resolution import LockedPackage


@cache
def _unstated() -> Package:
    """Return the row of a distribution that the stack does not state."""
    from stackcheck.intake.stack import Package  # noqa: PLC0415 - pydantic, which explaining a rule needs not

    return Package(version=LATEST)


OF_A_WHEEL = (None, "wheel", "url")
"""The origins of what is, or may be, a wheel of an index or page."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One distribution of a stack.

    package: the row that states it, an empty one where another package draws it in. stated: whether it stands
    in the definition. locked: the file that the resolver takes, None where it was not asked or left it out.
    required: of torch, what a pinned package asks for, where nothing was resolved.
    """

    name: str
    package: Package = field(default_factory=_unstated)
    stated: bool = True
    locked: LockedPackage | None = None
    required: Required | None = None

    @property
    def exact(self) -> Version | None:
        """Return the one version that it has: as pinned, as the resolver takes it today, or as required."""
        if self.package.exact is not None:
            return self.package.exact
        return self.locked.version if self.locked else self.required.exact if self.required else None

    @property
    def version(self) -> str:
        """Return the version as text for a message: the pin, what a range resolves to, or the range."""
        exact = self.exact
        return str(exact) if exact is not None and self.package.exact is None else self.package.version

    @property
    def specifier(self) -> SpecifierSet:
        """Return what the stack accepts; everything where it states nothing."""
        return self.package.specifier

    @property
    def origin(self) -> str | None:
        """Return where it comes from when that is not a wheel of an index: source, conda, git, url, path."""
        return self.package.origin

    @property
    def built_for(self) -> BuiltFor | None:
        """Return what the stack says that the wheel was compiled against."""
        return self.package.built_for

    @property
    def index(self) -> str | None:
        """Return the index of its own."""
        return self.package.index

    @property
    def find_links(self) -> str | None:
        """Return the find-links page of its own."""
        return self.package.find_links

    @property
    def is_wheel(self) -> bool:
        """Tell whether it is, or may be, a wheel of an index or page."""
        return self.package.origin in OF_A_WHEEL

    @property
    def level(self) -> Level:
        """Return the level of the evidence for its version."""
        return Level.RESOLVED if self.locked is not None and self.package.exact is None else Level.STATED

    @property
    def chosen(self) -> Evidence | None:
        """Return what says which version it has where the stack pins none; None for a pin."""
        if self.package.exact is not None:
            return None
        if self.locked is None:
            return self.required.evidence if self.required and self.required.exact else None
        why = (
            f"what `{self.package.version}` resolves to today"
            if self.stated
            else "drawn in by other packages"
        )
        return Evidence(f"{self.name} {self.locked.version} is {why}", self.locked.index)


class Recorded(Mapping[str, Distribution]):
    """Distributions by name; looking one up is remembered, walking over all of them is not."""

    def __init__(self, found: dict[str, Distribution], asked: set[str]) -> None:
        self._found, self._asked = found, asked

    def __getitem__(self, name: str) -> Distribution:
        found = self._found[name]
        self._asked.add(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def get(self, name: str, default: Any = None) -> Any:
        """Return one of them, as `Mapping.get` does, which takes an exception for one that is not there."""
        return self[name] if name in self._found else default

    def keys(self) -> KeysView[str]:
        """Return the names; a dictionary's own view is a set, and five times as fast as that of a Mapping."""
        return self._found.keys()

    def items(self) -> ItemsView[str, Distribution]:
        """Return all of them, without a record."""
        return self._found.items()

    def values(self) -> ValuesView[Distribution]:
        """Return all of them, without a record."""
        return self._found.values()
