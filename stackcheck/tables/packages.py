"""Packages around torch: what they declare, what they only assert, and for which torch they were built.

`Declared` rows come from METADATA, `Asserted` rows from the package's own `__init__` (METADATA is silent
there).
A version that no row names is "no data".
"""

import re
import typing
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.tables.reading import (
    FOLDER,
    Row,
    only_keys,
    read_rows,
    read_table,
    require,
    unique,
)
from stackcheck_probes.capability import Capability

if TYPE_CHECKING:
    from stackcheck.definition import Package


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs(Row):
    """What some versions of a distribution need of others: canonical name -> accepted versions."""

    dist: str
    versions: tuple[Version, ...]
    needs: Mapping[str, SpecifierSet]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins(Row):
    """The `==` pins on CUDA libraries and triton in the METADATA of torch's wheel on PyPI (linux/amd64).

    cuda: the CUDA version of that build.
    """

    torch: Version
    cuda: Version
    pins: Mapping[str, Version]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheels(Row):
    """The Pythons that a compiled distribution has Linux wheels for on PyPI; `windows`: any there at all."""

    dist: str
    versions: tuple[Version, ...]
    linux: tuple[str, ...]
    windows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest(Row):
    """The newest release on the index on the day it was checked: what `latest` installed then."""

    dist: str
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound(Row):
    """An extension whose METADATA admits more torch versions than its binary loads with: `torch` is X.Y."""

    dist: str
    versions: SpecifierSet
    torch: str
    next: str = ""
    """What to do instead where no release exists for a later torch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MmcvPage(Row):
    """One published combination of mmcv: a wheel tag and the torch minors whose page holds that version."""

    versions: tuple[Version, ...]
    tag: str
    torch: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PygPage(Row):
    """One torch minor of the PyG wheel pages: the wheel tags that exist for it."""

    torch: str
    tags: tuple[str, ...]
    only: tuple[str, ...] = ()
    """The distributions of that page, where it does not hold all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelHost(Row):
    """How a wheel host writes the torch version and the wheel tag into its addresses.

    pattern: a regular expression with the groups `tag` and, where the page is for one torch, `torch`.
    official: the wheels there are built against torch's official wheels. dists: what it is for, "" for all.
    """

    name: str
    pattern: str
    dists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCuda(Row):
    """Distributions that carry their CUDA version in the name.

    pattern: a regular expression whose group `cuda` holds the digits ("124", "12", "12x"). must_match: a
    CUDA major other than torch's breaks it (else it brings its own libraries and only costs space).
    """

    pattern: str
    package: str
    must_match: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Defective(Row):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsGlibc(Row):
    """Wheels whose symbols need a newer glibc than their name promises, or than torch's wheels."""

    dist: str
    versions: SpecifierSet
    glibc: Version
    local: str = ""
    """Only wheels whose local version matches this regular expression."""
    torch: tuple[str, ...] = ()
    """Only beside these torch minors: for others there is no wheel, and the package is compiled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels(Row):
    """The compute capabilities that an extension has kernels for.

    least: the first one. last_major: the last major version of the prebuilt wheels, which
    name their torch in the local version; None where it is not known. says: the sentence for reports.
    """

    dist: str
    versions: SpecifierSet
    least: Capability
    last_major: int | None = None
    says: str

    def accepts(self, package: "Package") -> bool:
        """Tell whether the row is about the version of a package, or about every version of its range."""
        version = package.exact
        return version is not None and self.versions.contains(version.public, prereleases=True)

    def serves(self, capability: Capability, *, prebuilt: bool) -> bool:
        """Tell whether it has kernels for a GPU; what is, or may be, compiled is bound by the least alone."""
        if capability < self.least:
            return False
        return self.last_major is None or not prebuilt or capability.major <= self.last_major


@dataclass(frozen=True, slots=True, kw_only=True)
class CummRange(Row):
    """The cumm versions that spconv versions work with; `declared` where METADATA says otherwise."""

    spconv: SpecifierSet
    cumm: SpecifierSet
    declared: SpecifierSet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CummNvrtc(Row):
    """How versions of cumm compile a kernel at run time: `broken_cuda` is where it always fails."""

    cumm: SpecifierSet
    broken_cuda: SpecifierSet | None = None
    needs: str
    symptom: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prebuilt(Row):
    """The capabilities that the prebuilt kernels of spconv's wheels were made for, by CUDA version."""

    cuda: SpecifierSet
    capabilities: tuple[Capability, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTrap(Row):
    """A tool version that breaks source builds of a distribution.

    env: a variable that lifts it. breaks: tool versions that break it.
    """

    dist: str
    versions: SpecifierSet
    tool: str
    breaks: SpecifierSet
    fault: str
    fix: str
    env: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchImport(Row):
    """A distribution whose build needs an installed torch: an isolated build does not have one."""

    dist: str
    versions: SpecifierSet
    fault: str


_R = TypeVar("_R", bound=Row)


@dataclass(frozen=True)
class PackageTable:
    """Everything in `packages.toml`, indexed."""

    checked: date
    pins: tuple[Pins, ...]
    newest: Mapping[str, Newest]
    wheels: Mapping[str, tuple[Wheels, ...]]
    mmcv_pages: tuple[MmcvPage, ...]
    pyg_pages: Mapping[str, PygPage]
    wheel_hosts: tuple[WheelHost, ...]
    defective: tuple[Defective, ...]
    kernels: Mapping[str, tuple[Kernels, ...]]
    cumm_ranges: tuple[CummRange, ...]
    cumm_nvrtc: tuple[CummNvrtc, ...]
    prebuilt: tuple[Prebuilt, ...]
    build_traps: tuple[BuildTrap, ...]
    torch_imports: Mapping[str, TorchImport]
    _pins: Mapping[str, Pins] = field(repr=False)
    _declared: Mapping[str, tuple[Needs, ...]] = field(repr=False)
    _declared_by: Mapping[tuple[str, str], Needs] = field(repr=False)
    _asserted_by: Mapping[tuple[str, str], Needs] = field(repr=False)
    _asserted: Mapping[str, tuple[Needs, ...]] = field(repr=False)
    _bounds: Mapping[str, tuple[Bound, ...]] = field(repr=False)
    _glibc: Mapping[str, tuple[NeedsGlibc, ...]] = field(repr=False)
    _named: tuple[tuple[re.Pattern[str], NamedCuda], ...] = field(repr=False)
    _asked: dict[tuple[str, str], Row | None] = field(repr=False, default_factory=dict)
    _named_cache: dict[str, tuple[NamedCuda, str] | None] = field(repr=False, default_factory=dict)

    @property
    def declared_dists(self) -> frozenset[str]:
        """Return the distributions that have declared rows."""
        return frozenset(self._declared)

    @property
    def asserting_dists(self) -> frozenset[str]:
        """Return the distributions that assert ranges when they are imported."""
        return frozenset(self._asserted)

    @property
    def bound_dists(self) -> frozenset[str]:
        """Return the distributions that are bound to one torch minor."""
        return frozenset(self._bounds)

    @property
    def glibc_dists(self) -> frozenset[str]:
        """Return the distributions whose wheels need a glibc of their own."""
        return frozenset(self._glibc)

    def declared(self, dist: str, accepted: SpecifierSet) -> tuple[tuple[Version, Needs], ...]:
        """Return (version, row) for every known version of `dist` that a pin or range accepts."""
        return _matching(self._declared.get(dist, ()), accepted)

    def declared_by(self, dist: str, version: Version) -> Needs | None:
        """Return what one version declares, its local part left aside; None is "no data"."""
        return self._declared_by.get((dist, version.public))

    def asserted(self, dist: str, version: Version) -> Needs | None:
        """Return what a version asserts at import; None is "no data"."""
        return self._asserted_by.get((dist, version.public))

    def bound(self, dist: str, version: Version) -> Bound | None:
        """Return the torch minor that a version is bound to; None is "no data"."""
        return next((row for row in self._bounds.get(dist, ()) if version.public in row.versions), None)

    def glibc(self, dist: str, version: Version, torch: str | None) -> NeedsGlibc | None:
        """Return the glibc that the wheel of a version needs beside a torch minor; None is "no data"."""
        for row in self._glibc.get(dist, ()):
            fits = row.versions.contains(version.public, prereleases=True)
            named = not row.local or re.search(row.local, version.local or "")
            if fits and named and (not row.torch or torch in row.torch):
                return row
        return None

    def torch_pins(self, torch: Version) -> Pins | None:
        """Return the pins of torch's wheel on PyPI; None is "no data"."""
        return self._pins.get(torch.public)

    def named_cuda(self, dist: str) -> tuple[NamedCuda, str] | None:
        """Return the row and the CUDA digits in a distribution's name, or None."""
        if dist not in self._named_cache:
            found = ((row, pattern.fullmatch(dist)) for pattern, row in self._named)
            hit = next(((row, match["cuda"]) for row, match in found if match), None)
            self._named_cache[dist] = hit
        return self._named_cache[dist]

    def mmcv(self, version: Version) -> tuple[MmcvPage, ...]:
        """Return every published combination of a version of mmcv; empty is "no data"."""
        return tuple(row for row in self.mmcv_pages if version in row.versions)

    def cumm_range(self, spconv: Version) -> CummRange | None:
        """Return the row for a version of spconv; None is "no data"."""
        return self._first("range", spconv.public, self.cumm_ranges, lambda row: row.spconv)

    def nvrtc(self, cumm: Version) -> CummNvrtc | None:
        """Return how a version of cumm compiles kernels; None is "no data"."""
        return self._first("nvrtc", cumm.public, self.cumm_nvrtc, lambda row: row.cumm)

    def kernels_of(self, cuda: Version) -> Prebuilt | None:
        """Return the prebuilt kernels of spconv's wheels for a CUDA version; None is "no data"."""
        return self._first("kernels", cuda.public, self.prebuilt, lambda row: row.cuda)

    def _first(
        self, what: str, version: str, rows: tuple[_R, ...], span: Callable[[_R], SpecifierSet]
    ) -> _R | None:
        """Return the first row whose range holds a version; the same few are asked again and again."""
        key = (what, version)
        if key not in self._asked:
            self._asked[key] = next((row for row in rows if version in span(row)), None)
        return typing.cast("_R | None", self._asked[key])


def _matching(rows: Iterable[Needs], accepted: SpecifierSet) -> tuple[tuple[Version, Needs], ...]:
    return tuple(
        (version, row)
        for row in rows
        for version in row.versions
        if accepted.contains(version, prereleases=True)
    )


def load(folder: Path = FOLDER) -> PackageTable:
    """Return the table, read once and proven. Raises TableError naming file, row and key."""
    return _load(folder)


_ARRAYS = (
    "declared", "asserted", "pins", "newest", "wheels", "bound", "mmcv_page", "pyg_page", "wheel_host",
    "named_cuda", "defective", "kernels", "needs_glibc", "cumm_range", "cumm_nvrtc", "prebuilt", "build_trap",
    "torch_import",
)  # fmt: skip


@cache
def _load(folder: Path) -> PackageTable:
    table = read_table("packages", folder)
    only_keys(table, _ARRAYS)
    declared, asserted = read_rows(table, "declared", Needs), read_rows(table, "asserted", Needs)
    for rows in (declared, asserted):
        _prove_once(rows)
    named = read_rows(table, "named_cuda", NamedCuda)
    hosts = read_rows(table, "wheel_host", WheelHost)
    _prove_patterns(named, hosts)
    pages = read_rows(table, "pyg_page", PygPage)
    pins = read_rows(table, "pins", Pins)
    unique(pins, lambda row: row.torch, "torch")
    return PackageTable(
        checked=table["checked"],
        pins=pins,
        newest=unique(read_rows(table, "newest", Newest), lambda row: row.dist, "dist"),
        wheels=_grouped(read_rows(table, "wheels", Wheels)),
        mmcv_pages=read_rows(table, "mmcv_page", MmcvPage),
        pyg_pages=unique(pages, lambda row: row.torch, "torch"),
        wheel_hosts=hosts,
        defective=read_rows(table, "defective", Defective),
        kernels=_grouped(read_rows(table, "kernels", Kernels)),
        cumm_ranges=read_rows(table, "cumm_range", CummRange),
        cumm_nvrtc=read_rows(table, "cumm_nvrtc", CummNvrtc),
        prebuilt=read_rows(table, "prebuilt", Prebuilt),
        build_traps=read_rows(table, "build_trap", BuildTrap),
        torch_imports=unique(read_rows(table, "torch_import", TorchImport), lambda row: row.dist, "dist"),
        _pins={row.torch.public: row for row in pins},
        _declared=_grouped(declared),
        _declared_by=_by_version(declared),
        _asserted_by=_by_version(asserted),
        _asserted=_grouped(asserted),
        _bounds=_grouped(read_rows(table, "bound", Bound)),
        _glibc=_grouped(read_rows(table, "needs_glibc", NeedsGlibc)),
        _named=tuple((re.compile(row.pattern), row) for row in named),
    )


_D = TypeVar("_D", Needs, Bound, NeedsGlibc, Kernels, Wheels)


def _grouped(rows: Iterable[_D]) -> dict[str, tuple[_D, ...]]:
    groups: dict[str, list[_D]] = defaultdict(list)
    for row in rows:
        groups[row.dist].append(row)
    return {dist: tuple(each) for dist, each in groups.items()}


def _by_version(rows: Iterable[Needs]) -> dict[tuple[str, str], Needs]:
    return {(row.dist, version.public): row for row in rows for version in row.versions}


def _prove_once(rows: Iterable[Needs]) -> None:
    seen: dict[tuple[str, Version], str] = {}
    for row in rows:
        for version in row.versions:
            key = (row.dist, version)
            says = f"{row.dist} {version} stands in {seen.get(key)} already"
            require(row, "versions", holds=key not in seen, else_say=says)
            seen[key] = row.where


def _prove_patterns(named: Iterable[NamedCuda], hosts: Iterable[WheelHost]) -> None:
    for row, group in ((row, "cuda") for row in named):
        compiled = re.compile(row.pattern)
        require(row, "pattern", holds=group in compiled.groupindex, else_say="it needs a group named cuda")
    for host in hosts:
        compiled = re.compile(host.pattern)
        require(host, "pattern", holds="tag" in compiled.groupindex, else_say="it needs a group named tag")
