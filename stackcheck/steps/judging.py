"""The last step: which rules are asked, which findings are accepted, and the report of it all."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge
from stackcheck.model.image import ImageFacts
from stackcheck.model.report import Hashes, Report, Subject
from stackcheck.model.resolution import Resolution
from stackcheck.model.verdict import Level, Outcome
from stackcheck.probing import agent as agents
from stackcheck.probing.observation import Observation
from stackcheck.rules.accepting import current_text, settled
from stackcheck.steps.places import placed
from stackcheck.steps.probing import packed_agent
from stackcheck.storage.timings import Timing, keep_timing
from stackcheck.targets import Target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.model.verdict import Verdict


class Run:
    """The clock and the name of one run, until its report is made."""

    def __init__(self, command: str, stack: Stack, *, gpus_wanted: bool = True) -> None:
        """Start the clock. Where no GPU is wanted, what only a GPU answers is not asked."""
        self.command, self.stack, self.gpus_wanted = command, stack, gpus_wanted
        self.started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        self.clock = time.monotonic()

    def report(self, verdicts: Sequence[Verdict], facts: Facts, cache: Path | None = None) -> Report:
        """Return what came of the run; how long it took with a target is kept in `cache`."""
        report = self.told(self.judged(verdicts, facts))
        if cache and isinstance(target := facts.get("building"), Target) and target.kind != "wheels":
            timing = Timing(report.seconds, report.started)
            keep_timing(cache, self.stack.title, timing, built=target.built)
        return report

    def told(self, report: Report) -> Report:
        """Return what was judged of this stack, or of one of another name that is the same, as its own.

        That is with its name and time, and with the places in its files.
        """
        stack = self.stack
        return replace(
            report,
            stack=stack.id,
            verdicts=placed(report.verdicts, stack),
            family=stack.family if stack.family != stack.id else "",
            file=stack.file,
            summary=stack.summary,
            started=self.started,
            seconds=round(time.monotonic() - self.clock, 3),
        )

    def judged(self, verdicts: Sequence[Verdict], facts: Facts) -> Report:
        """Return what came of the run, without what `told` adds."""
        stack, resolution, target = self.stack, facts.get("resolution"), facts.get("building")
        versions = (
            {p.name: str(p.version) for p in resolution.packages}
            if isinstance(resolution, Resolution)
            else {}
        )
        seen = facts.get("probing")
        return Report(
            stack=stack.id,
            verdicts=settled(self._asked(verdicts), stack),
            terms=stack.terms,
            read_from=stack.read_from,
            command=self.command,
            subject=_subject(target),
            expect=stack.expect,
            expect_codes=tuple(map(current_text, stack.expect_codes)),
            resolution=versions,
            observation=seen.document if isinstance(seen, Observation) else None,
            hashes=_hashes(target),
            knowledge=facts["dated"].words if "dated" in facts else "",
        )

    def _asked(self, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        """Leave out what could not be answered without the GPU that nobody wants."""
        if self.gpus_wanted:
            return verdicts
        return [v for v in verdicts if v.level < Level.GPU or v.outcome is not Outcome.SKIP]


def _subject(target: Any) -> Subject:
    if not isinstance(target, Target):
        return Subject()
    return Subject(target.kind, target.engine, target.name, target.id, target.size_bytes or None)


def _hashes(target: Any) -> Hashes:
    if not isinstance(target, Target):
        return Hashes("", knowledge.sha256(), "")
    labels = target.image.labels if isinstance(target.image, ImageFacts) else {}
    return Hashes(agents.sha256(packed_agent()), knowledge.sha256(), labels.get("stackcheck.fingerprint", ""))
