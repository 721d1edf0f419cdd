"""What the agent of a target is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.errors import EngineError, NoInterpreterError
from stackcheck.model.facts import Missing
from stackcheck.model.outside import OutsideFiles
from stackcheck.steps.options import Options
from stackcheck.steps.probing import asked, observed
from stackcheck.targets import Target
from stackcheck.targets.engine import Capabilities

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


class Bare:
    """An engine whose image has no interpreter to start the agent by; its files are known, or not."""

    name, capabilities, swept = "bare", Capabilities(outside=True), 0

    def __init__(self, *files: str) -> None:
        self._files = files

    def version(self) -> str:
        return "1"

    def prepare(self, *_: object) -> Target:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""

    def run_agent(self, *_: object, **__: object) -> bytes:
        raise NoInterpreterError("probing: there is no Python to run: python3.")

    def outside(self, _target: object) -> OutsideFiles:
        if "?" in self._files:
            raise EngineError("the engine is away.")
        return OutsideFiles(sizes=dict.fromkeys(self._files, 1))


@pytest.mark.parametrize(
    ("files", "proven", "said"),
    [
        (
            ("/bin/sh", "/lib/libpython3.so"),
            True,
            "The image mine:1 has no Python: none of its files is one.",
        ),
        (
            ("/bin/sh", "/opt/env/bin/python3.11"),
            False,
            "probing: there is no Python to run: python3. There is /opt/env/bin/python3.11: name it by "
            "--python, or image.python in a stack.",
        ),
        (("?",), False, "probing: there is no Python to run: python3."),
    ],
)
def test_an_image_without_any_python_is_told_from_one_whose_python_has_to_be_named(
    files: tuple[str, ...], proven: bool, said: str
) -> None:
    target = Target("docker", "image", "mine:1", "sha256:1", ("python3",), Missing("made up"))
    engine: Any = Bare(*files)
    fault = observed(Stack(id="s"), engine, target, Options(), lambda _: None)["probing"]
    assert (fault.proven, fault.message) == (proven, said)
