"""Which Pythons are tried where a stack states none."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from packaging.version import Version

from stackcheck.intake.stack import Stack
from stackcheck.model.index_pages import File
from stackcheck.resolve.alternatives import has_wheel
from stackcheck.resolve.question import question_of
from stackcheck.resolve.resolver import likely_pythons

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def pythons(**fields: Any) -> list[str]:
    return likely_pythons(Stack.model_validate({"id": "s", **fields}))


def test_a_pinned_torch_says_which_the_newest_first() -> None:
    assert pythons(packages={"torch": "2.5.0"}) == ["3.13", "3.12", "3.11", "3.10", "3.9"]


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({"image": {"base": "ubuntu:22.04"}}, "3.10"),
        ({"image": {"base": "nvidia/cuda:12.4.1-devel-ubuntu22.04"}}, "3.10"),
        ({"image": {"base": "python:3.11-slim"}}, "3.11"),
        ({"os": "Ubuntu 24.04"}, "3.12"),
        ({"image": {"base": "ubuntu:18.04"}}, "3.13"),
        ({"image": {"base": "ubuntu:22.04", "python": "/opt/venv/bin/python"}}, "3.13"),
    ],
)
def test_the_python_of_its_system_comes_first_where_torch_has_wheels_for_it(
    fields: dict[str, Any], first: str
) -> None:
    assert pythons(packages={"torch": "2.5.0"}, **fields)[0] == first


def test_without_torch_the_system_s_comes_first_and_then_the_one_that_runs_this() -> None:
    assert pythons(packages={"numpy": "1.26.4"})[0] == HERE
    system = pythons(packages={"numpy": "1.26.4"}, image={"base": "ubuntu:20.04"})
    assert system[:2] == ["3.8", HERE]
    assert {"3.7", "3.15"} < set(system)
    assert len(system) == len(set(system))


def test_a_pin_has_wheels_for_some_pythons() -> None:
    files = [File("numpy-1.19.5-cp38-cp38-manylinux2010_x86_64.whl", "https://h/x")]
    stack = Stack.model_validate({"id": "s", "packages": {"numpy": "1.19.5"}})
    served = {each: has_wheel(files, Version("1.19.5"), question_of(stack, each)) for each in ("3.8", "3.11")}
    assert served == {"3.8": True, "3.11": False}
    assert not has_wheel(files, Version("1.19.4"), question_of(stack, "3.8"))


def test_an_unpinned_torch_leaves_older_pythons_open() -> None:
    found = pythons(packages={"torch": "latest", "torchvision": "0.20.1"})
    assert {"3.12", "3.15"} < set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (">=3.10,<3.12", ["3.11", "3.10"]),
        ("<=3.9", ["3.9"]),
        (">=3.20", ["3.13", "3.12", "3.11", "3.10", "3.9"]),
    ],
)
def test_a_range_of_the_project_leaves_out_the_others_where_any_is_left(
    wanted: str, found: list[str]
) -> None:
    assert pythons(packages={"torch": "2.5.0"}, python_range=wanted) == found
