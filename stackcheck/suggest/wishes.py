"""What somebody wants of a stack beside that it works: what has to hold whatever else moves.

A wish that a stack does not meet counts as a FAIL in the search, and has candidates of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.intake.stack import Package
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.model.versions import LATEST, minor
from stackcheck.suggest.builds import pythons, torch_builds
from stackcheck.suggest.candidates import Generator, Reach
from stackcheck.suggest.change import apply
from stackcheck.suggest.versions import known_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stackcheck.environment import Environment
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.model.resolution import Resolution
    from stackcheck.suggest.change import Edit, Path

WISHED = "WISH"
"""The code of what was asked for and is not so; no rule has it."""
WHEELS = "WHEELS"
"""The code of a source build where another Python has a wheel; no rule has it."""
BACKENDS = ("cuda", "rocm", "cpu")
"""Names of a wish about what torch is built for."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that a stack shall have: `torch==2.8`, `cuda==12.8`, `python>=3.11`, `spconv`.

    `name` is canonical; `cuda`, `rocm` and `cpu` are about the build of torch, `python` about the minor
    version. A package named without its CUDA version (spconv) is met by each of its distributions.
    """

    name: str
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    extras: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as it is typed."""
        specifier = ",".join(sorted(map(str, self.specifier), reverse=True))
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}{specifier}"

    @property
    def version(self) -> str:
        """Return the version as a definition states it: a pin, a range, or "latest"."""
        only = list(self.specifier)
        if len(only) == 1 and only[0].operator in {"==", "==="} and "*" not in only[0].version:
            return only[0].version
        return ",".join(sorted(map(str, only), reverse=True)) or LATEST

    def takes(self, version: Version | None) -> bool:
        """Tell whether a version is one of those that are wanted, its local part left aside."""
        return version is not None and self.specifier.contains(version.public, prereleases=True)

    def found(self, env: Environment, tables: Tables) -> str:
        """Return what the stack has instead, in words; "" where the wish is met."""
        if self.name in BACKENDS:
            return self._of_backend(env)
        if self.name == "python":
            have = env.stack.python
            return "" if have and self.takes(Version(minor(have))) else f"Python is {have or 'not stated'}"
        if self.name == "torch":
            version = env.torch.version
            return "" if self.takes(version) else f"torch is {version or 'not known'}"
        return self._of_package(env, tables)

    def _of_backend(self, env: Environment) -> str:
        torch = env.torch
        have = torch.backend.version if torch.backend else None
        if torch.kind == self.name and (self.name == "cpu" or (have and self.takes(Version(minor(have))))):
            return ""
        return f"it is {torch.title}"

    def _of_package(self, env: Environment, tables: Tables) -> str:
        names = [each for each in (self.name, *served_by(self.name, tables)) if each in env.stated]
        for name in names:
            have = env.packages[name]
            if self.takes(have.exact) or (have.exact is None and have.specifier == self.specifier):
                return ""
        return f"{names[0]} is {env.packages[names[0]].version}" if names else f"{self.name} is missing"


def served_by(name: str, tables: Tables) -> tuple[str, ...]:
    """Return the distributions of a package that carry their CUDA version in the name: spconv-cu126."""
    return tuple(
        each
        for each in sorted(tables.measured.names)
        if each.startswith(f"{name}-cu") and tables.wheels.named_cuda(each)
    )


