"""Compiled wheels around torch: what they were made for, where they are, what they need, which are faulty.

A version that no row names is "no data".
"""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from functools import cached_property
from typing import Literal, TypeVar

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require, unique
from stackcheck.knowledge.told import ByPackage, Told, table
from stackcheck_probes.binaries.capability import Capability, Code, parse_code


class Partly(Row, frozen=True, kw_only=True):
    """A package that works without its compiled part; `says` is the sentence for reports, without its end."""

    dist: str
    versions: SpecifierSet
    says: str


class BuiltCuda(Row, frozen=True, kw_only=True):
    """The CUDA version, such as "12.1", that the only wheel on PyPI for some platforms was built for."""

    dist: str
    versions: tuple[Version, ...]
    platforms: tuple[str, ...]
    cuda: str

    @property
    def tag(self) -> str:
        """Return it as a wheel tag: cu121, cu12."""
        return f"cu{self.cuda.replace('.', '')}"


class GpuLibraries(Row, frozen=True, kw_only=True):
    """The CUDA and ROCm versions that wheels on PyPI carry a library for: one is chosen when it is imported.

    nearest: without the one of torch's version, the nearest of the same major version is loaded. by_toolkit:
    it asks the libcudart that it finds in the paths of the host, and not torch, for the version.
    """

    dist: str
    versions: tuple[Version, ...]
    platforms: tuple[str, ...]
    cuda: tuple[Version, ...]
    rocm: tuple[Version, ...] = ()
    nearest: bool = False
    by_toolkit: bool = False

    def for_backend(self, backend: str) -> tuple[Version, ...]:
        """Return the versions of a backend, "cuda" or "rocm", ascending."""
        return self.cuda if backend == "cuda" else self.rocm

    def choose(self, backend: str, version: Version) -> Version | None:
        """Return the version of the library that is loaded beside a torch of `version`, or None."""
        there = self.for_backend(backend)
        if version in there or not self.nearest:
            return version if version in there else None
        same = [each for each in there if each.major == version.major]
        below = [each for each in same if each < version]
        return max(below) if below else min(same, default=None)


class CompiledAgainst(Row, frozen=True, kw_only=True):
    """What the wheels of some versions were compiled against, where neither name nor METADATA say it.

    torch: its minor, "2.3", "" where that is said elsewhere. cuda: "12.8", "" likewise. local: a regular
    expression for the local versions that it is about; "" for wheels without one.
    """

    dist: str
    versions: SpecifierSet
    local: str = ""
    torch: str = ""
    cuda: str = ""

    @property
    def tag(self) -> str | None:
        """Return the CUDA version as a wheel tag: cu128."""
        return f"cu{self.cuda.replace('.', '')}" if self.cuda else None


class LibraryCode(Row, frozen=True, kw_only=True):
    """The GPU code of each library in wheels that carry one for each CUDA version.

    code: CUDA versions, "12.8 12.9" -> what their libraries have code for, "sm_80 sm_90 compute_90".
    """

    dist: str
    versions: tuple[Version, ...]
    platforms: tuple[str, ...]
    code: Mapping[str, str]

    def of(self, cuda: Version) -> tuple[Code, ...]:
        """Return the code of the library for a CUDA version; empty where there is none."""
        words = next((codes for cudas, codes in self.code.items() if str(cuda) in cudas.split()), "")
        return tuple(map(parse_code, words.split()))


class MmcvPage(Row, frozen=True, kw_only=True):
    """One published combination of mmcv: a wheel tag and the torch minors whose page holds that version."""

    versions: tuple[Version, ...]
    tag: str
    torch: tuple[str, ...]


class PygPage(Row, frozen=True, kw_only=True):
    """One torch minor of the PyG wheel pages: the wheel tags that exist for it."""

    torch: str
    tags: tuple[str, ...]
    only: tuple[str, ...] = ()
    """The distributions of that page, where it does not hold all of them."""


class WheelHost(Row, frozen=True, kw_only=True):
    """How a wheel host writes the torch version and the wheel tag into its addresses.

    pattern: a regular expression with the groups `tag` and, where the page is for one torch, `torch`.
    official: the wheels there are built against torch's official wheels. dists: what it is for, "" for all.
    """

    name: str
    pattern: str
    dists: tuple[str, ...] = ()


