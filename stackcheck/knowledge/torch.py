"""torch releases, their official builds, and what torchvision and torchaudio require of torch.

Facts come from wheels on the package index (METADATA, file names, bytes) first, build scripts second.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property, lru_cache
from typing import Literal

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge import measured
from stackcheck.knowledge.reading import Row, require, unique
from stackcheck.knowledge.told import Told, table
from stackcheck.model.build import cuda_tag
from stackcheck.model.platforms import PLATFORMS
from stackcheck.model.versions import minor, parse_version, release_key
from stackcheck_probes.binaries.capability import Code, Ptx, Sass

CPU = "cpu"
COMPANIONS = ("torchvision", "torchaudio")


class Release(Row, frozen=True, kw_only=True):
    """One release of torch.

    cuda, rocm: the versions it was built for, on any index (Linux). pypi: platform -> what the default
    index's wheel is, a CUDA version or "cpu". python: platform -> Pythons with a wheel there, "3.13t" being
    free-threaded; where the row has none, those of the measured tags. glibc: the least that the Linux wheels
    need, whatever their file name says. conda_glibc: the same for the conda build, where known. numpy: major
    version of the NumPy C API it was built against; numpy_windows: the same for the Windows wheels,
    where it differs.
    abi: whether Linux wheels use the C++11 ABI (a build may say otherwise). cudnn: its major version.
    """

    torch: Version
    uploaded: date | None = None
    cuda: tuple[Version, ...] = ()
    cuda_unverified: bool = False
    rocm: tuple[Version, ...] = ()
    pypi: Mapping[str, str]
    python: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    glibc: Version
    conda_glibc: Version | None = None
    abi: bool | None = None
    numpy: int | None = None
    numpy_windows: int | None = None
    cudnn: int | None = None

    def numpy_on(self, platform: str) -> int | None:
        """Return the major version of the NumPy C API that the wheels of a platform were built against."""
        return (self.numpy_windows if platform.startswith("windows") else None) or self.numpy


class Build(Row, frozen=True, kw_only=True):
    """One official build: (torch, CUDA, platform).

    channels: "pypi" and/or "index" (download.pytorch.org). glibc: where it is not that of the release. sm,
    ptx: the code that every kernel has; None where no source says it. cudnn, nccl, triton: what its METADATA
    pins (`triton` may be a range).
    """

    torch: Version
    cuda: Version
    platform: str
    channels: tuple[Literal["pypi", "index"], ...]
    sm: tuple[Sass, ...] | None = None
    ptx: tuple[Ptx, ...] | None = None
    abi: bool | None = None
    glibc: Version | None = None
    cudnn: Version | None = None
    nccl: Version | None = None
    triton: str | None = None
    triton_marker: str | None = None
    extra_sass: tuple[Sass, ...] = ()
    """Code that single files carry: it never extends the set of devices."""
    evidence: Literal["wheel-bytes", "build-script", "runtime-table", "release-notes", "third-party"]

    @cached_property
    def codes(self) -> tuple[Code, ...] | None:
        """Everything a device could run; None when the list is not known."""
        return None if self.sm is None else (*self.sm, *(self.ptx or ()))

    @cached_property
    def listed(self) -> str:
        """The same as text: "sm_80 sm_90 compute_90"."""
        return " ".join(map(str, self.codes or ()))

    @cached_property
    def title(self) -> str:
        """Like "torch 2.5.0+cu124 (linux/amd64)"."""
        return f"torch {self.torch}+{cuda_tag(self.cuda)} ({self.platform})"


class Companion(Row, frozen=True, kw_only=True):
    """One release of torchvision or torchaudio.

    torch: what its METADATA requires, None for nothing. needs_torch: the first torch that has the symbols its
    libraries use, where METADATA does not say it.
    """

    name: Literal["torchvision", "torchaudio"]
    version: Version
    torch: SpecifierSet | None = None
    needs_torch: Version | None = None
    python: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Platform -> Pythons with a wheel, ("3",) for a wheel that serves every Python 3; those of the measured
    tags where the row has none."""
    pypi_cuda: Version | None = None
    """CUDA version of its Linux wheel on PyPI, for one that is used beside several releases of torch."""
    yanked: str = ""

    def accepts(self, torch: Version) -> bool:
        """Tell whether it fits this torch; local parts are left aside, pre-releases count."""
        if self.needs_torch is not None and torch.release < self.needs_torch.release:
            return False
        return self.torch is None or _admits(self.torch, torch.public)


