"""spconv and cumm: which versions work together, what their wheels hold, and how they compile at run time."""

import typing
from collections.abc import Callable
from datetime import date
from typing import TypeVar

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row
from stackcheck.knowledge.told import Told, table
from stackcheck_probes.binaries.capability import Capability, Code, Ptx, Sass


class CummRange(Row, frozen=True, kw_only=True):
    """The cumm versions that spconv versions work with; `declared` where METADATA says otherwise."""

    spconv: SpecifierSet
    cumm: SpecifierSet
    declared: SpecifierSet | None = None


class CummNvrtc(Row, frozen=True, kw_only=True):
    """How versions of cumm compile a kernel at run time: `broken_cuda` is where it always fails."""

    cumm: SpecifierSet
    broken_cuda: SpecifierSet | None = None
    needs: str
    symptom: str


class Prebuilt(Row, frozen=True, kw_only=True):
    """What the prebuilt kernels of spconv's wheels were made for, by CUDA version.

    capabilities: SASS that every kernel has. ptx: PTX that every kernel has.
    """

    cuda: SpecifierSet
    capabilities: tuple[Capability, ...]
    ptx: tuple[Capability, ...] = ()

    @property
    def codes(self) -> tuple[Code, ...]:
        """Return all of it as code that devices are held against."""
        return (*map(Sass, self.capabilities), *map(Ptx, self.ptx))


_R = TypeVar("_R", bound=Row)


class SparseTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """What is told of spconv and cumm."""

    checked: date
    cumm_ranges: tuple[CummRange, ...]
    cumm_nvrtc: tuple[CummNvrtc, ...]
    prebuilt: tuple[Prebuilt, ...]
    _asked: dict[tuple[str, str], Row | None] = msgspec.field(default_factory=dict)

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


@table
def load(told: Told) -> SparseTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    return SparseTable(
        checked=told.checked("cumm_range", "cumm_nvrtc"),
        cumm_ranges=told.rows("cumm_range", CummRange),
        cumm_nvrtc=told.rows("cumm_nvrtc", CummNvrtc),
        prebuilt=told.rows("prebuilt", Prebuilt),
    )
