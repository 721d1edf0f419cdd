"""Real stacks with their real outcome: every bad one is found for its cause, no good one fails."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cases.convert import to_stack
from tests.cases.scoreboard import FAMILIES, HERE, Judged, document, judge, read_cases, score
from tests.cases.second import stack_of

CASES = read_cases(HERE / "cases.toml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_case_is_judged_right(case: dict[str, Any]) -> None:
    judged = judge(case)
    assert judged.right, "\n".join(judged.messages) or f"no FAIL of {FAMILIES[case['cause']]}"


def test_the_committed_scoreboard_is_current() -> None:
    committed = json.loads((HERE / "scoreboard.json").read_text(encoding="utf-8"))
    assert committed == document([judge(case) for case in CASES]), (
        "run: python -m tests.cases.scoreboard --json tests/cases/scoreboard.json"
    )


def test_every_pair_differs_in_verdict() -> None:
    by_id = {case["id"]: case for case in CASES}
    for case in CASES:
        assert "pair" not in case or by_id[case["pair"]]["verdict"] != case["verdict"]


DATED = [case for name in ("third", "fourth", "fifth") for case in read_cases(HERE / f"{name}.toml")]


@pytest.mark.parametrize("case", DATED, ids=lambda case: case["id"])
def test_the_case_of_a_dated_set_says_what_it_must(case: dict[str, Any]) -> None:
    assert stack_of(case).id == case["id"]
    assert case["about"]
    assert case["evidence"]
    assert case["why"]
    assert case["dated"]
    assert case["known"] in {"definition", "resolution", "files", "no"}
    assert case["verdict"] == "good" or (case["fix"] and case["severity"] in {"fail", "warn"})


def test_no_case_stands_in_two_sets() -> None:
    files = ("cases.toml", "second.toml", "sealed.toml", "third.toml", "fourth.toml", "fifth.toml")
    ids = [case["id"] for name in files for case in read_cases(HERE / name)]
    assert len(set(ids)) == len(ids)


def test_scores_count_by_cause() -> None:
    judged = [
        Judged("a", "bad", "numpy2", ("NUMPY101",), right=True, messages=()),
        Judged("b", "bad", "numpy2", (), right=False, messages=()),
        Judged("c", "good", "ok_published", ("NUMPY101",), right=False, messages=()),
    ]
    result = score(judged)
    assert (result["bad"], result["found"], result["good"], result["alarms"]) == (2, 1, 1, 1)
    assert result["causes"]["numpy2"] == {"cases": 2, "right": 1, "precision": 0.5, "recall": 0.5}


def _stack(**said: Any) -> dict[str, Any]:
    stack = to_stack({"id": "made-up", "stack": said})
    return stack.model_dump(by_alias=True, exclude_defaults=True)


@pytest.mark.parametrize(
    ("said", "package"),
    [
        ("2.1.2", {"version": "2.1.2"}),
        ("2.5.5+cu118torch2.2cxx11abiTRUE", {"version": "2.5.5+cu118torch2.2cxx11abiTRUE"}),
        (">=0.0.22.post2+cu118 (all candidates)", {"version": ">=0.0.22.post2"}),
        ("unpinned, PyPI latest of 2026", {"version": "latest"}),
        ("wheel", {"version": "latest"}),
        ("wheel of the torch-1.9.1 page", {"version": "latest", "built_for": {"torch": "1.9.1"}}),
        (
            "2.1.0 (wheel of cu118/torch2.0)",
            {"version": "2.1.0", "built_for": {"torch": "2.0", "cuda": "11.8"}},
        ),
        ("source build", {"version": "latest", "from": "source"}),
        ("ROCm/flash-attention v2.6.3-cktile from source", {"version": "2.6.3", "from": "source"}),
        ("git 5b838a8", {"version": "latest", "from": "source"}),
    ],
)
def test_what_sources_say_of_a_package(said: str, package: dict[str, Any]) -> None:
    assert _stack(packages={"flash-attn": said})["packages"]["flash-attn"] == package


@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ({"driver": "r570"}, "driver", ">=570,<571"),
        ({"toolkit": "11.1 (CUDA_HOME)"}, "toolkit", "11.1"),
        ({"torch": "cu130 build"}, "cuda", "13.0"),
        ({"os": "macOS arm64 (Apple M2)"}, "platform", "macos/arm64"),
        ({"os": "Windows 10"}, "platform", "windows/amd64"),
        ({"env": {"A": "unset (so)", "B": "1"}}, "env", {"B": "1"}),
        (
            {"container": "nvidia/cuda:11.3.1-devel-ubuntu20.04"},
            "image",
            {"base": "nvidia/cuda:11.3.1-devel-ubuntu20.04"},
        ),
        (
            {"container": "nvcr.io/nvidia/pytorch:24.08-py3"},
            "image",
            {"ready": "nvcr.io/nvidia/pytorch:24.08-py3"},
        ),
        ({"packages": {"mmcv": "source build made on an A100"}}, "arch_list", ("8.0",)),
        ({"index": ["PyPI only"]}, "index", {"url": "https://pypi.org/simple"}),
    ],
)
def test_what_sources_say_of_a_stack(said: dict[str, Any], field: str, value: Any) -> None:
    assert _stack(**said)[field] == value


def test_two_gpus_in_one_text_and_one_that_is_not_known() -> None:
    two = to_stack({"id": "a", "stack": {"gpu": "GTX 1080 Ti + Tesla P100", "compute_capability": "6.1"}})
    assert [str(gpu.capability) for gpu in two.gpus] == ["6.1", "6.0"]
    odd = to_stack({"id": "b", "stack": {"gpu": "Some Card", "compute_capability": "7.0"}})
    assert [str(gpu.capability) for gpu in odd.gpus] == ["7.0"]


def test_conda_channels_make_conda_packages() -> None:
    made = _stack(torch="2.0.1", index=["conda pytorch"], packages={"mkl": "2024.1", "mmcv": "1.4.0"})
    assert {name: row.get("from") for name, row in made["packages"].items()} == {
        "mkl": "conda",
        "mmcv": None,
        "torch": "conda",
    }


def test_a_case_that_is_no_definition_says_why() -> None:
    with pytest.raises(
        ValueError, match=r"^cases\.toml: stack \(c\)\.gpus\.0: no GPU named 'nonsense' is known"
    ):
        to_stack({"id": "c", "stack": {"gfx": "nonsense"}})