class LocalScheme(Row, frozen=True, kw_only=True):
    """How projects write torch, CUDA and the C++ ABI into local versions.

    pattern: a regular expression for the whole local version, with the groups `torch`, `tag` and `abi` where
    it has them. digits: "minor" where 25 is 2.5, "patch" where 250 is 2.5.0, "" where the same spelling is
    both in different projects. dists: whose it is, "" for all; the first row that matches counts.
    """

    pattern: str
    digits: Literal["", "minor", "patch"] = ""
    dists: tuple[str, ...] = ()

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern, ready to match."""
        return re.compile(self.pattern)


class Place(Row, frozen=True, kw_only=True):
    """What an address holds of torch: `pattern` is a regular expression for its beginning.

    kind: `pypi` and `pytorch` are these two and their mirrors, `vendor` has other builds of torch under the
    same versions, `project` has wheels of one project and no torch.
    """

    name: str
    kind: Literal["pypi", "pytorch", "vendor", "project"]
    pattern: str


class NamedCuda(Row, frozen=True, kw_only=True):
    """Distributions that carry their CUDA version in the name.

    pattern: a regular expression whose group `cuda` holds the digits ("124", "12", "12x"). must_match: a
    CUDA major other than torch's breaks it (else it brings its own libraries and only costs space).
    of_system: it brings none, and looks for those of its major on the system.
    """

    pattern: str
    package: str
    must_match: bool
    of_system: bool = False


class Defective(Row, frozen=True, kw_only=True):
    """A published wheel that contradicts its own name or folder.

    tag, torch: the folder. local: a regular expression for its local version, where that names it.
    """

    dist: str
    version: Version
    tag: str = ""
    torch: str = ""
    local: str = ""
    fault: str
    instead: str


class NeedsGlibc(Row, frozen=True, kw_only=True):
    """Wheels whose symbols need a newer glibc than their name promises, or than torch's wheels."""

    dist: str
    versions: SpecifierSet
    glibc: Version
    local: str = ""
    """Only wheels whose local version matches this regular expression."""
    torch: tuple[str, ...] = ()
    """Only beside these torch minors: for others there is no wheel, and the package is compiled."""


class Kernels(Row, frozen=True, kw_only=True):
    """The compute capabilities that an extension has kernels for.

    least: the first one. last_major: the last major version of the prebuilt wheels, which
    name their torch in the local version; None where it is not known. says: the sentence for reports.
    """

    dist: str
    versions: SpecifierSet
    least: Capability
    last_major: int | None = None
    says: str

    def accepts(self, version: Version | None) -> bool:
        """Tell whether the row is about a version."""
        return version is not None and self.versions.contains(version.public, prereleases=True)

    def serves(self, capability: Capability, *, prebuilt: bool) -> bool:
        """Tell whether it has kernels for a GPU; what is, or may be, compiled is bound by the least alone."""
        if capability < self.least:
            return False
        return self.last_major is None or not prebuilt or capability.major <= self.last_major


class WheelTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """What is told of wheels: by package, read when it is asked for, and where wheels are."""

    checked: date
    """The last day that the pages of PyG were held against their source."""
    mmcv_pages: tuple[MmcvPage, ...]
    pyg_pages: Mapping[str, PygPage]
    hosts: tuple[WheelHost, ...]
    places: tuple[Place, ...]
    local_schemes: tuple[LocalScheme, ...]
    defective: Mapping[str, tuple[Defective, ...]]
    kernels: Mapping[str, tuple[Kernels, ...]]
    gpu_libraries: Mapping[str, tuple[GpuLibraries, ...]]
    library_code: Mapping[str, tuple[LibraryCode, ...]]
    compiled_against: Mapping[str, tuple[CompiledAgainst, ...]]
    built_cuda: Mapping[str, tuple[BuiltCuda, ...]]
    _partly: Mapping[str, tuple[Partly, ...]]
    _glibc: Mapping[str, tuple[NeedsGlibc, ...]]
    _named: tuple[tuple[re.Pattern[str], NamedCuda], ...]
    _named_cache: dict[str, tuple[NamedCuda, str] | None] = msgspec.field(default_factory=dict)
    _place_cache: dict[str, Place | None] = msgspec.field(default_factory=dict)
    _host_cache: dict[str, tuple[tuple[WheelHost, re.Match[str]], ...]] = msgspec.field(default_factory=dict)

    @property
    def glibc_dists(self) -> AbstractSet[str]:
        """Return the distributions whose wheels need a glibc of their own."""
        return self._glibc.keys()

    def partly(self, dist: str, version: Version) -> Partly | None:
        """Return what works of a version without its compiled part; None where nothing is known to."""
        rows = self._partly.get(dist, ())
        return next((row for row in rows if row.versions.contains(version.public, prereleases=True)), None)

    def glibc(self, dist: str, version: Version, torch: str | None) -> NeedsGlibc | None:
        """Return the glibc that the wheel of a version needs beside a torch minor; None is "no data"."""
        for row in self._glibc.get(dist, ()):
            fits = row.versions.contains(version.public, prereleases=True)
            named = not row.local or re.search(row.local, version.local or "")
            if fits and named and (not row.torch or torch in row.torch):
                return row
        return None

    def against(self, dist: str, version: Version) -> CompiledAgainst | None:
        """Return what is told of the torch and CUDA that a wheel was compiled against; None is "no data"."""
        local = version.local or ""
        for row in self.compiled_against.get(dist, ()):
            if row.versions.contains(version.public, prereleases=True) and re.fullmatch(row.local, local):
                return row
        return None

    def named_cuda(self, dist: str) -> tuple[NamedCuda, str] | None:
        """Return the row and the CUDA digits in a distribution's name, or None."""
        if dist not in self._named_cache:
            found = ((row, pattern.fullmatch(dist)) for pattern, row in self._named)
            hit = next(((row, match["cuda"]) for row, match in found if match), None)
            self._named_cache[dist] = hit
        return self._named_cache[dist]

    def place(self, url: str) -> Place | None:
        """Return what is known of an address; None for an index, page or folder that no row names."""
        if url not in self._place_cache:
            hits = (row for row in self.places if re.match(row.pattern, url))
            self._place_cache[url] = next(hits, None)
        return self._place_cache[url]

    def hosts_at(self, url: str) -> tuple[tuple[WheelHost, re.Match[str]], ...]:
        """Return the wheel hosts whose spelling an address has, each with what it reads there."""
        if url not in self._host_cache:
            found = ((row, re.search(row.pattern, url)) for row in self.hosts)
            self._host_cache[url] = tuple((row, match) for row, match in found if match)
        return self._host_cache[url]

    def mmcv(self, version: Version) -> tuple[MmcvPage, ...]:
        """Return every published combination of a version of mmcv; empty is "no data"."""
        return tuple(row for row in self.mmcv_pages if version in row.versions)


