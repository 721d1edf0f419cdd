"""Run a team's own smoke tests that need a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck_probes.watching import smoketests

if TYPE_CHECKING:
    from stackcheck_probes.facts.smoke import SmokeGpu

NAME = "smoke_gpu"
GRADE = "gpu"


def run(params: dict[str, Any]) -> SmokeGpu:
    """Return what became of each test of `params["tests"]`; without tests nothing runs."""
    return smoketests.run_all(params)
