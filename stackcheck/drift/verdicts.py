"""What the rules say today of what was seen then: a new table or driver may change a verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stackcheck import __version__, knowledge, rules
from stackcheck.drift.facts import Gap, Key, Seen, Snapshot, snapshot
from stackcheck.model.facts import as_named
from stackcheck.model.image import ImageFacts
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.probing.observation import rule_facts
from stackcheck.resolve.locking import resolution_of
from stackcheck.rules.accepting import waive
from stackcheck.rules.registry import judge_all
from stackcheck.steps.claiming import claimed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.lock import Lock
    from stackcheck.model.report import Report
    from stackcheck.probing.observation import Observation
    from stackcheck.rules.registry import Rule

_SHELLS = frozenset({"image"})
"""Facts of which a report only keeps that they were there."""
NOT_KEPT = "it rests on what a report does not keep ({}): `stackcheck drift --rebuild` judges it"
DOUBTFUL = (
    "judged otherwise than in the report although neither tables nor machine moved: it rests on the "
    "definition or on what a report does not keep; `stackcheck drift --rebuild` judges it"
)


def verdict_facts(verdicts: Iterable[Verdict]) -> Snapshot:
    """Return the worst outcome of each rule about definition or target; waived ones do not count."""
    worst: dict[str, Verdict] = {}
    areas = _areas()
    for verdict in verdicts:
        if verdict.code in areas and verdict.counts:
            known = worst.get(verdict.code)
            if known is None or verdict.outcome > known.outcome:
                worst[verdict.code] = verdict
    return snapshot(
        (areas[code], code, "outcome", Seen(verdict.outcome.name, verdict.message))
        for code, verdict in worst.items()
    )


def _areas() -> dict[str, str]:
    """Return what each rule is about, by its code: the definition, or what was built; others are left out."""
    claims = dict.fromkeys((rule.code for rule in rules.before_build(Level.STATED)), "claim")
    return claims | dict.fromkeys((rule.code for rule in rules.of_target()), "target")


@dataclass(frozen=True)
class Then:
    """What a report keeps of the time when it was made, as far as rules ask for it."""

    report: Report
    observation: Observation
    lock: Lock

    @property
    def facts(self) -> dict[str, Any]:
        """Return the facts of the rules; the image, and how it was built, only say that they were there."""
        subject, found = self.report.subject, rule_facts(self.observation)
        if subject.kind == "image":
            found["image"] = ImageFacts(subject.digest)
        if self.report.resolution:
            found["resolution"] = resolution_of(self.lock)
        return found

    @property
    def rests_on_the_same(self) -> bool:
        """Tell whether tables and stackcheck are those of the report."""
        return (self.report.hashes.tables, self.report.tool_version) == (knowledge.sha256(), __version__)


def judged_again(stack: Stack, then: Then | None, now: Observation | None = None) -> Snapshot:
    """Judge the definition, and what was seen then, by today's rules and tables.

    `now` is what would be seen on today's machine. A rule that needs more than a report keeps is a gap; so is
    one that ends in an error, and one that says something else than the report although nothing moved.
    """
    claims = claimed(stack)
    early = _judged(stack, "claim", claims, claims)
    if then is None:
        gap = Gap("target", "", "", "there is no baseline report with what the probes saw")
        return early | Snapshot({}, frozenset({gap}))
    again = _judged(stack, "target", claims, claims | then.facts)
    late = again if now is None else _judged(stack, "target", claims, claims | then.facts | rule_facts(now))
    if not then.rests_on_the_same:
        return early | late
    said = verdict_facts(then.report.verdicts).facts
    doubtful = {key for key in {*said, *again.facts} if key.area == "target" and _differs(key, said, again)}
    kept = {key: seen for key, seen in late.facts.items() if key not in doubtful}
    gaps = frozenset(Gap(key.area, key.subject, "", DOUBTFUL) for key in doubtful)
    return early | Snapshot(kept, late.gaps | gaps)


def judged_beside(stack: Stack, probed: Then, baseline: Report | None) -> Snapshot:
    """Judge what a probe of an image saw as the baseline was: by the definition, and by the lock if it was.

    A probe takes the image for the stack's, and knows no lock; verdicts must not move for that alone.
    """
    claims = claimed(stack)
    resolution = baseline.resolution if baseline else {}
    as_then = replace(probed, report=replace(probed.report, resolution=resolution))
    late = _judged(stack, "target", claims, claims | as_then.facts)
    said = verdict_facts(probed.report.verdicts).only(["target"])
    gaps = frozenset(gap for gap in late.gaps if Key("target", gap.subject, "outcome") not in said.facts)
    return _judged(stack, "claim", claims, claims) | Snapshot({**said.facts, **late.facts}, gaps)


def _differs(key: Key, said: Mapping[Key, Seen], again: Snapshot) -> bool:
    values = [facts[key].value if key in facts else None for facts in (said, again.facts)]
    return again.knows(key) and values[0] != values[1]


def _judged(stack: Stack, area: str, claims: Mapping[str, Any], facts: Mapping[str, Any]) -> Snapshot:
    facts = as_named(facts)
    wanted, gaps = [], []
    for each in rules.of_target() if area == "target" else rules.before_build(Level.STATED):
        if area == "claim" and not _concerns(each, claims):
            continue
        if lacking := [need for need in each.needs if need not in facts or need in _SHELLS]:
            gaps.append(Gap(area, each.code, "", NOT_KEPT.format(lacking[0])))
        else:
            wanted.append(each)
    found = verdict_facts(waive(judge_all(wanted, facts), stack))
    errors = {key: seen for key, seen in found.facts.items() if seen.value == Outcome.ERROR.name}
    gaps += [Gap(key.area, key.subject, "", seen.note, fault=True) for key, seen in errors.items()]
    good = {key: seen for key, seen in found.facts.items() if key not in errors}
    return Snapshot(good, frozenset(gaps))


def _concerns(each: Rule, claims: Mapping[str, Any]) -> bool:
    """Tell whether a rule over the definition has anything to judge; others are asked when they run."""
    return bool(each.when(claims))


def on_this_host(
    observation: Observation, host: Mapping[str, Any], amd: Sequence[Mapping[str, Any]] = ()
) -> Observation:
    """Return what was seen in the image, on the driver and the devices of today's machine.

    `host` is the probe `nvidia_driver` run here, `amd` AMD's GPUs of `rocm_host`. What the image brings (its
    own libcuda, stubs, packages, variables) stays; where the target loaded the host's libcuda, it would load
    today's. A machine without a GPU of the kind says nothing.
    """
    moved = dict(observation.probes)
    for name, facts in (
        ("nvidia_driver", _nvidia_here(_facts(observation, "nvidia_driver"), host)),
        ("rocm_host", _amd_here(_facts(observation, "rocm_host"), amd)),
    ):
        if facts:
            moved[name] = replace(moved[name], facts=facts)
    return replace(observation, probes=MappingProxyType(moved))


def _facts(observation: Observation, probe: str) -> Mapping[str, Any]:
    entry = observation.probes.get(probe)
    return entry.facts or {} if entry else {}


def _amd_here(then: Mapping[str, Any], amd: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {**then, "gpus": list(amd)} if then.get("gpus") and amd else {}


def _nvidia_here(then: Mapping[str, Any], host: Mapping[str, Any]) -> dict[str, Any]:
    before = (then.get("nvml") or {}).get("driver")
    now = (host.get("nvml") or {}).get("driver")
    if not (before and now):
        return {}
    libcuda = [{**row, "version": now} if row["version"] == before else row for row in then["libcuda"]]
    return {**then, "kernel_module": host.get("kernel_module"), "nvml": host["nvml"], "libcuda": libcuda}
