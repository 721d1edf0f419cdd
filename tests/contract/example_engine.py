"""An engine of another package, as docs/house.md tells how to write one: an interpreter without `site`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from stackcheck.model.facts import Missing
from stackcheck.targets import Capabilities, Target
from stackcheck.targets.process import agent_process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import Resolution
    from stackcheck.targets import BuildOptions, Progress


class BareEngine:
    name = "bare"
    capabilities = Capabilities(is_local=True)
    version = "1"
    swept = 0

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    @classmethod
    def start(cls, cache: Path, environ: Mapping[str, str]) -> Self:
        del environ
        return cls(cache)

    def prepare(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> Target:
        python = str(Path(sys.executable).resolve())
        progress(f"taking {python} without its packages")
        return Target(self.name, "bare", python, python, (python, "-IS"), Missing("there is no image"))

    def run_agent(
        self, target: Target, agent: bytes, request: Mapping[str, Any], *, timeout_s: float
    ) -> bytes:
        return agent_process.run_agent(target, agent, request, timeout_s, self.cache)

    def close(self) -> None:
        return
