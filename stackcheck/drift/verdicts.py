"""What the rules say today of what was seen then: a new table or driver may change a verdict."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stackcheck import rules
from stackcheck.drift.facts import Gap, Seen, Snapshot, snapshot
from stackcheck.observation import rule_facts
from stackcheck.pipeline import claimed, waive
from stackcheck.rules.registry import judge_all
from stackcheck.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.definition import Stack
    from stackcheck.observation import Observation
    from stackcheck.rules.registry import Rule

_AREAS = {"1": "claim", "3": "target", "4": "target"}
NOT_KEPT = "it rests on what a report does not keep ({}): `stackcheck drift --rebuild` judges it"


def verdict_facts(verdicts: Iterable[Verdict]) -> Snapshot:
    """Return the worst outcome of each rule about the definition or the target; waived ones do not count."""
    worst: dict[str, Verdict] = {}
    for verdict in verdicts:
        if verdict.code[-3] in _AREAS and verdict.counts:
            known = worst.get(verdict.code)
            if known is None or verdict.outcome > known.outcome:
                worst[verdict.code] = verdict
    return snapshot(
        (_AREAS[code[-3]], code, "outcome", Seen(verdict.outcome.name, verdict.message))
        for code, verdict in worst.items()
    )


def judged_again(stack: Stack, observation: Observation | None) -> Snapshot:
    """Judge the definition, and what was seen, by today's rules and tables.

    A rule that needs more than a report keeps is a gap, and so is one that ends in an error.
    """
    facts = claims = claimed(stack)
    wanted, gaps = [], []
    for each in rules.load_all():
        stage = _AREAS.get(each.code[-3])
        if (stage == "target" and observation is None) or not _concerns(each, claims):
            continue
        if stage and (lacking := [need for need in each.needs if not _kept(need, claims, observation)]):
            gaps.append(Gap(stage, each.code, "", NOT_KEPT.format(lacking[0])))
        elif stage:
            wanted.append(each)
    if observation is None:
        gaps.append(Gap("target", "", "", "there is no baseline report with what the probes saw"))
    else:
        facts = claims | rule_facts(observation)
    found = verdict_facts(waive(_judge(wanted, claims, facts), stack))
    errors = [
        Gap(key.area, key.subject, "", seen.note, fault=True)
        for key, seen in found.facts.items()
        if seen.value == Outcome.ERROR.name
    ]
    good = {key: seen for key, seen in found.facts.items() if seen.value != Outcome.ERROR.name}
    return Snapshot(good, frozenset((*gaps, *errors)))


def _judge(
    wanted: Iterable[Rule], claims: Mapping[str, Any], facts: Mapping[str, Any]
) -> tuple[Verdict, ...]:
    """Judge; rules about the definition see it alone, as they do in a probe of what is there already."""
    early = [each for each in wanted if each.code[-3] == "1"]
    late = [each for each in wanted if each.code[-3] != "1"]
    return (*judge_all(early, claims), *judge_all(late, facts))


def _concerns(each: Rule, claims: Mapping[str, Any]) -> bool:
    """Tell whether a rule over the definition has anything to judge; others are asked when they run."""
    return each.code[-3] != "1" or bool(each.when(claims))


def _kept(need: str, claims: Mapping[str, Any], observation: Observation | None) -> bool:
    return need in claims or need == "observation" or (observation is not None and need in observation.probes)


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
