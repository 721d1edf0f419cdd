"""Knowledge as data: rows with source and date, and ways to ask them.

`told/` is what somebody wrote, a file a package or subject; `measured/` is what `stackcheck learn` read out
of wheels. `folders` says which folders are read beside ours, `kinds` which rows there are, `told` how they
are merged. Each other module has row classes, one frozen class with ways to ask, and `load()`, which proves
the invariants. A version that no row knows is "no data", a SKIP.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from stackcheck.knowledge.dated import files_of, snapshot
from stackcheck.knowledge.folders import MEASURED, in_order
from stackcheck.knowledge.kinds import KINDS
from stackcheck.knowledge.told import Told, current

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.knowledge import (
        assets,
        cmake,
        cuda,
        environment,
        gpus,
        images,
        isas,
        measured,
        names,
        optional,
        packages,
        rocm,
        sparse,
        systems,
        torch,
        unstated,
        wheels,
    )


_OF_FOLDERS = frozenset((MEASURED, "names"))
"""Tables that were read out of files, not written in `told/`."""


class Tables:
    """Every table, each imported and read when it is first asked for: one command rarely needs them all."""

    def __init__(self, told: Told) -> None:
        """Take the files that are read."""
        self._told = told

    @cached_property
    def torch(self) -> torch.TorchTable:
        """Releases of torch, their builds, and what torchvision and torchaudio require."""
        table: torch.TorchTable = self._table("torch")
        return table

    @cached_property
    def cuda(self) -> cuda.CudaTable:
        """CUDA toolkits, driver floors and branches, cuDNN."""
        table: cuda.CudaTable = self._table("cuda")
        return table

    @cached_property
    def gpus(self) -> gpus.GpuTable:
        """GPU products."""
        table: gpus.GpuTable = self._table("gpus")
        return table

    @cached_property
    def packages(self) -> packages.PackageTable:
        """What packages around torch declare and assert, and what torch pins."""
        table: packages.PackageTable = self._table("packages")
        return table

    @cached_property
    def wheels(self) -> wheels.WheelTable:
        """What compiled wheels were made for, where they are, and which are faulty."""
        table: wheels.WheelTable = self._table("wheels")
        return table

    @property
    def told_of(self) -> frozenset[str]:
        """Return the packages and subjects that have a file of rows."""
        return frozenset(stem for folder in self._told.folders for stem in self._told.paths(folder))

    @cached_property
    def measured(self) -> measured.MeasuredTable:
        """What the wheels of packages say, a file a package, each read when it is asked for."""
        table: measured.MeasuredTable = self._table("measured")
        return table

    @cached_property
    def names(self) -> names.NamesTable:
        """Names that packages import, and the releases of others that lack them, a file a package."""
        table: names.NamesTable = self._table("names")
        return table

    @cached_property
    def unstated(self) -> unstated.UnstatedTable:
        """What METADATA does not state: partners, libraries, NumPy, arch variables."""
        table: unstated.UnstatedTable = self._table("unstated")
        return table

    @cached_property
    def sparse(self) -> sparse.SparseTable:
        """Which spconv and cumm work together."""
        table: sparse.SparseTable = self._table("sparse")
        return table

    @cached_property
    def images(self) -> images.ImageTable:
        """Image tags, distributions, NVIDIA's PyTorch containers."""
        table: images.ImageTable = self._table("images")
        return table

    @cached_property
    def isas(self) -> isas.IsaTable:
        """CPU instruction sets that builds are targeted at, and what compiler flags imply."""
        table: isas.IsaTable = self._table("isas")
        return table

    @cached_property
    def rocm(self) -> rocm.RocmTable:
        """ROCm wheels of torch and overrides of the gfx target."""
        table: rocm.RocmTable = self._table("rocm")
        return table

    @cached_property
    def environment(self) -> environment.EnvironmentTable:
        """What environment variables really do."""
        table: environment.EnvironmentTable = self._table("environment")
        return table

    @cached_property
    def cmake(self) -> cmake.CmakeTable:
        """Files of source trees that CMake 4 refuses."""
        table: cmake.CmakeTable = self._table("cmake")
        return table

    @cached_property
    def optional(self) -> optional.OptionalTable:
        """Libraries that wheels ship for machines that have something more."""
        table: optional.OptionalTable = self._table("optional")
        return table

    @cached_property
    def assets(self) -> assets.AssetTable:
        """Wheels that sdists fetch from the releases of their projects."""
        table: assets.AssetTable = self._table("assets")
        return table

    @cached_property
    def systems(self) -> systems.SystemTable:
        """Linux distributions and their glibc."""
        table: systems.SystemTable = self._table("systems")
        return table

    def _table(self, name: str) -> Any:
        told = self._told.folders if name in _OF_FOLDERS else self._told
        return import_module(f"{__name__}.{name}").load(told)


def files() -> list[Path]:
    """Return every file that is read, ours first."""
    return [path for folder in in_order() for path in files_of(folder)]


def sha256() -> str:
    """Return the digest of every file: two reports with the same one rest on the same knowledge."""
    return snapshot(in_order())[0]


def load() -> Tables:
    """Return what ships with stackcheck and what other folders add to it.

    What a folder that is not ours says is read and proven at once: it is somebody's file, and its faults are
    no verdict. Raises TableError naming file, line and key.
    """
    return _load(current())


@lru_cache(maxsize=16)
def _load(told: Told) -> Tables:
    tables = Tables(told)
    for name in sorted({KINDS[kind].module for kind in told.own_kinds()}):
        getattr(tables, name)
    for folder in told.folders:
        for path in sorted((folder.path / MEASURED).glob("*.toml")) if folder.own else ():
            tables.measured.package(path.stem)
    return tables
