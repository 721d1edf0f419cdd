"""Knowledge as data: TOML rows, each with its source and the date it was checked, and ways to ask them.

One module a table: `torch.py` reads `torch.toml` and so on. Each has frozen row classes, one frozen class
with the indexes, and `load()`, which proves the invariants. A version that no row knows is "no data", a SKIP.
"""

from __future__ import annotations

import os
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.knowledge.reading import FOLDER, own_folder
from stackcheck.model.errors import TableError
from stackcheck.storage.reading import read_bytes

if TYPE_CHECKING:
    from stackcheck.knowledge import (
        cmake,
        cuda,
        environment,
        gpus,
        images,
        isas,
        measured,
        optional,
        packages,
        rocm,
        sparse,
        systems,
        torch,
        unstated,
        wheels,
    )


class Tables:
    """Every table, each imported and read when it is first asked for: one command rarely needs them all."""

    @cached_property
    def torch(self) -> torch.TorchTable:
        """Releases of torch, their builds, and what torchvision and torchaudio require."""
        table: torch.TorchTable = _table("torch")
        return table

    @cached_property
    def cuda(self) -> cuda.CudaTable:
        """CUDA toolkits, driver floors and branches, cuDNN."""
        table: cuda.CudaTable = _table("cuda")
        return table

    @cached_property
    def gpus(self) -> gpus.GpuTable:
        """GPU products."""
        table: gpus.GpuTable = _table("gpus")
        return table

    @cached_property
    def packages(self) -> packages.PackageTable:
        """What packages around torch declare and assert, and what torch pins."""
        table: packages.PackageTable = _table("packages")
        return table

    @cached_property
    def wheels(self) -> wheels.WheelTable:
        """What compiled wheels were made for, where they are, and which are faulty."""
        table: wheels.WheelTable = _table("wheels")
        return table

    @cached_property
    def measured(self) -> measured.MeasuredTable:
        """What the wheels of packages say, a file a package, each read when it is asked for."""
        table: measured.MeasuredTable = _table("measured")
        return table

    @cached_property
    def unstated(self) -> unstated.UnstatedTable:
        """What METADATA does not state: partners, libraries, NumPy, arch variables."""
        table: unstated.UnstatedTable = _table("unstated")
        return table

    @cached_property
    def sparse(self) -> sparse.SparseTable:
        """Which spconv and cumm work together."""
        table: sparse.SparseTable = _table("sparse")
        return table

    @cached_property
    def images(self) -> images.ImageTable:
        """Image tags, distributions, NVIDIA's PyTorch containers."""
        table: images.ImageTable = _table("images")
        return table

    @cached_property
    def isas(self) -> isas.IsaTable:
        """CPU instruction sets that builds are targeted at, and what compiler flags imply."""
        table: isas.IsaTable = _table("isas")
        return table

    @cached_property
    def rocm(self) -> rocm.RocmTable:
        """ROCm wheels of torch and overrides of the gfx target."""
        table: rocm.RocmTable = _table("rocm")
        return table

    @cached_property
    def environment(self) -> environment.EnvironmentTable:
        """What environment variables really do."""
        table: environment.EnvironmentTable = _table("environment")
        return table

    @cached_property
    def cmake(self) -> cmake.CmakeTable:
        """Files of source trees that CMake 4 refuses."""
        table: cmake.CmakeTable = _table("cmake")
        return table

    @cached_property
    def optional(self) -> optional.OptionalTable:
        """Libraries that wheels ship for machines that have something more."""
        table: optional.OptionalTable = _table("optional")
        return table

    @cached_property
    def systems(self) -> systems.SystemTable:
        """Linux distributions and their glibc."""
        table: systems.SystemTable = _table("systems")
        return table


def _table(name: str) -> Any:
    return import_module(f"{__name__}.{name}").load()


def files() -> list[Path]:
    """Return every table file that is read: ours, then a user's own.

    Raises TableError for a stated folder that is not there, and for a file among a user's own that is named
    like no table: nobody would read it.
    """
    ours, own = sorted(FOLDER.glob("*.toml")), sorted(own_folder().glob("*.toml"))
    if (stated := os.environ.get("STACKCHECK_TABLES")) and not Path(stated).is_dir():
        raise TableError(f"STACKCHECK_TABLES names {stated}, which is not a folder; make it, or unset it.")
    names = [path.name for path in ours]
    for path in own:
        if path.name not in names:
            raise TableError(f"{path}: there is no table of this name; known: {', '.join(names)}.")
    return [*ours, *own]


@cache
def sha256() -> str:
    """Return the digest of every table file: two reports with the same one rest on the same knowledge."""
    import hashlib  # noqa: PLC0415 - only for a report

    digest = hashlib.sha256()
    for path in (*files(), *import_module(f"{__name__}.measured").files()):
        digest.update(path.name.encode() + b"\0" + read_bytes(path))
    return digest.hexdigest()


@cache
def load() -> Tables:
    """Return the tables that ship with stackcheck, and what a user's own add to them."""
    files()
    return Tables()
