"""The Environment: what is known of a stack, one record a distribution, by the strongest evidence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcheck.environment.accelerator import kinds_of_gpus, wanted_accelerator
from stackcheck.environment.distribution import OF_A_WHEEL, Distribution, Recorded
from stackcheck.environment.images import building_image, image_facts, kept_image, running_image
from stackcheck.environment.madefor import made_for
from stackcheck.environment.required import required_torch
from stackcheck.environment.sources import (
    effective_index,
    elsewhere,
    only_pypi,
    source_of,
    sources_of,
    user_index,
)
from stackcheck.environment.torchbuild import of_local, tag_of_places, torch_build
from stackcheck.model.evidence import Evidence, Level
from stackcheck.model.platforms import judged_for
from stackcheck.model.versions import minor, parse_version

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Mapping

    from packaging.version import Version

    from stackcheck.environment.images import ImageFacts
    from stackcheck.environment.madefor import MadeFor
    from stackcheck.environment.sources import Source
    from stackcheck.environment.torchbuild import Answer, TorchBuild
    from stackcheck.intake.stack import Index, Package, Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.assets import Asset
    from stackcheck.knowledge.packages import Needs
    from stackcheck.model.build import Kind
    from stackcheck.model.resolution import LockedPackage, Resolution


T = TypeVar("T")
_BUILT = ("source", "git", "path")
"""The origins of what is built where it is installed."""


@dataclass(frozen=True)
class Environment:
    """What is known of a stack; `user` are the indexes that the user's environment names for uv and pip."""

    stack: Stack
    tables: Tables = field(repr=False)
    user: Index
    resolution: Resolution | None = None
    asked: set[str] = field(default_factory=set, repr=False, compare=False)
    """The distributions that were looked up since the last `forget`: what a verdict rests on."""
    once: Callable[[Hashable, Callable[[Environment], Any], Environment], Any] | None = field(
        default=None, repr=False, compare=False
    )
    """Asks a question of Environments, once of those that are alike in all that it reads."""

    def ask(self, what: Hashable, read: Callable[[Environment], T], of: Environment | None = None) -> T:
        """Return what `read` says of this Environment, or `of` another one; `what` names the question."""
        env = of or self
        return self.once(what, read, env) if self.once is not None else read(env)

    def forget(self) -> None:
        """Begin a new record of what is asked."""
        self.asked.clear()

    def level_of(self, names: Collection[str]) -> Level:
        """Return the strongest level by which versions, or the build of torch, are known."""
        if self.resolution is None:
            return Level.STATED
        known = [self._all[name].level for name in names if name in self._all]
        return max([*known, self._torch.level if "torch" in names else Level.STATED], default=Level.STATED)

    def choices(self, names: Iterable[str]) -> list[Evidence]:
        """Return what says which versions the distributions have that the stack does not pin."""
        found = (self._all[name].chosen for name in sorted(names) if name in self._all)
        return [evidence for evidence in found if evidence]

    def changed(self, stack: Stack) -> Environment:
        """Return what is known of another definition in its place: nothing of it was resolved."""
        return Environment(stack, self.tables, self.user)

    @cached_property
    def index(self) -> Index:
        """Return the indexes of the stack with those of the user's environment."""
        return effective_index(self.stack.index, self.user)

    @cached_property
    def packages(self) -> Mapping[str, Distribution]:
        """Return every distribution by canonical name: those stated, then those drawn in.

        Where pip runs in an image that brings torch nothing is known of what is drawn in, and of a range: it
        keeps what is there, and which versions those are stands in no table.
        """
        return Recorded(self._all, self.asked)

    @cached_property
    def _all(self) -> dict[str, Distribution]:
        locked = self.resolution.by_name if self.resolution else {}
        kept = kept_image(self.stack, self.tables) is not None
        found = {
            name: Distribution(
                name,
                row,
                stated=True,
                locked=None if kept and row.exact is None else _taken(row, locked.get(name)),
            )
            for name, row in self._rows
        }
        if kept:
            return found
        if (torch := self._required(found.get("torch"))) is not None:
            found["torch"] = torch
        drawn = {
            name: Distribution(name, stated=False, locked=each)
            for name, each in locked.items()
            if name not in found
        }
        return {**found, **drawn}

    def _required(self, stated: Distribution | None) -> Distribution | None:
        """Return the torch that the pins require, where they alone decide which one it is."""
        if stated is not None and (stated.exact is not None or stated.origin not in OF_A_WHEEL):
            return None
        overridden = {canonicalize_name(Requirement(text).name) for text in self.stack.overrides}
        if self.resolution is not None or "torch" in overridden or not self.platform.startswith("linux/"):
            return None
        rows = ((name, row) for name, row in self._rows if row.origin in OF_A_WHEEL)
        pins = {name: row.exact for name, row in rows if row.exact is not None}
        found = required_torch(pins, self.tables)
        if stated is None and found is not None:
            return Distribution("torch", stated=False, required=found)
        if stated is None or found is None or found.exact is None:
            return None
        if not stated.specifier.contains(found.exact, prereleases=True):
            return None
        return replace(stated, required=found)

    @property
    def _rows(self) -> Iterable[tuple[str, Package]]:
        return self.stack.packages.items()

    @cached_property
    def infers(self) -> bool:
        """Tell whether versions are known that the stack does not pin: resolved, or required by a pin."""
        return self.resolution is not None or (
            "torch" in self._all and self._all["torch"].required is not None
        )

    @cached_property
    def stated(self) -> Mapping[str, Distribution]:
        """Return the distributions that the definition names."""
        return Recorded({name: self._all[name] for name, _ in self._rows}, self.asked)

    def version(self, name: str) -> Version | None:
        """Return the version of a distribution, pinned or as it resolves; None where it is not known."""
        found = self.packages.get(canonicalize_name(name))
        return found.exact if found else None

    def sources(self, name: str) -> tuple[Source, ...]:
        """Return the indexes and pages that are searched for a distribution."""
        key = canonicalize_name(name)
        if key not in self._sources:
            self._sources[key] = sources_of(key, self.stack.packages.get(key), self.index, self.tables)
        return self._sources[key]

    def taken_from(self, name: str) -> tuple[Source, ...]:
        """Return the place that the resolver took a distribution from, else all that are searched."""
        found = self._all.get(canonicalize_name(name))
        place = (found.locked.index or found.locked.url) if found and found.locked else ""
        if place and not self._answered(name):
            place = ""
        return (source_of(name, place, self.tables),) if place else self.sources(name)

    def _answered(self, name: str) -> bool:
        """Tell whether every place of a distribution was read: one that was not may have another build."""
        silent = [each.where for each in (self.resolution.unreached if self.resolution else ()) if each.where]
        places = [each.url.rstrip("/") for each in self.sources(name)] if silent else []
        return not any(where.startswith(place) for where in silent for place in places)

    @cached_property
    def _sources(self) -> dict[str, tuple[Source, ...]]:
        return {}

    def only_pypi(self, name: str) -> bool:
        """Tell whether PyPI, or a mirror of it, is the only place that a distribution can come from."""
        return only_pypi(self.taken_from(name))

    def elsewhere(self, name: str) -> Source | None:
        """Return a place, neither PyPI nor PyTorch's index, that a distribution may come from."""
        if name not in self._elsewhere:
            self._elsewhere[name] = elsewhere(self.taken_from(name))
        return self._elsewhere[name]

    @cached_property
    def _elsewhere(self) -> dict[str, Source | None]:
        return {}

    def made_for(self, name: str) -> MadeFor | None:
        """Say what a compiled wheel was made for; None where nothing says it."""
        found = self.packages.get(name)
        return made_for(name, found.package, found.exact, self.sources(name), self.tables) if found else None

    def asset(self, name: str) -> Asset | None:
        """Return the row of the wheel that the source of a pin fetches, where PyPI has it as source alone."""
        each = self._all.get(name)
        if each is None or each.exact is None or not self._is_plain(each) or self.made_for(name):
            return None
        return self.tables.assets.of(name, each.exact)

    def builds(self, name: str) -> bool:
        """Tell whether an installer builds a distribution: the stack says so, or there is no wheel of it.

        That there is none says the resolver; where it was not asked, what was read of PyPI.
        """
        each = self._all.get(name)
        if each is None or each.origin is not None:
            return each is not None and each.origin in _BUILT
        if each.locked is not None:
            return not each.locked.is_wheel
        if each.exact is None or not self._is_plain(each):
            return False
        row = self.tables.packages.sdists.get(name)
        if row is not None and row.versions.contains(each.exact, prereleases=True):
            return True
        return self.stack.source_builds != "forbid" and self.lacks_wheel(name)

    def lacks_wheel(self, name: str) -> bool:
        """Tell whether the source archive of a pin is all that PyPI has for the Python and platform.

        That was read of the names of its files; False for what the resolver took, or another place has.
        """
        each = self._all.get(name)
        if each is None or each.exact is None or each.locked is not None or not self._is_plain(each):
            return False
        row = self.tables.measured.row(name, each.exact)
        return row is not None and row.sdist and row.lacks_wheel(self.python, self.platform)

    def _is_plain(self, each: Distribution) -> bool:
        """Tell whether a pin is one of PyPI's releases, as far as the stack says."""
        local = each.exact is not None and each.exact.local
        return each.origin is None and not local and not self.elsewhere(each.name)

    def declared(self, name: str) -> Needs | None:
        """Return what METADATA on PyPI declares of a version.

        None where it is not known, and for what is built, taken from elsewhere, or another build.
        """
        each = self._all.get(name)
        version = each.exact if each else None
        if each is None or version is None or each.origin not in (None, "wheel") or each.built_for:
            return None
        local = version.local or ""
        if self.elsewhere(name) or (local and not (name == "torch" and local.startswith("cu"))):
            return None
        return self.tables.packages.declared_by(name, version)

    def build_of(self, name: str) -> Answer | None:
        """Return what a companion of torch is built for, by its local version or the index that has it."""
        found = self.packages.get(name)
        if found is None or not found.is_wheel:
            return None
        return of_local(name, found.exact) or tag_of_places(self.taken_from(name), found.exact)

    @property
    def torch(self) -> TorchBuild:
        """Return the torch that the stack gets."""
        self.asked.add("torch")
        return self._torch

    @cached_property
    def _torch(self) -> TorchBuild:
        required = self._all["torch"].required if "torch" in self._all else None
        sources = self.taken_from("torch")
        resolution = self.resolution if self._answered("torch") else None
        return torch_build(self.stack, sources, self.tables, resolution, required)

    @cached_property
    def wanted(self) -> Kind | None:
        """Return what the stack says that it is for: "cuda", "rocm", "cpu", or None."""
        return wanted_accelerator(self.stack)

    @property
    def accelerator(self) -> str | None:
        """Return what the stack computes on: what it says, else what its torch is built for."""
        return self.wanted or self.torch.kind

    def concerns(self, kind: Kind) -> bool:
        """Tell whether a stack has to do with an accelerator: it says so, or its torch or one of its GPUs."""
        return kind in (self.wanted, self.torch.kind) or kind in kinds_of_gpus(self.stack)

    @cached_property
    def image(self) -> ImageFacts | None:
        """Return what the image in which the stack runs brings."""
        return running_image(self.stack, self.tables)

    @cached_property
    def build_image(self) -> ImageFacts | None:
        """Return what the image in which source builds are made brings."""
        return building_image(self.stack, self.tables)

    @property
    def toolkit(self) -> tuple[Version, str] | None:
        """Return the CUDA toolkit that compiles, and what says so: the stack, else the image that builds."""
        if self.stack.toolkit:
            return parse_version(minor(self.stack.toolkit)), "the stack"
        image = self.build_image
        return (image.toolkit, f"the image {image.name}") if image and image.toolkit else None

    @cached_property
    def compiled(self) -> tuple[str, ...]:
        """Return the stated distributions that are built from source, torch apart.

        One whose source may fetch a wheel instead is none: WHEEL112 says what it does.
        """
        return tuple(
            name
            for name, each in self.stated.items()
            if name != "torch" and self.builds(name) and (each.origin in _BUILT or self.asset(name) is None)
        )

    @cached_property
    def compiled_with_nvcc(self) -> tuple[str, ...]:
        """Return those of `compiled` that are known to hold code for torch or CUDA.

        Most of what is installed from a repository is Python alone; where nothing is known, nothing is said.
        """
        return tuple(name for name in self.compiled if self._is_native(name))

    def _is_native(self, name: str) -> bool:
        tables = self.tables
        if name in tables.packages.torch_imports or name in tables.unstated.compiled_for:
            return True
        package = self._all[name].package
        stated = package.origin == "source" and not (package.git or package.path)
        if stated or self.stack.builds_in_place(name):
            return True
        measured = tables.measured.package(name)
        return measured is not None and any(row.torch or row.arch or row.cuda for row in measured.rows)

    @property
    def platform(self) -> str:
        """Return the stated platform, else the one that is assumed."""
        return judged_for(self.stack.platform)

    @property
    def python(self) -> str | None:
        """Return the Python as major.minor: stated, else the one that was resolved for."""
        stated = self.stack.python or (self.resolution.python if self.resolution else None)
        return minor(stated) if stated else None

    @property
    def glibc(self) -> tuple[Version, str] | None:
        """Return the glibc, and what says so: stated, by the OS, or by the image that runs."""
        if self.stack.glibc:
            return parse_version(self.stack.glibc), "the system"
        stated = self.tables.systems.find(self.stack.os) if self.stack.os else None
        names = (self.stack.image.ready, self.stack.image.base)
        images = [image_facts(name, self.tables) for name in names if name]
        found = [(stated, self.stack.os or ""), *((image.system, image.name) for image in images)]
        return next(((row.glibc, text) for row, text in found if row and row.glibc), None)

    def accepts(self, name: str, other: str) -> bool:
        """Tell whether the resolver has shown that the METADATA of one distribution accepts another.

        It took both, the first one requires the second, and the stack overrides no requirement on it.
        """
        if self.resolution is None or other in {Requirement(text).name for text in self.stack.overrides}:
            return False
        one, two = (self.resolution.by_name.get(canonicalize_name(each)) for each in (name, other))
        return one is not None and two is not None and two.name in one.requires

    def taken(self, name: str) -> LockedPackage | None:
        """Return the wheel that the resolver found for this Python and platform; None where it took none."""
        found = self._all.get(name)
        locked = found.locked if found else None
        return locked if locked and locked.is_wheel else None


def environment_of(
    stack: Stack,
    tables: Tables,
    environ: Mapping[str, str] | None = None,
    resolution: Resolution | None = None,
) -> Environment:
    """Return what is known of a stack; `environ` names further indexes, `resolution` what was taken."""
    return Environment(stack, tables, user_index(environ or {}), resolution)


def _taken(row: Package, locked: LockedPackage | None) -> LockedPackage | None:
    return locked if row.origin in OF_A_WHEEL else None


def definition_facts(
    stack: Stack,
    tables: Tables,
    environ: Mapping[str, str] | None = None,
    resolution: Resolution | None = None,
) -> dict[str, Any]:
    """Return the facts that rules over a definition need: `stack`, `tables` and `env`."""
    return {"stack": stack, "tables": tables, "env": environment_of(stack, tables, environ, resolution)}
