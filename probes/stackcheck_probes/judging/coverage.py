"""Which devices one library serves, over all its fatbins: pure, on what was read.

A library serves a device only as well as the worst of its fatbins that serve it, and some may not serve it at
all: that is `partial`. Libraries that pick kernels per architecture (cuBLAS, cuDNN) are partial by design, so
`partial` is a fact and no verdict.
"""

from __future__ import annotations

from stackcheck_probes.binaries.capability import HOWS, NO, Code, Coverage, Lto, covers
from stackcheck_probes.binaries.frozen import Frozen
from stackcheck_probes.judging import gfx as gfx_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.capability import Capability
    from stackcheck_probes.binaries.gpucode import GpuCode

UNKNOWN, NONE = gfx_names.UNKNOWN, "none"


class LibraryCoverage(Frozen):
    """How a library serves a device.

    how: 'native', 'runs', 'ptx' or 'no' as in `Coverage`, the worst among the fatbins that serve at all;
    'unknown' when nothing seen serves and code may be there unseen; 'none' when the library holds no kernels
    for devices of that maker. serving, fatbins: how many of its fatbins with kernels (of AMD: bundles) serve
    the device. coverage: that worst one, with the code, the driver and the note. best: of all code of the
    library together, what a library that picks its kernels per device would run. reason: one sentence. by:
    the name of the code of that worst one, "" where nothing serves.
    """

    fields = ("how", "coverage", "serving", "fatbins", "reason", "best", "by")
    __slots__ = fields

    how: str
    coverage: Coverage
    serving: int
    fatbins: int
    reason: str
    best: Coverage
    by: str

    def __init__(
        self,
        how: str,
        coverages: tuple[Coverage, Coverage],
        counts: tuple[int, int],
        reason: str,
        by: str = "",
    ) -> None:
        self._set(how, coverages[0], *counts, reason, coverages[1], by or str(coverages[0].by or ""))

    def with_how(self, how: str) -> LibraryCoverage:
        """Return this coverage under another word."""
        counts = (self.serving, self.fatbins)
        return LibraryCoverage(how, (self.coverage, self.best), counts, self.reason, self.by)

    @property
    def partial(self) -> bool:
        """Whether some fatbins with kernels serve the device and others do not."""
        return 0 < self.serving < self.fatbins


def library_coverage(
    gpu: GpuCode, device: Capability, *, driver_cuda: tuple[int, int] | None = None
) -> LibraryCoverage:
    """Return how the library serves `device`; `driver_cuda` as for `covers`."""
    served = [(covers(group.codes, device, driver_cuda=driver_cuda), group.fatbins) for group in gpu.groups]
    total = sum(number for _, number in served)
    serving = [(coverage, number) for coverage, number in served if coverage.how != NO]
    count = sum(number for _, number in serving)
    if serving:
        worst = max((coverage for coverage, _ in serving), key=_badness)
        reason = "; ".join((_served_reason(worst, device, count, total), *gpu.unread[:1]))
        best = covers(gpu.codes, device, driver_cuda=driver_cuda)
        return LibraryCoverage(worst.how, (worst, best), (count, total), reason)
    late = next((coverage for coverage, _ in served if coverage.note), Coverage(NO))
    if gpu.unread:
        return LibraryCoverage(UNKNOWN, (late, late), (0, total), gpu.unread[0])
    if not served:
        return LibraryCoverage(NONE, (late, late), (0, 0), _nothing_reason(gpu))
    return LibraryCoverage(NO, (late, late), (0, total), _no_reason(gpu.codes, device, late))


def hip_coverage(gpu: GpuCode, gfx: str) -> LibraryCoverage:
    """Return how the library serves an AMD GPU (`gfx90a`), over all its bundles.

    `how` is 'native' for the GPU's own target, 'runs' for the generic one of its family, 'ptx' for SPIR-V.
    """
    groups = gpu.bundle_groups or _one_group(gpu)
    served = [(_best(held, gfx), number) for held, number in groups if held]
    total = sum(number for _, number in served)
    serving = [(each, number) for each, number in served if each[0] in HOWS and each[0] != NO]
    count = sum(number for _, number in serving)
    nothing = (Coverage(NO), Coverage(NO))
    doubts = [reason for reason in gpu.unread if groups or "bundles" in reason]
    if serving:
        how, by, note = max((each for each, _ in serving), key=lambda each: HOWS.index(each[0]))
        best = min((each[0] for each, _ in serving), key=HOWS.index)
        part = [f"only {count} of {total} bundles serve {gfx}"] if count < total else []
        reason = "; ".join([_hip_reason(how, by, note), *part, *doubts[:1]])
        return LibraryCoverage(how, (Coverage(how, note=note), Coverage(best)), (count, total), reason, by)
    near = next((each for each, _ in served if each[0] == UNKNOWN), None)
    if near or doubts:
        return LibraryCoverage(UNKNOWN, nothing, (0, total), near[2] if near else doubts[0])
    if not served:
        return LibraryCoverage(NONE, nothing, (0, 0), "no HIP code")
    late = next((note for (_, _, note), _ in served if note), "")
    names = " ".join(sorted({name for held, _ in groups for name in held}))
    return LibraryCoverage(NO, nothing, (0, total), late or f"no code object for {gfx}; it holds {names}")


def _one_group(gpu: GpuCode) -> tuple[tuple[frozenset[str], int], ...]:
    """Return the targets as if every bundle held all of them: older facts do not tell them apart."""
    return ((frozenset(name for name, _, _ in gpu.targets), gpu.bundles or 1),) if gpu.targets else ()


_HIP_ORDER = (*HOWS[:-1], UNKNOWN, NO)


def _best(held: frozenset[str], gfx: str) -> tuple[str, str, str]:
    """Return how the best target of a bundle serves a GPU: the word, the target, and what to know of it."""
    found = [
        (serves, target) for target in sorted(held) for serves in [gfx_names.serves(target, gfx)] if serves
    ]
    each = [(how, target, note) for (how, note), target in found]
    return min(each, key=lambda row: _HIP_ORDER.index(row[0]), default=(NO, "", ""))


def _hip_reason(how: str, by: str, note: str) -> str:
    words = {"native": "built for it", "runs": "generic code of its family", "ptx": "SPIR-V"}[how]
    return f"{by}: {words}" + (f"; {note}" if note else "")


def _badness(coverage: Coverage) -> tuple[int, tuple[int, int]]:
    return HOWS.index(coverage.how), coverage.needs_cuda or (0, 0)


def _served_reason(worst: Coverage, device: Capability, serving: int, total: int) -> str:
    how = {"native": "built for it", "runs": f"runs on {device}", "ptx": "compiled by the driver"}[worst.how]
    driver = f", needs driver >= {worst.needs_driver}" if worst.needs_driver else ""
    part = f"; only {serving} of {total} fatbins serve {device}" if serving < total else ""
    note = f"; {worst.note}" if worst.note else ""
    return f"{worst.by}: {how}{driver}{part}{note}"


def _nothing_reason(gpu: GpuCode) -> str:
    if gpu.targets or gpu.bundles:
        return "HIP code only"
    if gpu.relocatable:
        return "relocatable device code only: it still has to be linked"
    if gpu.images:
        return "its fatbins hold no kernels"
    return "no device code"


def _no_reason(codes: frozenset[Code], device: Capability, late: Coverage) -> str:
    if late.note:
        return late.note
    if all(isinstance(code, Lto) for code in codes):
        return "LTO IR only: it still has to be linked"
    names = " ".join(str(code) for code in sorted(codes, key=lambda code: (code.capability.sm, str(code))))
    return f"no image for {device}; it holds {names}"
