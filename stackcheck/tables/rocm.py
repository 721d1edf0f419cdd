"""torch's ROCm wheels and their gfx lists, overrides of the gfx, and what ROCm's variables really do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from packaging.version import Version

from stackcheck.tables.reading import FOLDER, Row, only_keys, read_rows, read_table, require


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchRocm(Row):
    """The official ROCm wheels of one torch minor.

    rocm: the ROCm versions. gfx: what every one of them has; extra: ROCm version -> more of it. since: gfx
    target -> the day that it was added on the main branch: a nightly that is older does not have it.
    maybe: named by some sources only.
    """

    torch: str
    rocm: tuple[Version, ...]
    gfx: tuple[str, ...]
    extra: Mapping[str, tuple[str, ...]] | None = None
    maybe: tuple[str, ...] = ()
    since: Mapping[str, date] | None = None

    def targets(self, rocm: Version | None, built: date | None = None) -> frozenset[str]:
        """Return the gfx list of the wheel for one ROCm version, of a nightly when `built` is its day."""
        more = (self.extra or {}).get(str(rocm), ())
        late = {gfx for gfx, day in (self.since or {}).items() if built is not None and built < day}
        return frozenset((*self.gfx, *more)) - late


@dataclass(frozen=True, slots=True, kw_only=True)
class Override(Row):
    """A value of HSA_OVERRIDE_GFX_VERSION that GPUs are run with: `claims` is what it makes of `real`."""

    real: tuple[str, ...]
    value: str
    claims: str
    products: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoHipblaslt(Row):
    """The gfx targets that hipBLASLt is not built for."""

    gfx: tuple[str, ...]


@dataclass(frozen=True)
class RocmTable:
    """Everything in `rocm.toml`, indexed."""

    checked: date
    torch: Mapping[str, TorchRocm]
    overrides: tuple[Override, ...]
    no_hipblaslt: NoHipblaslt

    @property
    def newest(self) -> str:
        """Return the last torch minor that the table knows."""
        return max(self.torch, key=Version)

    def row(self, torch: Version) -> TorchRocm | None:
        """Return the row of a torch version; None is "no data"."""
        return self.torch.get(f"{torch.major}.{torch.minor}")

    def override(self, gfx: str) -> Override | None:
        """Return the override that a GPU is known to run with."""
        return next((row for row in self.overrides if gfx in row.real), None)


def gfx_of(value: str) -> str | None:
    """Return the gfx target that a value of HSA_OVERRIDE_GFX_VERSION claims; None when ROCr refuses it.

    Three unsigned decimals, 63.255.255 at most; the last two are hexadecimal in the name
    (ROCm/ROCR-Runtime libhsakmt/src/topology.c:1218-1233).

    >>> gfx_of("9.0.10")
    'gfx90a'
    """
    parts = value.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    major, minor, step = map(int, parts)
    if major > 63 or minor > 255 or step > 255:
        return None
    return f"gfx{major}{minor:x}{step:x}"


def family(gfx: str) -> str:
    """Return the ISA generation of a gfx target: gfx1103 is "11", gfx90a is "9"."""
    return gfx.removeprefix("gfx").split(":", 1)[0][:-2]


def load(folder: Path = FOLDER) -> RocmTable:
    """Return the table, read once and proven. Raises TableError naming file, row and key."""
    return _load(folder)


@cache
def _load(folder: Path) -> RocmTable:
    table = read_table("rocm", folder)
    only_keys(table, ("torch_rocm", "override", "no_hipblaslt"))
    rows = read_rows(table, "torch_rocm", TorchRocm)
    for row in rows:
        require(
            row, "rocm", holds=list(row.rocm) == sorted(row.rocm), else_say="versions are sorted as numbers"
        )
        unknown = set(row.since or ()) - set(row.gfx)
        require(row, "since", holds=not unknown, else_say=f"{', '.join(sorted(unknown))} is not in gfx")
    overrides = read_rows(table, "override", Override)
    for each in overrides:
        says = f"{each.value} makes {gfx_of(each.value)}"
        require(each, "claims", holds=gfx_of(each.value) == each.claims, else_say=says)
    (hipblaslt,) = read_rows(table, "no_hipblaslt", NoHipblaslt)
    return RocmTable(table["checked"], {row.torch: row for row in rows}, overrides, hipblaslt)
