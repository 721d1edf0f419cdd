"""What GPU code costs: bytes for each architecture, and which of them none of some GPUs uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stackcheck_probes.binaries.capability import Lto, covers
from stackcheck_probes.judging.gfx import serves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stackcheck.knowledge.gpus import Gpu
    from stackcheck_probes.binaries.gpucode import GpuCode


class Size(NamedTuple):
    """The code for one target over some libraries.

    bytes: in the files, compressed where it is; of HIP code, which knows its size unpacked alone, `unpacked`.
    unused: those of them that none of the GPUs which were asked about would take.
    """

    code: str
    images: int
    bytes: int
    libraries: int = 1
    unused: int = 0
    unpacked: bool = False

    def plus(self, other: Size) -> Size:
        """Return both together; they are of the same target."""
        return Size(
            self.code,
            self.images + other.images,
            self.bytes + other.bytes,
            self.libraries + other.libraries,
            self.unused + other.unused,
            self.unpacked,
        )


OTHER = "other"
"""Images of which no target is known."""


def sizes(codes: Iterable[GpuCode], gpus: Sequence[Gpu] = ()) -> list[Size]:
    """Return the code of libraries by target, the largest first; `unused` is 0 where no GPU is given."""
    found: dict[tuple[str, bool], Size] = {}
    for code in codes:
        for row in library_sizes(code, gpus):
            key = (row.code, row.unpacked)
            found[key] = found[key].plus(row) if key in found else row
    return sorted(found.values(), key=lambda row: (row.unpacked, -row.bytes, row.code))


def library_sizes(code: GpuCode, gpus: Sequence[Gpu] = ()) -> list[Size]:
    """Return the code of one library by target."""
    used = _used(code, gpus)
    found: dict[tuple[str, bool], Size] = {}
    for row in (*_cuda(code), *_hip(code)):
        key = (row.code, row.unpacked)
        found[key] = found[key].plus(row)._replace(libraries=1) if key in found else row
    return [
        row._replace(unused=row.bytes) if gpus and row.code not in (*used, OTHER, *_linked(code)) else row
        for row in found.values()
    ]


def _cuda(code: GpuCode) -> Iterator[Size]:
    for row in code.images:
        yield Size(str(row.kind.code or OTHER), row.images, row.bytes)


def _hip(code: GpuCode) -> Iterator[Size]:
    for name, bundles, size in code.targets:
        yield Size(name, bundles, size, unpacked=True)


def _linked(code: GpuCode) -> Iterator[str]:
    """Yield what a linker takes, and no GPU by itself: whether anybody links it is not known."""
    for row in code.images:
        if isinstance(row.kind.code, Lto):
            yield str(row.kind.code)


def _used(code: GpuCode, gpus: Sequence[Gpu]) -> frozenset[str]:
    """Return the targets that one of the GPUs takes in one of the library's fatbins."""
    taken = {
        str(best.by)
        for gpu in gpus
        if gpu.capability is not None
        for group in code.groups
        for best in [covers(group.codes, gpu.capability)]
        if best.by is not None
    }
    hip = {name for name, _, _ in code.targets for gpu in gpus if gpu.gfx and serves(name, gpu.gfx)}
    return frozenset(taken | hip)
