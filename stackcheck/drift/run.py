"""The whole story of one drift run: read the baseline, look around, compare, and accept when told to."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from stackcheck import pipeline
from stackcheck.drift import baseline as baselines
from stackcheck.drift import collect, observation_facts, scans, verdicts
from stackcheck.drift.baseline import Accepted, Baseline
from stackcheck.drift.facts import Gap, Snapshot, carried
from stackcheck.drift.report import DriftReport, compare
from stackcheck.inspect.environments import probe_existing
from stackcheck.model.errors import ReportError
from stackcheck.model.verdict import Outcome
from stackcheck.probing.observation import parse_observation
from stackcheck.resolve.resolver import Options as ResolveOptions

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.intake.stack import Stack
    from stackcheck.model.index_pages import Page, Unreachable
    from stackcheck.model.report import Report
    from stackcheck.probing.observation import Observation
    from stackcheck.targets import Progress

_NOT_REBUILT = "not looked at (`--rebuild` builds it from the lock, `--probe IMAGE` looks at an image)"


@dataclass(frozen=True)
class DriftOptions:
    """What the user may say about a drift run.

    `rebuild` builds the image afresh from the lock, without any cache, and probes it; `probe` names an image
    to probe instead. `accept` is the reason for making today's facts the baseline, "" for not doing so.
    """

    run: pipeline.Options = field(default_factory=pipeline.Options)
    report: Path | None = None
    rebuild: bool = False
    probe: str = ""
    siblings: tuple[str, ...] = ()
    scans: tuple[Path, ...] = ()
    audit: bool = False
    accept: str = ""
    pages: dict[str, Page | Unreachable] = field(default_factory=dict, repr=False, compare=False)
    """The pages of indexes that the stacks before this one have read, in the same run."""


def drift(stack: Stack, options: DriftOptions, progress: Progress) -> DriftReport:
    """Say what has moved since the baseline.

    Raises UsageError when there is no lock, or a file that was named is no report or scan; what merely
    cannot be reached is part of the report.
    """
    started, clock = dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), time.monotonic()
    base = baselines.read_baseline(stack, options.run.locks, options.report)
    found = scans.read_scans(options.scans)
    progress(f"{stack.id}: looking at indexes, base image and machine")
    how = ResolveOptions(
        offline=options.run.offline,
        environ=options.run.build.environ,
        cache=options.run.build.cache,
        memory=options.run.memory,
        pages=options.pages,
    )
    around = collect.look_around(stack, base, how, options.run.build, options.siblings)
    image, fresh_report = _image(stack, base, around, options, progress)
    machine = collect.machine_digest()
    facts = around.facts | image | _vulnerabilities(base, found, options)
    then = _without_gap(base.facts, "sibling") if options.siblings else base.facts
    then = then if base.accepted else then | around.then
    fresh = _comparable(then, facts, proven=bool(machine) and machine == base.machine)
    made = replace(
        compare(stack.id, then, fresh, since=_since(base)),
        started=started,
        seconds=round(time.monotonic() - clock, 3),
    )
    if options.accept:
        _accept(stack, base, fresh, fresh_report, machine, options.accept, started)
        return replace(made, accepted=options.accept)
    return made


def _comparable(before: Snapshot, now: Snapshot, *, proven: bool) -> Snapshot:
    return observation_facts.steady_size(before, observation_facts.same_machine(before, now, proven=proven))


def _without_gap(facts: Snapshot, area: str) -> Snapshot:
    """Take an area that was never recorded as "no differences": the user asks for those of today."""
    whole = {gap for gap in facts.gaps if gap.area == area and not gap.subject}
    return Snapshot(facts.facts, facts.gaps - whole)


def _image(
    stack: Stack, base: Baseline, around: collect.Surroundings, options: DriftOptions, progress: Progress
) -> tuple[Snapshot, Report | None]:
    """Return facts and verdicts of the image: of a fresh one when asked for, else judged again."""
    if options.rebuild:
        build = replace(options.run.build, no_cache=True)
        report = pipeline.verify(stack, replace(options.run, build=build), progress)
        return rebuilt_facts(report), report
    if options.probe:
        report = probe_existing("image", options.probe, stack, options.run, progress)
        facts = rebuilt_facts(report)
        if report.observation is not None:
            probed = verdicts.Then(report, _parsed(report), base.lock)
            judged = verdicts.judged_beside(stack, probed, base.report)
            facts = facts.without(("claim", "target")) | judged
        return facts, None
    then = now = None
    if base.report is not None and base.observation is not None:
        then = verdicts.Then(base.report, base.observation, base.lock)
        now = verdicts.on_this_host(base.observation, around.driver, around.amd)
    gaps = frozenset(Gap(area, "", "", _NOT_REBUILT) for area in (*observation_facts.IMAGE, "image"))
    return verdicts.judged_again(stack, then, now) | Snapshot({}, gaps), None


def rebuilt_facts(report: Report) -> Snapshot:
    """Return what a fresh report says of the image; without an observation, whether the build failed."""
    judged = verdicts.verdict_facts(report.verdicts)
    if report.observation is not None:
        built = (
            observation_facts.builds() if report.command != "probe" else _unknown("image", "it was not built")
        )
        return judged | built | observation_facts.image_facts(report, _parsed(report))
    failed = [v for v in report.verdicts if v.code == "BUILD301" and v.outcome is Outcome.FAIL]
    told = [v.message for v in report.verdicts if v.code == "BUILD301"] or ["nothing was built"]
    gaps = frozenset(
        Gap(area, "", "", told[0], fault=not failed) for area in (*observation_facts.IMAGE, "target")
    )
    early = Snapshot({key: fact for key, fact in judged.facts.items() if key.area == "claim"})
    built = observation_facts.builds(told[0]) if failed else _unknown("image", told[0], fault=True)
    return early | built | Snapshot({}, gaps)


def _unknown(area: str, reason: str, *, fault: bool = False) -> Snapshot:
    return Snapshot({}, frozenset({Gap(area, "", "", reason, fault)}))


def _parsed(report: Report) -> Observation:
    if report.observation is None:
        raise ReportError("the report holds no observation")
    return parse_observation(json.dumps(dict(report.observation)).encode())


def _vulnerabilities(base: Baseline, found: Snapshot, options: DriftOptions) -> Snapshot:
    if options.scans:
        return found
    if options.audit:
        build = options.run.build
        return scans.run_pip_audit(base.lock, build.cache, build.environ)
    return _unknown("cve", scans.NOT_ASKED)


def _since(base: Baseline) -> str:
    if base.accepted:
        return f"accepted {base.accepted.when}: {base.accepted.reason}"
    report = f"the report of {base.report.started}" if base.report else "no report"
    return f"the lock {base.lock.path} and {report}"


def _accept(  # noqa: PLR0913, PLR0917 - what is written down
    stack: Stack,
    base: Baseline,
    fresh: Snapshot,
    report: Report | None,
    machine: str,
    reason: str,
    when: str,
) -> None:
    """Write the new baseline; the report first: a run that dies in between leaves old facts unused."""
    digest = base.report_digest
    if report is not None and report.observation is not None:
        digest = baselines.write_report(report, base.report_path)
    facts = carried(base.facts, fresh)
    accepted = Accepted(stack.id, reason, when, machine, base.lock_digest, digest, facts)
    baselines.write_accepted(accepted, base.path)
