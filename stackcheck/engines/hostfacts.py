"""Run the probes of driver, devices and system on this machine, outside any container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.agent import pack
from stackcheck.definition import Stack
from stackcheck.engines.contract import BuildOptions
from stackcheck.engines.here import HereEngine
from stackcheck.observation import parse_observation

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.observation import Observation

PROBES = ("system", "nvidia_driver", "rocm_host")
_TIME_S = 30.0


def observe_host(cache: Path, agent: bytes = b"") -> Observation:
    """Return what the probes see of this machine; raise `EngineError` or `ProbeError` when they fail.

    `agent` is the packed agent, where it is at hand.
    """
    engine = HereEngine(cache)
    nothing = Stack.model_construct(id="")
    target = engine.prepare(nothing, None, BuildOptions(cache=cache), lambda _line: None)
    request = {"probes": list(PROBES), "params": {}, "timeout_s": _TIME_S}
    return parse_observation(engine.run_agent(target, agent or pack(), request, timeout_s=2 * _TIME_S))
