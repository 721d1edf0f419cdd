"""Judge what probes saw in a task: the story of `stackcheck probe`, with an engine that only remembers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck import pipeline
from stackcheck.fleet.render.gpukinds import CPU
from stackcheck.model.facts import Missing
from stackcheck.steps.options import Options
from stackcheck.targets.engine import BuildOptions, Capabilities, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.fleet.frames import Answer
    from stackcheck.intake.stack import Stack
    from stackcheck.model.report import Report
    from stackcheck.model.resolution import Resolution
    from stackcheck.targets.engine import Progress

_ENGINE = "fleet"


class _Remembering:
    """An engine whose only target was probed elsewhere, with the answer that came back."""

    name = _ENGINE
    capabilities = Capabilities()
    version = ""
    swept = 0

    def __init__(self, image: str, document: object) -> None:
        self._image, self._document = image, document

    def prepare(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> Target:
        """Return the image that the task ran in."""
        del resolution, options, progress
        return Target(
            engine=self.name,
            kind="image",
            name=self._image,
            id=self._image.partition("@")[2],
            python=(stack.image.python or "python3",),
            image=Missing("the configuration of the image was not read: its task ran on another machine"),
        )

    def run_agent(
        self, target: Target, agent: bytes, request: Mapping[str, Any], *, timeout_s: float
    ) -> bytes:
        """Return what the agent answered there."""
        del target, agent, request, timeout_s
        return json.dumps(self._document).encode("ascii")

    def close(self) -> None:
        """Hold nothing, let go of nothing."""


def judged(answer: Answer, stack: Stack) -> Report:
    """Return the report of a task that ran the probes: its verdicts are of today's rules and definition."""
    wanted = "none" if answer.header.gpu == CPU else "auto"
    options = Options(build=BuildOptions(gpus=wanted, cache=Path(), environ={}))  # type: ignore[arg-type]
    content = answer.content
    engine = _Remembering(answer.header.image, content.get("document"))
    report = pipeline.probe(stack, engine, options, lambda _line: None)
    seconds = content.get("seconds")
    took = float(seconds) if isinstance(seconds, (int, float)) else 0.0
    return replace(report, started=answer.header.started, seconds=took)
