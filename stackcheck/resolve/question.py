"""What is asked of uv for one stack, read from its definition once: resolver, doubt and lock take this value.

Each round of resolving learns something, such as a package that exists as source only; the next round asks a
changed question. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcheck.environment.uv_platforms import uv_platform
from stackcheck.model.index_urls import places
from stackcheck.model.platforms import judged_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.version import Version

    from stackcheck.intake.stack import Package, Stack
    from stackcheck.model.index_urls import Place


@dataclass(frozen=True, slots=True)
class Given:
    """A distribution that is there before pip looks: its version, and what it requires itself where known."""

    version: Version
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """One question to the resolver.

    Stated: `python`, `platform` (as stackcheck names it), `packages`, `requires`, `constraints`, `overrides`,
    the `places` that are searched, whether they replace PyPI, whether source builds are forbidden.
    `assumed_python` says that no Python is stated. Learned: `lenient` asks with the newest glibc and patch
    release of Python where none is stated; `built` may be source archives; `given` are installed already;
    `absent` are left out, whoever requires them; `loosened` are taken without their requirements.
    """

    stack: Stack = field(repr=False)
    python: str
    platform: str
    packages: Mapping[str, Package] = field(repr=False)
    places: tuple[Place, ...] = field(repr=False)
    assumed_python: bool = False
    lenient: bool = False
    built: frozenset[str] = frozenset()
    given: Mapping[str, Given] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    loosened: frozenset[str] = frozenset()

    @property
    def stated_sources(self) -> frozenset[str]:
        """Return the packages that the stack itself builds from the source archive of an index."""
        return frozenset(n for n, p in self.packages.items() if p.origin == "source" and not p.direct)

    @property
    def replaces_pypi(self) -> bool:
        """Tell whether the stack states an index in place of PyPI."""
        return bool(self.stack.index.url)

    @property
    def forbids_builds(self) -> bool:
        """Tell whether the stack forbids source builds."""
        return self.stack.source_builds == "forbid"

    @property
    def asks_python(self) -> str:
        """Return the version of Python that uv is asked for."""
        newest_patch = self.lenient and self.python.count(".") == 1
        return f"{self.python}.99" if newest_patch else self.python

    @property
    def assumed(self) -> tuple[str, ...]:
        """Return what of it the stack does not state, in the words of a report."""
        python = (f"Python {self.python}",) if self.assumed_python else ()
        patch = (
            (f"the newest patch release of Python {self.python}",) if self.asks_python != self.python else ()
        )
        return (*python, *uv_platform(self.stack, lenient=self.lenient)[1], *patch)

    @property
    def uv_platform(self) -> str:
        """Return the platform as uv names it."""
        return uv_platform(self.stack, lenient=self.lenient)[0]

    @property
    def title(self) -> str:
        """Return Python and platform as a message names them: "Python 3.11 on linux/amd64"."""
        return f"Python {self.python} on {self.platform}"

    def place_of(self, url: str) -> Place | None:
        """Return the place that a URL without credentials lies in."""
        fitting = [p for p in self.places if url.rstrip("/").startswith(p.shown.rstrip("/"))]
        return max(fitting, key=lambda place: len(place.shown), default=None)

    def without_place(self, place: Place) -> Question:
        """Return the question without one index or page."""
        return replace(self, places=tuple(each for each in self.places if each != place))

    def without(self, name: str) -> Question:
        """Return the question without a package, whoever requires it."""
        return replace(self, absent=self.absent | {name}, built=self.built - {name})


def question_of(stack: Stack, python: str = "") -> Question:
    """Read a stack once; `python` is what to assume where it states none."""
    question = Question(
        stack=stack,
        python=stack.python or python,
        platform=judged_for(stack.platform),
        packages=stack.packages,
        places=places(stack),
        assumed_python=stack.python is None,
    )
    given, absent = {}, set()
    for name, package in stack.packages.items():
        if package.origin != "conda" and not package.direct:
            continue
        if package.exact is not None:
            given[name] = Given(package.exact)
        else:
            absent.add(name)
    return replace(question, built=question.stated_sources, given=given, absent=frozenset(absent))


def required_of(line: str) -> str:
    """Return the canonical name that a requirement such as "mmcv>=1.3,<1.5" is about."""
    return canonicalize_name(Requirement(line).name)
