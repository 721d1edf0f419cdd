"""CMake 4, clean builds, tiers: what a Dockerfile says, and what lies in a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.environment import definition_facts
from stackcheck.images.tiers import link
from stackcheck.intake.stack import Stack
from stackcheck.knowledge import load
from stackcheck.model.facts import Fault, Missing
from stackcheck.rules.registry import RULES, judge_one
from stackcheck.targets.engine import BuiltTier, Target
from stackcheck_probes.probes import cmake_sources, pythons
from tests.unit.rules.harness import lines

if TYPE_CHECKING:
    from pathlib import Path

TORCH = {"torch": {"version": "2.6.0", "from": "source"}}
SEVEN = [row.file for row in load().cmake.files]
CLONE = "FROM archlinux:latest\nRUN git clone --recursive https://github.com/ROCm/pytorch.git -b release/2.6 /pytorch\nWORKDIR /pytorch\n"
EDITS = "".join(
    f"RUN sed -i '1s/.*/cmake_minimum_required(VERSION 3.5)/' /pytorch/{file}\n" for file in SEVEN
)
INSTALL = "RUN python setup.py bdist_wheel && pip install dist/torch*.whl\n"
VISION = "RUN git clone https://github.com/pytorch/vision.git /vision\nWORKDIR /vision\n"


def cmake(dockerfile: str, **packages: Any) -> list[str]:
    return lines("CMAKE101", {"dockerfile": dockerfile}, packages=TORCH | packages)


def test_the_table_names_the_seven_files_with_what_they_ask_for() -> None:
    assert [(row.file, str(row.minimum), row.unverified) for row in load().cmake.files] == [
        ("third_party/protobuf/cmake/CMakeLists.txt", "3.1.3", False),
        ("third_party/psimd/CMakeLists.txt", "2.8.12", False),
        ("third_party/FP16/CMakeLists.txt", "2.8.12", False),
        ("third_party/NNPACK/CMakeLists.txt", "2.8.12", False),
        ("third_party/ittapi/CMakeLists.txt", "2.8.12", False),
        ("third_party/gloo/CMakeLists.txt", "2.8.12", False),
        ("third_party/ideep/mkl-dnn/CMakeLists.txt", "2.8.12", True),
    ]


def test_six_of_seven_edits_are_not_enough_for_cmake_4() -> None:
    six = "".join(line for line in EDITS.splitlines(keepends=True) if "psimd" not in line)
    message = "CMake 4 refuses 1 file of torch 2.6.0 that nothing here edits: third_party/psimd/CMakeLists.txt (2.8.12)."
    assert cmake(CLONE + six + INSTALL, cmake="4.1.0") == [f"FAIL: {message}"]
    assert cmake(CLONE + six + INSTALL) == [f"WARN: {message} The stack states no cmake."]


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        (CLONE + EDITS + INSTALL, "The Dockerfile edits the 7 files that CMake 4 refuses."),
        (
            "ENV CMAKE_POLICY_VERSION_MINIMUM=3.5\n" + CLONE + INSTALL,
            "7 files ask for a CMake older than 3.5, and CMAKE_POLICY_VERSION_MINIMUM is set.",
        ),
        (
            CLONE + "RUN pip install 'cmake<4'\n" + INSTALL,
            "7 files ask for a CMake older than 3.5, and it takes a CMake below 4.",
        ),
    ],
)
def test_the_three_ways_out_of_cmake_4(dockerfile: str, message: str) -> None:
    assert cmake(dockerfile, cmake="4.1.0" if "<4" not in dockerfile else "latest") == [f"PASS: {message}"]


def test_the_file_whose_figure_is_unverified_fails_nothing() -> None:
    rest = "".join(line for line in EDITS.splitlines(keepends=True) if "mkl-dnn" not in line)
    assert cmake(CLONE + rest, cmake="4.1.0")[0].startswith("WARN: CMake 4 refuses 1 file of torch 2.6.0")


def test_a_later_torch_or_a_wheel_has_no_such_files() -> None:
    later = {"torch": {"version": "2.7.0", "from": "source"}}
    assert lines("CMAKE101", {"dockerfile": CLONE}, packages=later) == []
    assert lines("CMAKE101", {"dockerfile": CLONE}, packages={"torch": "2.6.0"}) == []
    assert lines("CMAKE101", packages=TORCH) == []


def test_a_tier_does_not_answer_for_what_the_tier_below_has_built() -> None:
    below = Stack.model_validate({"id": "torch", "packages": TORCH})
    stack = Stack.model_validate({"id": "vision", "packages": TORCH}).model_copy(update={"below": (below,)})
    assert (
        judge_one(RULES["CMAKE101"], {**definition_facts(stack, load()), "dockerfile": "FROM torch:1\n"})
        == []
    )


def tree(folder: Path, **files: str) -> dict[str, Any]:
    for name, text in files.items():
        path = folder / "tree" / name.replace("__", "/") / "CMakeLists.txt"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    (folder / "bin").mkdir()
    (folder / "bin/cmake").write_text("")
    (folder / "bin/cmake").chmod(0o755)
    (folder / "share/cmake-4.1").mkdir(parents=True)
    return {"trees": [str(folder / "tree")], "path": str(folder / "bin"), "environ": {}}


def judged(facts: Any) -> list[str]:
    verdicts = judge_one(RULES["CMAKE301"], {"cmake_sources": facts, "tables": load()})
    return [f"{verdict.outcome.name}: {verdict.message}" for verdict in verdicts]


def test_a_source_tree_with_old_files_is_seen_and_refused(tmp_path: Path) -> None:
    facts = cmake_sources.run(
        tree(
            tmp_path,
            third_party__psimd="CMAKE_MINIMUM_REQUIRED(VERSION 2.8.12 FATAL_ERROR)\n",
            third_party__fmt="cmake_minimum_required(VERSION 2.8...3.25)\n",
            tests="project(no_minimum)\n",
        )
    )
    assert facts["cmake"] == "4.1"
    where = facts["trees"][0]["path"]
    assert facts["trees"] == [
        {
            "path": where,
            "files": [
                {"path": "third_party/fmt/CMakeLists.txt", "policy": "3.25"},
                {"path": "third_party/psimd/CMakeLists.txt", "policy": "2.8.12"},
            ],
        }
    ]
    what = f"CMake 4 refuses 1 file below {where}: third_party/psimd/CMakeLists.txt (2.8.12)"
    assert judged(facts) == [f"FAIL: {what}; the cmake here is 4.1."]
    assert judged({**facts, "cmake": "3.31"}) == [f"PASS: {what}; the cmake here is 3.31."]
    assert judged({**facts, "cmake": None}) == [
        f"SKIP: {what}; there is no cmake on the PATH here to hold that against."
    ]
    assert judged({**facts, "variable": "3.5"}) == [
        f"PASS: {what}; CMAKE_POLICY_VERSION_MINIMUM=3.5 lifts that."
    ]


def test_an_old_file_that_may_never_be_configured_is_a_warning(tmp_path: Path) -> None:
    facts = cmake_sources.run(tree(tmp_path, examples__old="cmake_minimum_required(VERSION 3.0)\n"))
    where = facts["trees"][0]["path"]
    assert judged(facts) == [
        f"WARN: CMake 4 refuses 1 file below {where}: examples/old/CMakeLists.txt (3.0); the cmake here is 4.1, and whether they are configured is not known."
    ]


def test_a_tree_that_suits_cmake_4_and_no_tree_at_all(tmp_path: Path) -> None:
    facts = cmake_sources.run(tree(tmp_path, a="cmake_minimum_required(VERSION 3.5)\n"))
    assert judged(facts) == [f"PASS: 1 CMakeLists.txt below {facts['trees'][0]['path']} suit CMake 4."]
    assert cmake_sources.run({"trees": [str(tmp_path / "no")], "path": ""}) == {
        "cmake": None,
        "variable": None,
        "trees": [],
    }


def clean(text: str) -> list[str]:
    return lines("DOCKER103", {"dockerfile": text})


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (
            CLONE + "ENV PYTHONPATH=/pytorch\n" + INSTALL + VISION + "RUN python setup.py bdist_wheel\n",
            "FAIL: Line 8 builds torchvision with PYTHONPATH=/pytorch: /pytorch is a second torch beside the installed one.",
        ),
        (
            CLONE + INSTALL + VISION + "RUN python setup.py bdist_wheel\n",
            "WARN: Line 7 builds torchvision while the checkout /pytorch is there, and nothing keeps PYTHONPATH and the user site out.",
        ),
        (
            CLONE + INSTALL + VISION + "RUN PYTHONNOUSERSITE=1 PYTHONPATH= python setup.py bdist_wheel\n",
            "PASS: Line 7 builds torchvision in a clean environment.",
        ),
        (
            CLONE + INSTALL + "RUN rm -rf /pytorch\n" + VISION + "RUN python setup.py bdist_wheel\n",
            "PASS: Line 8 builds torchvision beside no checkout of torch.",
        ),
        (
            CLONE + INSTALL + "RUN cd /src/audio && python -m pip wheel --no-deps .\n",
            "WARN: Line 5 builds torchaudio while the checkout /pytorch is there, and nothing keeps PYTHONPATH and the user site out.",
        ),
    ],
)
def test_companions_are_built_where_one_torch_is_seen(text: str, verdict: str) -> None:
    assert clean(text) == [verdict]


def test_a_dockerfile_that_takes_wheels_has_nothing_to_keep_clean() -> None:
    assert clean("FROM python:3.11\nRUN pip install torch torchvision\n") == []
    assert clean(VISION.replace("RUN", "FROM a\nRUN", 1) + "RUN python setup.py bdist_wheel\n") == []
    assert lines("DOCKER103") == []


def test_tags_in_from_lines_exist() -> None:
    text = "ARG TAG=12.4.1-cudnn9-devel-ubuntu22.04\nFROM nvidia/cuda:$TAG AS build\nFROM build\nFROM nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04\n"
    assert lines("IMAGE107", {"dockerfile": text}) == [
        "FAIL: nvidia/cuda:12.4.1-cudnn9-devel-ubuntu22.04 does not exist: images of CUDA 12.4 spell cuDNN `cudnn`.",
        "PASS: nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04 is a tag of nvidia/cuda.",
    ]
    assert lines("IMAGE107", {"dockerfile": "FROM debian:12\n"}) == lines("IMAGE107") == []


def chain() -> Stack:
    rows = [
        {"id": "low", "image": {"dockerfile": "D", "tag": "low:1"}},
        {"id": "top", "image": {"dockerfile": "D", "from_stack": "low"}},
    ]
    return link([Stack.model_validate(row) for row in rows])[0][1]


def tier_said(code: str, **facts: Any) -> list[str]:
    return [f"{v.outcome.name}: {v.message}" for v in judge_one(RULES[code], {"stack": chain(), **facts})]


def test_a_tier_is_built_on_the_one_below() -> None:
    assert tier_said("TIER101", dockerfile="FROM low:1\n") == [
        "PASS: top is built on low:1, the image of low."
    ]
    assert tier_said("TIER101", dockerfile="FROM pytorch/pytorch:2.6.0\n") == [
        "FAIL: top is stated to be built on low, but its Dockerfile has no FROM low:1, the image of low; it has pytorch/pytorch:2.6.0."
    ]
    alone = {"stack": Stack(id="alone"), "dockerfile": "FROM a\n"}
    assert judge_one(RULES["TIER101"], alone) == []


def target(*names: str, kind: Any = "image") -> Target:
    sizes = {"low": 289_000_000, "top": 1_300_000_000}
    tiers = tuple(BuiltTier(name, f"{name}:1", f"id {name}", sizes[name], built=True) for name in names)
    return Target("docker", kind, "top:1", "id", ("python3",), Missing("not looked at"), tiers=tiers)


def test_tiers_that_are_there_and_that_are_missing() -> None:
    assert tier_said("TIER301", building=target("low", "top")) == [
        "PASS: all 2 tiers are there: low 289.0 MB, top +1.0 GB."
    ]
    assert tier_said("TIER301", building=target("top")) == ["FAIL: 1 of 2 tiers are missing: low."]
    assert tier_said("TIER301", building=Fault("it failed")) == [
        "SKIP: the chain low -> top is not there: its build did not succeed."
    ]
    assert tier_said("TIER301", building=target(kind="venv")) == [
        "SKIP: a venv has no tiers; the docker engine builds low -> top."
    ]


def test_one_python_and_no_conda(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "opt/venv/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/python3.10").write_text("")
    (tmp_path / "usr/bin/python3.10").chmod(0o755)
    (tmp_path / "opt/venv/bin/python3.10").symlink_to(tmp_path / "usr/bin/python3.10")
    params = {"folders": [str(tmp_path / "usr/bin")], "roots": [str(tmp_path / "opt")]}
    one = f"{tmp_path}/usr/bin/python3.10"
    assert tier_said("TIER302", pythons=pythons.run(params)) == [
        f"PASS: the image has one Python, 3.10 ({one}), and no conda."
    ]
    (tmp_path / "opt/conda/bin").mkdir(parents=True)
    (tmp_path / "opt/conda/conda-meta").mkdir()
    (tmp_path / "opt/conda/bin/python3.11").write_text("")
    (tmp_path / "opt/conda/bin/python3.11").chmod(0o755)
    conda = f"{tmp_path}/opt/conda"
    assert tier_said("TIER302", pythons=pythons.run(params)) == [
        f"WARN: the image has 2 Pythons, 3.11 ({conda}/bin/python3.11), 3.10 ({one}), and conda in {conda}."
    ]
    assert tier_said("TIER302", pythons={"pythons": [], "conda": []}) == [
        "SKIP: no Python was found in the usual folders."
    ]


def test_one_image_is_judged_by_one_rule() -> None:
    """The image of a stack is IMAGE101's, also where a Dockerfile states it; others of the file are IMAGE107's."""
    own, other = "nvidia/cuda:12.4.1-cudnn8-devel-ubuntu22.04", "nvidia/cuda:12.4.1-cudnn9-base-ubuntu22.04"
    text = f"FROM {other} AS tools\nFROM {own}\nCOPY --from=tools /x /x\n"
    fields = {"image": {"base": own}}
    assert [line[:5] for line in lines("IMAGE101", {"dockerfile": text}, **fields)] == ["FAIL:"]
    (said,) = lines("IMAGE107", {"dockerfile": text}, **fields)
    assert other in said
