"""The `here` engine: the running interpreter, as it is. Nothing is built."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stackcheck.engines import local
from stackcheck.engines.contract import Target
from stackcheck.model.facts import Missing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.definition import Stack
    from stackcheck.engines.contract import BuildOptions, Progress
    from stackcheck.resolving.resolution import Resolution

NO_IMAGE = "there is no image: the engine is {}"
NO_GPUS = "no GPU was asked for (--gpus none)"


class HereEngine:
    """The interpreter that stackcheck itself runs under."""

    name = "here"

    def __init__(self, cache: Path) -> None:
        """Take the folder for the agent's file while it runs."""
        self._cache = cache

    def prepare(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> Target:
        """Return this interpreter; the stack's environment is not set, what is there is what is seen."""
        del stack, resolution
        progress(f"probing {sys.executable} as it is")
        return Target(
            kind="here",
            name=sys.executable,
            id=sys.prefix,
            python=(sys.executable,),
            image=Missing(NO_IMAGE.format("here")),
            gpus_note=NO_GPUS if options.gpus == "none" else "",
            env=dict(os.environ),
        )

    def run_agent(
        self, target: Target, agent: bytes, request: Mapping[str, Any], *, timeout_s: float
    ) -> bytes:
        """Run the agent as a child process: see `Engine.run_agent`."""
        return local.run_agent(target, agent, request, timeout_s, self._cache)

    def close(self) -> None:
        """Hold nothing, let go of nothing."""
