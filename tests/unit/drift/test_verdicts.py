"""What was seen then, judged by today's tables and on today's machine: literal facts in, changes out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck import knowledge
from stackcheck.drift import Change, Gap, diff
from stackcheck.drift.verdicts import DOUBTFUL, Then, judged_again, on_this_host, verdict_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.lock import Lock
from stackcheck.model.report import Hashes, Report, Subject
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.probing.observation import Observation, parse_observation

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCK = Lock("pylock.s.toml", (), "s", "", "3.11", "x86_64-manylinux_2_28", "")
SAME = Hashes(tables=knowledge.sha256())
OTHERS = Hashes(tables="of another day")


def seen(**probes: Mapping[str, Any]) -> Observation:
    rows = {
        name: {"status": "ok", "grade": "static", "seconds": 0.1, "facts": facts}
        for name, facts in probes.items()
    }
    agent = {"python": "3.11.2", "executable": "python3", "seconds": 1.0}
    return parse_observation(json.dumps({"schema_version": 1, "agent": agent, "probes": rows}).encode())


def nvidia(driver: str, *gpus: str, libcuda: str = "", compat: bool = False) -> dict[str, Any]:
    row = {
        "path": "/usr/lib/libcuda.so.1",
        "file": f"/usr/lib/libcuda.so.{libcuda or driver}",
        "version": libcuda or driver,
        "via": "default",
        "stub": False,
        "compat": compat,
    }
    devices = [{"index": number, "name": name, "capability": "8.9"} for number, name in enumerate(gpus)]
    return {
        "kernel_module": {"version": driver, "open": False},
        "nvml": {
            "library": "libnvidia-ml.so.1",
            "error": None,
            "code": 0,
            "driver": driver,
            "cuda": "12.4",
            "devices": devices,
        },
        "device_nodes": [{"path": "/dev/nvidia0", "accessible": True}],
        "libcuda": [row],
        "stub_folders": [],
        "driver_packages": [],
    }


def rocm(gfx: str, override: str = "") -> dict[str, Any]:
    names = {"10.3.0": "gfx1030"}
    return {
        "variables": {},
        "override": {"all": {"value": override, "gfx": names[override]}} if override else {},
        "kfd": {"path": "/dev/kfd", "exists": True, "accessible": True},
        "render_nodes": [],
        "uid": 0,
        "groups": [0],
        "gpus": [{"node": "1", "gfx": gfx, "link_flags": []}],
        "rocm": [],
        "kernel_files": [],
    }


def then(stack: Stack, observation: Observation, hashes: Hashes = SAME) -> Then:
    """Return a report with what the rules said of an observation."""
    bare = Report("s", (), subject=Subject("image", "docker", "s:1", "sha256:1"), hashes=OTHERS)
    found = judged_again(stack, Then(bare, observation, LOCK))
    verdicts = tuple(
        Verdict(key.subject, "t", Outcome[fact.value], fact.note)
        for key, fact in found.facts.items()
        if key.area == "target"
    )
    return Then(replace(bare, verdicts=verdicts, hashes=hashes), observation, LOCK)


def moved(stack: Stack, before: Observation, now: Observation) -> dict[str, Change]:
    made = then(stack, before)
    changes = diff(verdict_facts(made.report.verdicts), judged_again(stack, made, now).only(["target"]))
    return {change.where: change for change in changes}


CUDA = Stack(id="s", accelerator="cuda", driver=">=550.54.15", env={})


def test_nothing_moved_and_no_verdict_has() -> None:
    observation = seen(nvidia_driver=nvidia("550.54.15", "NVIDIA L4"))
    assert moved(CUDA, observation, observation) == {}


def test_an_old_driver_under_the_same_image() -> None:
    before = seen(nvidia_driver=nvidia("550.54.15", "NVIDIA L4"))
    now = on_this_host(before, nvidia("535.54.03", "NVIDIA L4"))
    assert now.probes["nvidia_driver"].facts["libcuda"][0]["version"] == "535.54.03"  # type: ignore[index]
    found = moved(CUDA, before, now)
    assert found.keys() == {"DRIVER302"}
    assert (found["DRIVER302"].after, found["DRIVER302"].rank) == ("FAIL", "breaks-running")
    assert found["DRIVER302"].note == "the driver is 535.54.03, the stack states >=550.54.15."


def test_compat_libcuda_lands_on_a_consumer_gpu() -> None:
    before = seen(nvidia_driver=nvidia("550.54.15", "NVIDIA A100", libcuda="560.35.03", compat=True))
    now = on_this_host(before, nvidia("550.54.15", "NVIDIA GeForce RTX 4090"))
    assert now.probes["nvidia_driver"].facts["libcuda"][0]["version"] == "560.35.03"  # type: ignore[index]
    found = moved(CUDA, before, now)
    assert found.keys() == {"DRIVER301"}
    assert (found["DRIVER301"].before, found["DRIVER301"].after) == ("WARN", "FAIL")
    assert found["DRIVER301"].note == (
        "forward compatibility is used on NVIDIA GeForce RTX 4090, where it is not supported: error 804."
    )


def test_an_override_lands_on_a_part_that_is_supported_by_itself() -> None:
    stack = Stack(id="s", accelerator="rocm")
    before = seen(rocm_host=rocm("gfx1030", override="10.3.0"))
    now = on_this_host(before, {}, rocm("gfx1100")["gpus"])
    found = moved(stack, before, now)
    assert (found["ROCM302"].before, found["ROCM302"].after) == ("PASS", "WARN")
    assert found["ROCM302"].rank == "changes-behaviour"
    assert found["ROCM302"].note == (
        "HSA_OVERRIDE_GFX_VERSION makes gfx1100 run code for gfx1030, which AMD does not support."
    )


@pytest.mark.parametrize("host", [{}, {"nvml": None}, {"nvml": {"driver": None}}])
def test_a_machine_without_a_driver_says_nothing_of_the_image(host: dict[str, Any]) -> None:
    observation = seen(nvidia_driver=nvidia("550.54.15", "NVIDIA L4"), rocm_host=rocm("gfx1030"))
    assert on_this_host(observation, host) == observation


def test_a_verdict_that_nothing_moved_is_not_told_as_drift() -> None:
    observation = seen(nvidia_driver=nvidia("550.54.15", "NVIDIA L4"))
    made = then(CUDA, observation)
    others = tuple(replace(v, outcome=Outcome.WARN) for v in made.report.verdicts if v.code == "DRIVER302")
    odd = replace(made, report=replace(made.report, verdicts=others))
    again = judged_again(CUDA, odd)
    assert diff(verdict_facts(others), again.only(["target"])) == ()
    assert Gap("target", "DRIVER302", "", DOUBTFUL) in again.gaps


def test_new_tables_may_change_a_verdict() -> None:
    observation = seen(nvidia_driver=nvidia("550.54.15", "NVIDIA L4"))
    made = then(CUDA, observation)
    others = tuple(replace(v, outcome=Outcome.FAIL) for v in made.report.verdicts if v.code == "DRIVER302")
    old = replace(made, report=replace(made.report, verdicts=others, hashes=OTHERS))
    changes = diff(verdict_facts(others), judged_again(CUDA, old).only(["target"]))
    found = {change.where: change for change in changes}
    assert (found["DRIVER302"].before, found["DRIVER302"].after, found["DRIVER302"].rank) == (
        "FAIL",
        "PASS",
        "benign",
    )


def test_without_a_report_nothing_is_said_of_the_target() -> None:
    found = judged_again(Stack(id="s", packages={"torch": "2.5.0"}), None)
    assert {gap.reason for gap in found.gaps if gap.area == "target"} == {
        "there is no baseline report with what the probes saw"
    }
    assert {key.area for key in found.facts} == {"claim"}
