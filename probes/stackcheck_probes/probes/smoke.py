"""Run a team's own smoke tests that need no GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck_probes.watching import smoketests

if TYPE_CHECKING:
    from stackcheck_probes.facts.smoke import Smoke

NAME = "smoke"
GRADE = "import"


def run(params: dict[str, Any]) -> Smoke:
    """Return what became of each test of `params["tests"]`; without tests nothing runs."""
    return smoketests.run_all(params)
