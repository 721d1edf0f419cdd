"""The `here` engine: the running interpreter, as it is. Nothing is built."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Self

from stackcheck.intake.stack import Stack
from stackcheck.model.facts import Missing
from stackcheck.model.redact import without_secrets
from stackcheck.probing.agent import pack
from stackcheck.probing.answered import answered
from stackcheck.probing.observation import parse_observation
from stackcheck.targets.engine import BuildOptions, Capabilities, Target
from stackcheck.targets.process import agent_process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.model.resolution import Resolution
    from stackcheck.probing.observation import Observation
    from stackcheck.targets.engine import Progress

NO_GPUS = "no GPU was asked for (--gpus none)"
HOST_PROBES = ("system", "nvidia_driver", "rocm_host")
_HOST_TIME_S = 30.0


class OfThisMachine:
    """What engines share that have no daemon to reach: the agent runs as a child of this process."""

    version = ""
    swept = 0

    def __init__(self, cache: Path) -> None:
        """Take the folder for what is made, and for the agent's file while it runs."""
        self._cache = cache

    @classmethod
    def start(cls, cache: Path, environ: Mapping[str, str]) -> Self:
        """Return the engine; there is nothing to reach."""
        del environ
        return cls(cache)

    def run_agent(
        self, target: Target, agent: bytes, request: Mapping[str, Any], *, timeout_s: float
    ) -> bytes:
        """Run the agent as a child process: see `Engine.run_agent`."""
        return agent_process.run_agent(target, agent, request, timeout_s, self._cache)

    def close(self) -> None:
        """Hold nothing, let go of nothing; what was made stays for the next run."""


class HereEngine(OfThisMachine):
    """The interpreter that stackcheck itself runs under."""

    name = "here"
    capabilities = Capabilities(is_local=True)

    def prepare(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> Target:
        """Return this interpreter; the stack's environment is not set, what is there is what is seen.

        Variables that hold a secret are left out: packages that are imported have no business with them.
        """
        del stack, resolution
        progress(f"probing {sys.executable} as it is")
        return Target(
            engine=self.name,
            kind="here",
            name=sys.executable,
            id=sys.prefix,
            python=(sys.executable,),
            image=no_image(self.name),
            gpus_note=NO_GPUS if options.gpus == "none" else "",
            env=without_secrets(os.environ),
        )


def no_image(engine: str) -> Missing:
    """Return what stands for the image of a target that is none: nothing about images applies to it."""
    return Missing(f"there is no image: the engine is {engine}", applies=False)


def observe_host(cache: Path, agent: bytes = b"") -> Observation:
    """Return what the probes of driver, devices and system see of this machine, outside any container.

    `agent` is the packed agent, where it is at hand. Raise `EngineError` or `ProbeError` when they fail.
    """
    engine = HereEngine(cache)
    nothing = Stack.model_construct(id="")
    target = engine.prepare(nothing, None, BuildOptions(cache=cache), lambda _line: None)
    request = {"probes": list(HOST_PROBES), "params": {}, "timeout_s": _HOST_TIME_S}
    document = engine.run_agent(target, agent or pack(), request, timeout_s=2 * _HOST_TIME_S)
    return answered(parse_observation(document), request)
