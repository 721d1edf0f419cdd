"""What the agent is asked for a stack, and that the packed agent is reproducible."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from stackcheck.intake.stack import Probes, Stack
from stackcheck.model.errors import UsageError
from stackcheck.probing import agent
from stackcheck_probes.carried import every_probe, grade_of

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = {"libraries": {"deep": "hidden"}}


def test_without_a_wish_every_probe_runs() -> None:
    request = agent.request_for(Stack(id="s"))
    asked = [name for name in every_probe() if not name.startswith("smoke")]
    assert request == {"probes": asked, "params": HIDDEN, "timeout_s": 120.0}


def test_smoke_tests_travel_with_their_files_and_their_time(tmp_path: Path) -> None:
    (tmp_path / "forward.py").write_text("print(1)")
    tests = [
        {"name": "forward", "script": "forward.py", "args": ["-v"], "timeout_s": 300},
        {"name": "card", "command": ["nvidia-smi"], "level": "gpu", "prints": "L4"},
    ]
    stack = Stack.model_validate({"id": "s", "file": str(tmp_path / "m.toml"), "smoke": tests})
    request = agent.request_for(stack)
    assert request["params"]["smoke"] == {
        "tests": [
            {
                "name": "forward",
                "command": [],
                "script": "forward.py",
                "args": ["-v"],
                "files": {"forward.py": "cHJpbnQoMSk="},
                "prints": None,
                "timeout_s": 300,
            }
        ]
    }
    assert [each["name"] for each in request["params"]["smoke_gpu"]["tests"]] == ["card"]
    assert {"smoke", "smoke_gpu"} <= set(request["probes"])
    assert request["timeout_s"] == 305


def test_smoke_tests_run_also_where_the_stack_names_its_probes() -> None:
    tests = [{"name": "card", "command": ["nvidia-smi"]}]
    stack = Stack.model_validate({"id": "s", "smoke": tests, "probes": {"want": ["torch_build"]}})
    assert "smoke" in agent.request_for(stack)["probes"]


def test_a_wish_adds_to_the_probes_of_the_machine() -> None:
    stack = Stack(id="s", probes=Probes(want=("torch_build",), skip=("rocm_host",), timeout_s=30))
    request = agent.request_for(stack)
    assert set(request["probes"]) == {*agent.MACHINE, "torch_build"} - {"rocm_host"}
    assert request["timeout_s"] == 30


def test_the_command_line_wins_over_the_wish() -> None:
    stack = Stack(id="s", probes=Probes(want=("torch_build",)))
    assert agent.request_for(stack, ["system"])["probes"] == ["system"]


def test_the_names_of_the_stack_s_variables_are_asked_for_not_their_values() -> None:
    request = agent.request_for(Stack(id="s", env={"B": "2", "A": "1"}))
    assert request["params"] == {**HIDDEN, "environment": {"names": ["A", "B"]}}


def test_of_files_only_those_probes_are_asked_that_look_in_package_folders_and_each_is_told_where() -> None:
    asked = agent.request_of_files(agent.request_for(Stack(id="s")), ["/cache/lib"], "/cache")
    place = ["/cache/lib"]
    assert asked["params"] == {
        "cumm_files": {"sys_path": place, "alone": "/cache"},
        "distributions": {"sys_path": place, "alone": "/cache"},
        "import_names": {"sys_path": place, "alone": "/cache"},
        "libraries": {"deep": "hidden", "roots": place, "alone": "/cache"},
        "loading": {"roots": place, "alone": "/cache"},
        "numpy_modules": {"sys_path": place, "alone": "/cache"},
        "recorded_files": {"sys_path": place, "alone": "/cache"},
    }
    assert asked["probes"] == list(asked["params"])
    assert {grade_of(name) for name in asked["probes"]} == {"static"}


def test_an_unknown_probe_is_an_error_of_the_call() -> None:
    with pytest.raises(UsageError, match=r"^s: there is no probe 'sistem'; did you mean 'system'\?$"):
        agent.request_for(Stack(id="s"), ["sistem"])


def test_the_archive_holds_the_probes_and_no_date() -> None:
    packed = agent.pack({"my_probe": "GRADE = 'static'"})
    assert packed.startswith(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = archive.namelist()
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert names == sorted(names)
    assert {"__main__.py", "stackcheck_probes/__main__.py", "stackcheck_probes/probes/my_probe.py"} <= set(
        names
    )


def test_the_digest_of_the_archive_is_that_of_its_bytes() -> None:
    assert agent.sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
