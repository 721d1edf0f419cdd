"""What resolving a stack gives: `Resolution` (the exact files) or `Unresolved` (why there is none)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from packaging.version import Version

Kind: TypeAlias = Literal[
    "conflict",  # two requirements exclude each other
    "not-found",  # no index or page that was read has the distribution, or the version
    "no-wheel",  # the version is there, but only as source, and no source build is allowed
    "no-python-wheel",  # wheels are there, but none for this Python
    "no-platform-wheel",  # wheels are there, but none for this platform or glibc
    "unreachable",  # DNS, connection refused, time-out, TLS: nothing was learned about the pins
    "denied",  # 401 or 403
    "bad-index",  # 5xx, a truncated page, a page that is no HTML, a find-links page that is not there
    "offline",  # the cache does not have it, and the network was not to be used
    "not-stated",  # the stack pins nothing, or states no Python
    "resolver",  # uv itself could not be run, or said something that is not understood
]

PROVEN: frozenset[Kind] = frozenset(
    {"conflict", "not-found", "no-wheel", "no-python-wheel", "no-platform-wheel"}
)
"""The kinds that say something about the stack; all others say that it could not be checked."""
THE_STACK = "the stack"
"""Who requires what the definition itself states, in a message."""


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One distribution of a resolution, with the one file that this Python and platform would install.

    `url` and `index` carry no credentials; `sha256` is hexadecimal, "" when the index states none; `size` in
    bytes; `uploaded` as ISO 8601 text; `requires` names the distributions that it drew in, canonical.
    """

    name: str
    version: Version
    filename: str
    url: str = ""
    index: str = ""
    sha256: str = ""
    size: int | None = None
    uploaded: str = ""
    requires: tuple[str, ...] = ()

    @property
    def is_wheel(self) -> bool:
        """Tell a wheel from a source archive."""
        return self.filename.endswith(".whl")


@dataclass(frozen=True)
class Resolution:
    """What would be installed for a stack, and from where.

    `python` and `platform` are what was resolved for (the platform as uv names it), `assumed` what of it the
    stack does not state. `written` is its lock, a PEP 751
    document, or what renders it. `honoured` and `ignored` list the settings of the
    user's environment that took part and that were left out; `left_out` the packages of the stack that were
    not resolved, or not wholly, each with the reason; `silent` the stated indexes that gave nothing and may
    be none; `unreached` the indexes, pages and packages that were left out because something did not answer.
    `given` are the packages that are not pip's to choose: from conda, git, a URL or a path. `source_only` are
    those that pip would build although the stack does not say so: they have no wheel that fits.
    `declared` has the requirements on torch, NumPy and the like, with ranges and markers, by the package
    whose METADATA states them; a package that was not read is absent.
    """

    packages: tuple[LockedPackage, ...]
    python: str
    platform: str
    uv_version: str
    written: str | Callable[[], str] = field(compare=False, repr=False)
    assumed: tuple[str, ...] = ()
    offline: bool = False
    honoured: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    """The packages of the stack that this Python and platform do not have, each with its marker."""
    silent: tuple[str, ...] = ()
    unreached: tuple[Unresolved, ...] = ()
    given: Mapping[str, Version] = field(default_factory=dict)
    source_only: tuple[str, ...] = ()
    declared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seconds: float = field(default=0.0, compare=False)

    @property
    def built(self) -> tuple[LockedPackage, ...]:
        """Return what would be built from source: their own requirements are not part of the resolution."""
        return tuple(package for package in self.packages if not package.is_wheel)

    def parents_of(self, name: str) -> tuple[str, ...]:
        """Return which packages of the resolution require a distribution."""
        return tuple(package.name for package in self.packages if name in package.requires)

    @cached_property
    def lock_text(self) -> str:
        """Return its lock, a PEP 751 document; to judge a resolution nobody needs it."""
        return self.written if isinstance(self.written, str) else self.written()

    @cached_property
    def by_name(self) -> dict[str, LockedPackage]:
        """Return the packages by canonical name."""
        return {package.name: package for package in self.packages}

    def version(self, name: str) -> Version | None:
        """Return the resolved version of a distribution; None when it is not part of the resolution."""
        package = self.by_name.get(canonicalize_name(name))
        return package.version if package else None


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why there is no resolution.

    `requirements` are the two that exclude each other (for kind "conflict"), or the one that has no file;
    `derivation` is uv's own explanation, escaped, bounded and without credentials; `where` the index or page
    that failed, `status` its HTTP status. `exists` names what the indexes have instead; `assumed` is what the
    stack does not state; `who` requires what has no file. `others` are further reasons, found by going on
    without what the first is about.
    """

    kind: Kind
    message: str
    requirements: tuple[str, ...] = ()
    derivation: str = ""
    where: str = ""
    status: int | None = None
    hint: str = ""
    exists: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    offline: bool = False
    who: str = ""
    others: tuple[Unresolved, ...] = ()

    @property
    def proven(self) -> bool:
        """Tell whether it says something about the stack, and not only that it could not be checked."""
        return self.kind in PROVEN