class ArchNames(Row, frozen=True, kw_only=True):
    """What `torch.utils.cpp_extension` accepts in TORCH_CUDA_ARCH_LIST, from release `since` on.

    names: generation -> the entries it stands for, replaced in this order. native: the word "native" is
    taken.
    """

    since: Version
    arches: tuple[str, ...]
    names: Mapping[str, str]
    native: bool = False


class HostCompiler(Row, frozen=True, kw_only=True):
    """The oldest gcc that torch's headers accept, from release `since` to before `until`."""

    since: Version
    until: Version
    gcc: int


class TorchTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Releases in order, builds and companions, indexed."""

    checked: date
    releases: tuple[Release, ...]
    builds: tuple[Build, ...]
    companions: tuple[Companion, ...]
    arch_names: tuple[ArchNames, ...]
    compilers: tuple[HostCompiler, ...]
    _release: dict[str, Release]
    _place: dict[str, int]
    _build: dict[tuple[str, str, str], Build]
    _builds: dict[str, tuple[Build, ...]]
    _companion: dict[tuple[str, str], Companion]
    _with: dict[tuple[str, str], tuple[Release, ...]]
    _near: dict[str, tuple[Build, ...]] = msgspec.field(default_factory=dict)
    _for_torch: dict[tuple[str, str], tuple[Companion, ...]] = msgspec.field(default_factory=dict)

    @property
    def newest(self) -> Release:
        """Return the last release that the table knows."""
        return self.releases[-1]

    def release(self, torch: Version | str) -> Release | None:
        """Return the row of a release, local part left aside; None is "no data"."""
        return self._release.get(release_key(torch))

    def distance(self, one: Version, other: Version) -> int:
        """Return how many releases lie between two that the table knows."""
        return abs(self._place[release_key(one)] - self._place[release_key(other)])

    def build(self, torch: Version | str, cuda: Version | str, platform: str) -> Build | None:
        """Return the row of one build; CUDA is compared by major.minor."""
        return self._build.get((release_key(torch), minor(cuda), platform))

    def builds_of(self, torch: Version | str, cuda: Version | str | None = None) -> tuple[Build, ...]:
        """Return every known build of a release, or those for one CUDA version."""
        rows = self._builds.get(release_key(torch), ())
        return rows if cuda is None else tuple(row for row in rows if minor(row.cuda) == minor(cuda))

    def builds_near(self, build: Build) -> tuple[Build, ...]:
        """Return the verified builds for the same platform, nearest release first, newer before older."""

        def far(row: Build) -> tuple[int, bool, bool, int, int]:
            steps, older = self.distance(row.torch, build.torch), row.torch < build.torch
            apart = abs(row.cuda.major - build.cuda.major), abs(row.cuda.minor - build.cuda.minor)
            return (steps, older, row.cuda < build.cuda, *apart)

        if build.title not in self._near:
            rows = (row for row in self.builds if row.platform == build.platform and not row.unverified)
            self._near[build.title] = tuple(sorted(rows, key=far))
        return self._near[build.title]

    def releases_with(self, kind: str, version: Version) -> tuple[Release, ...]:
        """Return the releases that were built for a CUDA ("cuda") or ROCm ("rocm") version."""
        return self._with.get((kind, str(version)), ())

    def companion(self, name: str, version: Version | str) -> Companion | None:
        """Return the row of a torchvision or torchaudio release; None is "no data"."""
        return self._companion.get((name, release_key(version)))

    def companions_for(self, name: str, torch: Version) -> tuple[Companion, ...]:
        """Return the releases of a companion that fit this torch, newest last, none withdrawn."""
        key = (name, release_key(torch))
        if key not in self._for_torch:  # the same few releases are asked for again and again
            rows = (row for row in self.companions if row.name == name and not row.yanked)
            self._for_torch[key] = tuple(row for row in rows if row.accepts(torch))
        return self._for_torch[key]

    def releases_for(self, companion: Companion) -> tuple[Release, ...]:
        """Return the torch releases that a companion accepts."""
        return tuple(release for release in self.releases if companion.accepts(release.torch))

    def arch_names_of(self, torch: Version) -> ArchNames | None:
        """Return what a release of torch accepts as arch list; None for one before the table begins."""
        rows = [row for row in self.arch_names if row.since.release <= torch.release]
        return rows[-1] if rows else None

    def compiler_of(self, torch: Version) -> HostCompiler | None:
        """Return the oldest gcc that the headers of a release accept; None is "no data"."""
        rows = (row for row in self.compilers if row.since.release <= torch.release < row.until.release)
        return next(rows, None)

    def abi(self, torch: Version | str, cuda: Version | str | None, platform: str) -> bool | None:
        """Return whether an official build uses the C++11 ABI; None where no row says so.

        `cuda` None asks for the release as a whole (its PyPI wheel).
        """
        build = self.build(torch, cuda, platform) if cuda else None
        if build is not None and build.abi is not None:
            return build.abi
        release = self.release(torch)
        return release.abi if release else None


@table
def load(told: Told) -> TorchTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    tags = measured.load(told.folders)
    releases = tuple(
        row if row.python else msgspec.structs.replace(row, python=TaggedPythons("torch", row.torch, tags))
        for row in told.rows("release", Release, order=lambda row: row.torch)
    )
    builds = told.rows("build", Build)
    companions = tuple(
        row if row.python else msgspec.structs.replace(row, python=TaggedPythons(row.name, row.version, tags))
        for name in COMPANIONS
        for row in told.rows("companion", Companion, name, order=lambda row: row.version)
    )
    arch_names = told.rows("arch_list", ArchNames, order=lambda row: row.since)
    by_version = unique(releases, lambda row: release_key(row.torch), "torch")
    _prove_releases(releases)
    _prove_builds(builds, by_version)
    _prove_companions(companions)
    _prove_arch_names(arch_names)
    return TorchTable(
        checked=told.checked("release"),
        releases=releases,
        builds=builds,
        companions=companions,
        arch_names=arch_names,
        compilers=told.rows("host_compiler", HostCompiler),
        _release=by_version,
        _with={
            (kind, version): tuple(row for row in releases if version in map(str, getattr(row, kind)))
            for kind in ("cuda", "rocm")
            for version in {str(each) for row in releases for each in getattr(row, kind)}
        },
        _place={version: place for place, version in enumerate(by_version)},
        _build=unique(builds, lambda row: (release_key(row.torch), minor(row.cuda), row.platform), "build"),
        _builds={
            version: tuple(r for r in builds if release_key(r.torch) == version) for version in by_version
        },
        _companion=unique(companions, lambda row: (row.name, release_key(row.version)), "companion"),
    )


class TaggedPythons(Mapping[str, tuple[str, ...]]):
    """Platform -> Pythons with a wheel of a version, by its measured tags, read when it is asked."""

    def __init__(self, name: str, version: Version, tags: measured.MeasuredTable) -> None:
        self._name, self._version, self._tags = name, version, tags

    @cached_property
    def _found(self) -> dict[str, tuple[str, ...]]:
        row = self._tags.row(self._name, self._version)
        found = {platform: row.pythons(platform) for platform in PLATFORMS} if row else {}
        return {platform: tuple(map(_token, words)) for platform, words in found.items() if words}

    def __getitem__(self, platform: str) -> tuple[str, ...]:
        return self._found[platform]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _token(words: str) -> str:
    return "3" if words == "every Python 3" else words.replace(" and later", "+")


@lru_cache(maxsize=16384)
def _admits(specifier: SpecifierSet, version: str) -> bool:
    # Two yanked releases pin a local version of torch: `==2.0.0+cu117`.
    return SpecifierSet(re.sub(r"\+[\w.]+", "", str(specifier))).contains(version, prereleases=True)


def _prove_releases(releases: tuple[Release, ...]) -> None:
    previous = None
    for row in releases:
        later = previous is None or previous < row.torch
        require(row, "torch", holds=later, else_say=f"{row.torch} after {previous}: releases are sorted")
        previous = row.torch
        _prove_pythons(row, row.python)
        require(row, "cuda", holds=list(row.cuda) == sorted(row.cuda), else_say="versions are sorted")
        require(row, "rocm", holds=list(row.rocm) == sorted(row.rocm), else_say="versions are sorted")
        for platform, flavor in row.pypi.items():
            known = flavor == CPU or parse_version(flavor) in row.cuda
            require(row, f"pypi.{platform}", holds=known, else_say=f"{flavor} is not among the row's cuda")
            listed = isinstance(row.python, TaggedPythons) or platform in row.python
            require(row, f"pypi.{platform}", holds=listed, else_say="no wheel is listed there")


def _prove_builds(builds: Iterable[Build], releases: Mapping[str, Release]) -> None:
    for row in builds:
        release = releases.get(release_key(row.torch))
        require(row, "torch", holds=release is not None, else_say=f"{row.torch} has no [[release]] row")
        require(row, "platform", holds=row.platform in PLATFORMS, else_say=f"unknown: {row.platform}")
        if release is None:
            continue
        listed = row.cuda in release.cuda
        require(row, "cuda", holds=listed, else_say=f"{row.cuda} is not in the release's cuda")
        default = release.pypi.get(row.platform) == minor(row.cuda)
        says = "only the build that the release's `pypi` names is on PyPI"
        require(row, "channels", holds=("pypi" in row.channels) == default, else_say=says)
        codes = [(code.capability.sm, code.suffix) for code in row.sm or ()]
        require(row, "sm", holds=codes == sorted(set(codes)), else_say="sorted, each once")


def _prove_companions(companions: Iterable[Companion]) -> None:
    previous: dict[str, Version] = {}
    for row in companions:
        later = row.name not in previous or previous[row.name] < row.version
        require(row, "version", holds=later, else_say=f"{row.version}: rows are sorted by version")
        previous[row.name] = row.version
        _prove_pythons(row, row.python)


def _prove_arch_names(rows: Iterable[ArchNames]) -> None:
    previous = None
    for row in rows:
        later = previous is None or previous < row.since
        require(row, "since", holds=later, else_say=f"{row.since}: rows are sorted")
        previous = row.since
        for name, entries in row.names.items():
            known = all(entry.removesuffix("+PTX") in row.arches for entry in entries.split(";"))
            require(row, f"names.{name}", holds=known, else_say=f"{entries} is not among the row's arches")


def _prove_pythons(row: Row, pythons: Mapping[str, tuple[str, ...]]) -> None:
    if isinstance(pythons, TaggedPythons):
        return
    for platform, versions in pythons.items():
        key = f"python.{platform}"
        require(row, key, holds=platform in PLATFORMS, else_say=f"unknown platform {platform}")
        sane = all(v == "3" or (v.startswith("3.") and v[2:].rstrip("t+").isdecimal()) for v in versions)
        require(row, key, holds=sane and bool(versions), else_say="Pythons are written 3.11 or 3.13t")
        numbers = [(int(v[2:].rstrip("t+") or 0), v) for v in versions]
        require(row, key, holds=numbers == sorted(set(numbers)), else_say="Pythons are sorted, each once")
