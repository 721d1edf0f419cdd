"""How each library of a target serves each GPU: pure, on what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stackcheck_probes.binaries.capability import NATIVE, NO, PTX, RUNS
from stackcheck_probes.judging.coverage import NONE, UNKNOWN, hip_coverage, library_coverage
from stackcheck_probes.judging.packagecover import UNTOLD, for_chosen_devices, spared, untold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.inspect.inspection import Contents
    from stackcheck.inspect.owners import Package
    from stackcheck.knowledge.gpus import Gpu
    from stackcheck_probes.binaries.gpucode import GpuCode

HOWS = (NO, UNKNOWN, PTX, RUNS, NATIVE, NONE)
"""How a library serves a GPU, worst first; `none`: it holds no code for that maker's GPUs at all."""
SERVES = (PTX, RUNS, NATIVE)
"""The ways to serve, weakest first."""


class Cell(NamedTuple):
    """How one library serves one GPU: a word of `HOWS`, by which code, and why, in a sentence."""

    how: str
    reason: str
    by: str = ""
    needs_driver: str = ""
    partial: bool = False
    unseen: bool = False
    """Code may be there that was not seen: what was seen may be less, or serve better, than all of it."""
    spared: str = ""
    """Why this library need not serve the GPU, where it does not."""

    @property
    def missed(self) -> bool:
        """Tell whether the library would have to serve the GPU, and does not."""
        return self.how == NO and not self.spared

    @property
    def rank(self) -> tuple[int, bool]:
        """Return what sorts cells, the worst first; what need not serve says nothing against a library."""
        return HOWS.index(NONE if self.spared else self.how), not self.partial

    @property
    def word(self) -> str:
        """Return how it serves, with a `*` for partial cover and a `?` for code that may be unseen.

        A `no` of a library that need not serve stands in brackets.
        """
        if self.spared:
            return f"({self.how})"
        return self.how + ("*" if self.partial else "") + ("?" if self.unseen else "")


class Row(NamedTuple):
    """One library against every GPU, in the order of the GPUs."""

    path: str
    package: Package
    code: GpuCode
    cells: tuple[Cell, ...]

    @property
    def worst(self) -> Cell:
        """Return the cell that says most against the library."""
        return min(self.cells, key=lambda cell: cell.rank)

    @property
    def name(self) -> str:
        """Return the file's name."""
        return self.path.rpartition("/")[2]


def judge(
    contents: Contents,
    gpus: Sequence[Gpu],
    driver_cuda: tuple[int, int] | None = None,
    undriven: Mapping[Gpu, str] | None = None,
) -> tuple[Row, ...]:
    """Return a row for each library with GPU code, the worst first.

    `driver_cuda`: the newest CUDA release that the driver knows. `undriven`: GPUs that such a driver does not
    drive at all, and why.
    """
    rows = [
        Row(
            path,
            contents.owner(path),
            code,
            tuple(cell(code, gpu, driver_cuda, (undriven or {}).get(gpu, "")) for gpu in gpus),
        )
        for path, code in contents.libraries
    ]
    if contents.kind != "file":  # a file that is named alone is no part of anything
        rows = [row for found in by_package(rows).values() for row in _together(found)]
    return tuple(sorted(rows, key=lambda row: (sorted(each.rank for each in row.cells), row.path)))


def _together(rows: Sequence[Row]) -> list[Row]:
    """Return the libraries of one package, judged as what they are together."""
    chosen = {row.path for row in rows if for_chosen_devices(row.code)}
    columns = []
    for cells in zip(*(row.cells for row in rows), strict=True):
        hows = {
            row.path: each.how
            for row, each in zip(rows, cells, strict=True)
            if each.how not in (NONE, UNKNOWN)
        }
        if untold(hows):
            columns.append(
                [each._replace(how=UNKNOWN, reason=UNTOLD) if each.how == NO else each for each in cells]
            )
            continue
        why = spared(hows, chosen)
        columns.append(
            [each._replace(spared=why.get(row.path, "")) for row, each in zip(rows, cells, strict=True)]
        )
    return [row._replace(cells=cells) for row, cells in zip(rows, zip(*columns, strict=True), strict=True)]


def by_package(rows: Iterable[Row]) -> dict[Package, list[Row]]:
    """Group libraries by their package, in the packages' order."""
    found: dict[Package, list[Row]] = {}
    for row in rows:
        found.setdefault(row.package, []).append(row)
    return dict(sorted(found.items()))


def cell(code: GpuCode, gpu: Gpu, driver_cuda: tuple[int, int] | None = None, undriven: str = "") -> Cell:
    """Say how a library serves one GPU; `undriven` is why the driver does not drive it, if that is so."""
    if gpu.capability is None:
        found = hip_coverage(code, gpu.gfx or "")
    else:
        found = library_coverage(code, gpu.capability, driver_cuda=driver_cuda)
    if undriven and found.how in SERVES:
        return Cell(NO, undriven)
    unseen = bool(code.unread) and found.how not in (UNKNOWN, NONE)
    return Cell(found.how, found.reason, found.by, found.coverage.needs_driver or "", found.partial, unseen)


def makers(code: GpuCode) -> frozenset[str]:
    """Return whose GPU code a library holds: "CUDA", "HIP", both, or nothing that was seen."""
    cuda = bool(code.images or code.relocatable or code.groups or (code.unread and not code.bundles))
    hip = bool(code.targets or code.bundles)
    return frozenset(name for name, there in (("CUDA", cuda), ("HIP", hip)) if there)
