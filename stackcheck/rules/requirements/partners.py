"""What a stack has of a distribution that another one depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.evidence import Level
from stackcheck.model.versions import ranges_meet, spelled

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

    from stackcheck.environment import Environment

BOTH = (Level.STATED, Level.RESOLVED)


@dataclass(frozen=True, slots=True)
class _Partner:
    """What the stack has of the distribution that another one depends on: a version, or only a range."""

    name: str
    exact: Version | None
    accepted: SpecifierSet | None
    level: Level

    @property
    def shown(self) -> str:
        text = self.exact.public if self.exact else spelled(self.accepted) if self.accepted else ""
        return f"{self.name} {text}"

    def fits(self, wanted: SpecifierSet) -> bool:
        if self.exact is not None:
            return wanted.contains(self.exact.public, prereleases=True)
        return self.accepted is None or ranges_meet(self.accepted, wanted)


def _partner(env: Environment, name: str) -> _Partner | None:
    package = env.packages.get(name)
    if name == "python":
        exact, level = (Version(env.python) if env.python else None), Level.STATED
    elif name == "torch":
        exact, level = env.torch.version, env.torch.level
    else:
        exact, level = (package.exact, package.level) if package else (None, Level.STATED)
    if exact is None and (package is None or not package.specifier):
        return None
    return _Partner(name, exact, package.specifier if package else None, level)
