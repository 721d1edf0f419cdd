"""torch's ROCm wheels and their gfx lists, overrides of the gfx, and what ROCm's variables really do."""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require
from stackcheck.knowledge.told import Told, table
from stackcheck_probes.judging.gfx import akin, gfx_of


class TorchRocm(Row, frozen=True, kw_only=True):
    """The official ROCm wheels of one torch minor.

    rocm: the ROCm versions. gfx: what every one of them runs, its libraries included; extra: ROCm version ->
    more of it. since: gfx target -> the day that it was added on the main branch: a nightly that is older
    does not have it. maybe: named by some sources only.
    """

    torch: str
    rocm: tuple[Version, ...]
    gfx: tuple[str, ...]
    extra: Mapping[str, tuple[str, ...]] | None = None
    maybe: tuple[str, ...] = ()
    since: Mapping[str, date] | None = None

    def targets(self, rocm: Version | None, built: date | None = None) -> frozenset[str]:
        """Return the gfx list of the wheel for one ROCm version, of a nightly when `built` is its day.

        Where no version is stated, everything that one of the wheels has.
        """
        extra = self.extra or {}
        more = extra.get(str(rocm), ()) if rocm else [gfx for each in extra.values() for gfx in each]
        late = {gfx for gfx, day in (self.since or {}).items() if built is not None and built < day}
        return frozenset((*self.gfx, *more)) - late


class Override(Row, frozen=True, kw_only=True):
    """A value of HSA_OVERRIDE_GFX_VERSION that GPUs are run with: `claims` is what it makes of `real`.

    until: the last ROCm that it worked with, for one that nobody should take up.
    """

    real: tuple[str, ...]
    value: str
    claims: str
    until: Version | None = None
    products: str = ""


class NoHipblaslt(Row, frozen=True, kw_only=True):
    """The gfx targets that hipBLASLt is not built for."""

    gfx: tuple[str, ...]


class NoRocblas(Row, frozen=True, kw_only=True):
    """The gfx targets that rocBLAS has no files for, from a ROCm version on, although torch has code."""

    gfx: tuple[str, ...]
    since: Version


class RocmTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Everything in `rocm.toml`, indexed."""

    checked: date
    torch: Mapping[str, TorchRocm]
    overrides: tuple[Override, ...]
    no_hipblaslt: NoHipblaslt
    no_rocblas: tuple[NoRocblas, ...]

    @property
    def newest(self) -> str:
        """Return the last torch minor that the table knows."""
        return max(self.torch, key=Version)

    def row(self, torch: Version) -> TorchRocm | None:
        """Return the row of a torch version; None is "no data"."""
        return self.torch.get(f"{torch.major}.{torch.minor}")

    def override(self, gfx: str) -> Override | None:
        """Return the override that a GPU is known to run with."""
        return next((row for row in self.overrides if gfx in row.real and row.until is None), None)

    def ran(self, gfx: str, claims: str, rocm: Version | None) -> bool:
        """Tell whether a GPU is known to have run as another family's target, with this ROCm."""
        rows = [row for row in self.overrides if gfx in row.real and row.claims == claims]
        return any(row.until is None or rocm is None or rocm <= row.until for row in rows)

    def known_to_run(self, rocm: Version | None) -> dict[str, str]:
        """Return gfx -> the value of the override that it is known to run with under this ROCm."""
        rows = [row for row in self.overrides if row.until is None or (rocm and rocm <= row.until)]
        return {gfx: row.value for row in rows for gfx in row.real}

    def without_rocblas(self, gfx: str, rocm: Iterable[Version]) -> NoRocblas | None:
        """Return why rocBLAS has nothing for a target in any of these ROCm versions."""
        versions = tuple(rocm)
        rows = (row for row in self.no_rocblas if gfx in row.gfx)
        return next((row for row in rows if versions and min(versions) >= row.since), None)

    def last_with(self, gfx: str) -> tuple[TorchRocm, Version] | None:
        """Return the last torch, and its ROCm version, whose official wheel serves a target."""
        pairs = ((row, rocm) for row in self.torch.values() for rocm in row.rocm if gfx in row.targets(rocm))
        return max(pairs, key=lambda pair: (Version(pair[0].torch), pair[1]), default=None)


@table
def load(told: Told) -> RocmTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    rows = told.rows("torch_rocm", TorchRocm)
    for row in rows:
        require(
            row, "rocm", holds=list(row.rocm) == sorted(row.rocm), else_say="versions are sorted as numbers"
        )
        unknown = set(row.since or ()) - set(row.gfx)
        require(row, "since", holds=not unknown, else_say=f"{', '.join(sorted(unknown))} is not in gfx")
    overrides = told.rows("override", Override)
    for each in overrides:
        says = f"{each.value} makes {gfx_of(each.value)}"
        require(each, "claims", holds=gfx_of(each.value) == each.claims, else_say=says)
        foreign = [real for real in each.real if akin(real, each.claims) is False]
        says = f"{', '.join(foreign)} is of another family than {each.claims}: say until when that worked"
        require(each, "until", holds=bool(each.until) or not foreign, else_say=says)
    (hipblaslt,) = told.rows("no_hipblaslt", NoHipblaslt)
    rocblas = told.rows("no_rocblas", NoRocblas)
    _prove_rocblas(rows, rocblas)
    return RocmTable(
        told.checked("torch_rocm"), {row.torch: row for row in rows}, overrides, hipblaslt, rocblas
    )


def _prove_rocblas(rows: Iterable[TorchRocm], without: Iterable[NoRocblas]) -> None:
    """Prove that no wheel is said to run a target that the rocBLAS in it has no files for."""
    for row in rows:
        for each in without:
            served = {gfx for rocm in row.rocm if rocm >= each.since for gfx in row.targets(rocm)}
            bad = ", ".join(sorted(served & set(each.gfx)))
            require(row, "gfx", holds=not bad, else_say=f"rocBLAS has no files for {bad} since {each.since}")
