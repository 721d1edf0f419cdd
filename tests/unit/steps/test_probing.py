"""What the agent of a target is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stackcheck.steps.options import Options
from stackcheck.steps.probing import asked

if TYPE_CHECKING:
    from collections.abc import Mapping


class Engine:
    """Answers every request with nothing that was seen, and keeps what it was asked."""

    def run_agent(
        self, _target: object, _agent: bytes, request: Mapping[str, Any], *, timeout_s: float
    ) -> bytes:
        self.request, self.timeout_s = request, timeout_s
        agent = {"python": "3.11.2", "executable": "/usr/bin/python3", "seconds": 0.1}
        return json.dumps({"schema_version": 1, "agent": agent, "probes": {}}).encode()


def test_the_agent_knows_how_long_all_probes_may_take_and_is_stopped_later() -> None:
    engine: Any = Engine()
    seen = asked(engine, object(), {"probes": ["system"], "timeout_s": 120}, Options(timeout_s=15))  # type: ignore[arg-type]
    assert engine.request == {"probes": ["system"], "timeout_s": 120, "whole_s": 15}
    assert engine.timeout_s > 15 + 5
    assert seen.failures["system"].kind == "missing"