@dataclass(frozen=True, slots=True)
class Wishes:
    """All that is wanted of one stack.

    `wheels`: rather another Python than a source build of what has wheels for that one.
    """

    every: tuple[Wish, ...] = ()
    wheels: bool = False

    def __iter__(self) -> Iterator[Wish]:
        """Yield them in the order in which they were typed."""
        return iter(self.every)

    def without(self, *names: str) -> Wishes:
        """Return them without those of some names."""
        return replace(self, every=tuple(each for each in self.every if each.name not in names))

    def of(self, name: str) -> Wish:
        """Return what is wanted of a name: anything, where nothing was typed."""
        return next((each for each in self.every if each.name == name), Wish(name))

    def names(self, *names: str) -> bool:
        """Tell whether something is wanted of one of these names."""
        return any(each.name in names for each in self.every)

    def unmet(self, env: Environment, tables: Tables) -> Iterator[tuple[Wish, str]]:
        """Yield what a stack does not meet, and what it has instead."""
        for wish in self.every:
            if found := wish.found(env, tables):
                yield wish, found

    def against(self, env: Environment, tables: Tables) -> Iterator[Verdict]:
        """Yield what a stack does not meet as FAILs."""
        for wish, found in self.unmet(env, tables):
            message = f"{found}, and {wish} was asked for."
            yield Verdict(WISHED, "What was asked for", Outcome.FAIL, message, str(wish), found)

    def built(self, resolution: Resolution, has_wheels: Callable[[str], bool]) -> Iterator[Verdict]:
        """Yield what would be built from source though an index has wheels of it, as FAILs."""
        for name in resolution.source_only if self.wheels else ():
            if has_wheels(name):
                message = (
                    f"{name} {resolution.version(name)} would be built from source: it has wheels, "
                    f"and none for Python {resolution.python}."
                )
                yield Verdict(WHEELS, "Wheels are there", Outcome.FAIL, message, subject=name)

    @property
    def generators(self) -> tuple[Generator, ...]:
        """Return the candidates for what is not met."""
        return (
            Generator(f"{__name__}.wished", (WISHED,), Reach.TORCH, self.edits),
            Generator(f"{__name__}.pythons", (WHEELS,), Reach.PYTHON, pythons),
        )

    def edits(self, env: Environment, tables: Tables) -> Iterator[Edit]:
        """Yield changes after which more of it is met, nearest first."""
        unmet = [wish for wish, _ in self.unmet(env, tables)]
        if any(each.name in {"torch", *BACKENDS} for each in unmet):
            yield from self._torch_edits(env, tables)
        for wish in unmet:
            if wish.name == "python":
                for version in _pythons(wish, env, tables):
                    yield {("python",): version}
            elif wish.name not in {"torch", *BACKENDS}:
                yield from _package_edits(wish, env, tables)

    def _torch_edits(self, env: Environment, tables: Tables) -> Iterator[Edit]:
        about = Wishes(tuple(each for each in self.every if each.name in {"torch", *BACKENDS}))
        # A range has no nearest build: the newest of what is wanted stands in its place first.
        start = env
        given: dict[Path, Any] = {}
        if env.torch.version is None:
            start = env.changed(_pinned(env.stack, self.of("torch"), tables))
            given["packages", "torch"] = start.stack.packages["torch"]
        for edit in (given, *torch_builds(start, tables)):
            whole = {**given, **edit}
            if whole and not any(about.unmet(env.changed(apply(env.stack, whole)), tables)):
                yield whole
        row, wish = env.stack.packages.get("torch"), self.of("torch")
        version = wish.version
        known = any(wish.takes(each.torch) for each in tables.torch.releases)
        if row is not None and version[0].isdecimal() and not known:
            own = {"version": version, "index": None, "find_links": None}
            yield {("packages", "torch"): row.model_copy(update=own)}


def _pinned(stack: Stack, wish: Wish, tables: Tables) -> Stack:
    fits = [row.torch for row in tables.torch.releases if wish.takes(row.torch)]
    row = stack.packages.get("torch", Package(version=LATEST))
    version = str(max(fits)) if fits else wish.version
    return apply(stack, {("packages", "torch"): row.model_copy(update={"version": version})})


def _pythons(wish: Wish, env: Environment, tables: Tables) -> list[str]:
    """Return the wanted Pythons that some torch has wheels for, nearest to the present one first."""
    now = Version(env.stack.python) if env.stack.python else None
    known = {each for row in tables.torch.releases for each in row.python.get(env.platform, ())}
    fits = [Version(each) for each in known if not each.endswith("t") and wish.takes(Version(each))]
    fits.sort(key=lambda each: abs(each.minor - now.minor) if now else -each.minor)
    return [str(each) for each in fits]


def _package_edits(wish: Wish, env: Environment, tables: Tables) -> Iterator[Edit]:
    """Yield what is wanted of a package: the newest known version of a range, a pin, else the range."""
    families = served_by(wish.name, tables)
    there = [each for each in (wish.name, *families) if each in env.stack.packages]
    for name in there or (wish.name,):
        row: Any = env.stack.packages.get(name, Package(version=LATEST))
        known = [each for each in known_versions(name, tables) if wish.takes(each) and not each.is_prerelease]
        for version in dict.fromkeys((*map(str, reversed(known[-8:])), wish.version)):
            yield {("packages", name): row.model_copy(update={"version": version})}
