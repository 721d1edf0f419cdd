"""How a list of code targets serves a set of GPUs: the words that rules on architectures share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck_probes.binaries.capability import NATIVE, NO, PTX, RUNS, Capability, Code, Coverage, covers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.environment import Environment
    from stackcheck.knowledge.gpus import Gpu

RUNS_ON = Evidence(
    "SASS runs on its own major version from its own minor version on, PTX on everything newer",
    "NVIDIA Ada and Blackwell Compatibility Guides, docs.nvidia.com/cuda (checked 2026-11-20)",
)


@dataclass(frozen=True, slots=True)
class Served:
    """One GPU of a stack, and how it is served."""

    gpu: Gpu
    capability: Capability
    coverage: Coverage

    def __str__(self) -> str:
        """Return "L4 (8.9) runs by sm_86"."""
        device = title(self.gpu)
        how, by = self.coverage.how, self.coverage.by
        if how == NO:
            return f"{device} by nothing"
        words = {NATIVE: "natively by", RUNS: "by", PTX: "by compiling"}
        return f"{device} {words[how]} {by}"

    def accepted(self, *, native: bool) -> bool:
        """Tell whether that is enough: with `native` SASS of its own, else anything that runs."""
        return self.coverage.how == NATIVE if native else self.coverage.how != NO


def title(gpu: Gpu) -> str:
    """Return "L4 (8.9)", or "a GPU of 8.9" when the stack names only the capability."""
    capability = str(gpu.capability)
    named = gpu.name.removeprefix("sm_").replace(".", "") != capability.replace(".", "")
    return f"{gpu.name} ({capability})" if named else f"a GPU of {capability}"


def titles(gpus: Iterable[Gpu]) -> str:
    """Return the titles of several GPUs, for a sentence."""
    return ", ".join(title(gpu) for gpu in gpus)


_KEPT: dict[tuple[str, int], Coverage] = {}


_MOST_KEPT = 8192


def coverage(codes: tuple[Code, ...], listed: str, capability: Capability) -> Coverage:
    """Return how codes, `listed` as text, serve a device, drivers left aside.

    A pure function of few values, so its answers are kept: by the text, because hashing codes costs as much
    as judging them.
    """
    key = (listed, capability.sm)
    if key not in _KEPT:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = covers(codes, capability)
    return _KEPT[key]


def served(env: Environment, codes: tuple[Code, ...], listed: str) -> list[Served]:
    """Return how codes, `listed` as text, serve each NVIDIA GPU of a stack."""
    return [
        Served(gpu, gpu.capability, coverage(codes, listed, gpu.capability))
        for gpu in env.stack.gpus
        if gpu.capability is not None
    ]


def shown(codes: Iterable[Code]) -> str:
    """Return "sm_80 sm_90 compute_90"."""
    return " ".join(str(code) for code in codes)


def sentence(each: Sequence[Served]) -> str:
    """Return all of them in one sentence part."""
    return ", ".join(str(one) for one in each)
