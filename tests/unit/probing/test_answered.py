"""An answer that leaves something out, or says it in another shape, is an ERROR of that probe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stackcheck.model.errors import ProbeError
from stackcheck.probing.answered import answered
from stackcheck.probing.observation import Failure, Observation, parse_observation
from stackcheck.probing.shapes import misfit

OBSERVATIONS = sorted((Path(__file__).parents[2] / "data" / "observations").glob("*.json"))
AGENT = {"python": "3.11.2", "executable": "/usr/bin/python3", "seconds": 0.5}
SYSTEM = {"status": "ok", "grade": "static", "seconds": 0.1}
RECORDED = {"shared_files": [], "shared_files_count": 0, "changed_files": []}
GOOD = {**SYSTEM, "facts": RECORDED}
NO_GPU = {"status": "skipped", "reason": "no GPU here: no device node of its driver"}


def seen(**probes: Any) -> Observation:
    document = {"schema_version": 1, "agent": AGENT, "probes": probes}
    return parse_observation(json.dumps(document).encode())


def failures(*names: str, **probes: Any) -> dict[str, Failure]:
    return answered(seen(**probes), {"probes": list(names)}).failures


def test_a_whole_answer_is_kept_as_it_is() -> None:
    said = seen(recorded_files=GOOD, torch_gpu=NO_GPU)
    assert answered(said, {"probes": ["recorded_files", "torch_gpu"]}) == said


def test_a_probe_that_is_missing_is_an_error_and_stays_one_in_what_is_kept() -> None:
    whole = answered(seen(), {"probes": ["system"]})
    expected = Failure("missing", "the answer does not hold this probe, which was asked for")
    assert whole.failures == {"system": expected}
    assert parse_observation(json.dumps(dict(whole.document)).encode()).failures == {"system": expected}


def test_an_answer_to_something_else_is_none() -> None:
    with pytest.raises(ProbeError, match="holds 1 probes that were not asked for, such as 'stack'"):
        answered(seen(recorded_files=GOOD, stack=GOOD), {"probes": ["recorded_files"]})


@pytest.mark.parametrize(
    ("probe", "entry"),
    [
        ("recorded_files", NO_GPU),
        ("torch_gpu", {"status": "skipped", "reason": "not today"}),
        ("torch_cpu", {"status": "skipped", "reason": "no GPU was asked for"}),
    ],
)
def test_a_target_does_not_choose_what_is_left_out(probe: str, entry: Any) -> None:
    found = failures(probe, **{probe: entry})[probe]
    assert found.kind == "garbage"
    assert found.message.startswith("the target left it out for a reason that is not one of ours: ")


def test_a_grade_is_not_the_target_s_to_say() -> None:
    found = failures("recorded_files", recorded_files={**GOOD, "grade": "gpu"})
    assert found["recorded_files"].message == "the answer is of grade 'gpu', not 'static'"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({}, "facts.shared_files is missing"),
        ({**RECORDED, "shared_files": None}, "facts.shared_files is not list but None"),
        ({**RECORDED, "shared_files": [1]}, "facts.shared_files.0 is not SharedFile but 1"),
        ({**RECORDED, "shared_files_count": True}, "facts.shared_files_count is not int but True"),
    ],
)
def test_facts_of_another_shape_are_none(facts: Any, message: str) -> None:
    found = failures("recorded_files", recorded_files={**SYSTEM, "facts": facts})
    expected = f"the facts are not of the shape that this probe reports: {message}"
    assert found == {"recorded_files": Failure("garbage", expected)}


@pytest.mark.parametrize("path", OBSERVATIONS, ids=lambda path: path.stem)
def test_what_real_machines_answered_has_the_shape(path: Path) -> None:
    document = json.loads(path.read_text("utf-8"))
    entries = document.get("observation", document)["probes"]
    facts = {name: each["facts"] for name, each in entries.items() if each["status"] == "ok"}
    assert {name: said for name, each in facts.items() if (said := misfit(name, each))} == {}


def test_of_a_probe_of_another_package_no_shape_is_known() -> None:
    assert misfit("nobody_knows_it", {"anything": 1}) == ""
