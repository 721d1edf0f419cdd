"""Which GPUs the libraries of a wheel have code for, as `inspect` says it: a line a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.enumeration import some
from stackcheck_probes.binaries.gpucode import from_json
from stackcheck_probes.judging.coverage import NONE, UNKNOWN, library_coverage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.wheels.facts import LibraryFacts
    from stackcheck_probes.binaries.gpucode import GpuCode

WORDS = {
    "no": "no code for it",
    UNKNOWN: "not known",
    "ptx": "compiled by the driver (PTX)",
    "runs": "runs",
    "native": "built for it",
}
"""How a library serves a GPU, worst first."""
_SHOWN = 3


def gpu_lines(libraries: Iterable[LibraryFacts], gpus: Sequence[Gpu]) -> list[str]:
    """Return for each GPU how libraries serve it, the worst first: "L4: built for it (_C.so)"."""
    codes = [(each.path.rpartition("/")[2], from_json(each.code)) for each in libraries]
    return [f"{gpu.name}: {_said(codes, gpu)}" for gpu in gpus]


def _said(codes: Iterable[tuple[str, GpuCode]], gpu: Gpu) -> str:
    if gpu.capability is None:
        return "not asked, fits reads CUDA code alone; stackcheck inspect tells"
    found: dict[str, list[str]] = {}
    for name, code in codes:
        how = library_coverage(code, gpu.capability).how
        if how != NONE:
            found.setdefault(how, []).append(name)
    said = [f"{word} ({some(found[how], _SHOWN)})" for how, word in WORDS.items() if how in found]
    return ", ".join(said) or "no CUDA code in it"