@table
def load(told: Told) -> WheelTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    named, hosts = told.rows("named_cuda", NamedCuda), told.rows("wheel_host", WheelHost)
    _prove_patterns(named, hosts)
    return WheelTable(
        checked=told.checked("pyg_page"),
        mmcv_pages=told.rows("mmcv_page", MmcvPage),
        pyg_pages=unique(told.rows("pyg_page", PygPage), lambda row: row.torch, "torch"),
        hosts=hosts,
        places=told.rows("place", Place),
        local_schemes=told.rows("local_scheme", LocalScheme),
        defective=ByPackage(told, "defective", Defective),
        kernels=ByPackage(told, "kernels", Kernels),
        built_cuda=ByPackage(told, "built_cuda", BuiltCuda, _each_once),
        gpu_libraries=ByPackage(told, "gpu_libraries", GpuLibraries, _prove_libraries),
        compiled_against=ByPackage(told, "compiled_against", CompiledAgainst),
        library_code=ByPackage(told, "library_code", LibraryCode, _prove_code),
        _partly=ByPackage(told, "partly", Partly),
        _glibc=ByPackage(told, "needs_glibc", NeedsGlibc),
        _named=tuple((re.compile(row.pattern), row) for row in named),
    )


_P = TypeVar("_P", GpuLibraries, LibraryCode, BuiltCuda)


def _each_once(rows: tuple[_P, ...]) -> None:
    """Prove that no wheel stands in two rows."""
    seen: set[tuple[Version, str]] = set()
    for row in rows:
        keys = {(version, platform) for version in row.versions for platform in row.platforms}
        require(row, "versions", holds=not keys & seen, else_say="a version stands in another row already")
        seen |= keys


def _prove_libraries(rows: tuple[GpuLibraries, ...]) -> None:
    _each_once(rows)
    for row in rows:
        for key, listed in (("cuda", row.cuda), ("rocm", row.rocm)):
            ascending = list(listed) == sorted(set(listed))
            require(row, key, holds=ascending, else_say="ascending, each once")


def _prove_code(rows: tuple[LibraryCode, ...]) -> None:
    _each_once(rows)
    for row in rows:
        for cudas, words in row.code.items():
            try:
                sane = bool([Version(cuda) for cuda in cudas.split()] and [*map(parse_code, words.split())])
            except ValueError:
                sane = False
            says = f"{cudas} = {words[:60]!r} is not like '12.8 12.9' = 'sm_80 compute_90'"
            require(row, "code", holds=sane, else_say=says)


def _prove_patterns(named: Iterable[NamedCuda], hosts: Iterable[WheelHost]) -> None:
    for row, group in ((row, "cuda") for row in named):
        compiled = re.compile(row.pattern)
        require(row, "pattern", holds=group in compiled.groupindex, else_say="it needs a group named cuda")
    for host in hosts:
        compiled = re.compile(host.pattern)
        require(host, "pattern", holds="tag" in compiled.groupindex, else_say="it needs a group named tag")
