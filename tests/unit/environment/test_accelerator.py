"""What a stack is for, and that one function decides it."""

from typing import Any

import pytest

from stackcheck.environment import environment_of
from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.guard.asked_gpus import torch_notes
from stackcheck.knowledge import load
from tests.unit.rules.harness import stack
from tools.house import ROOT, measure

UNSTATED: dict[str, Any] = {"accelerator": None, "cuda": None, "rocm": None, "gpus": []}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, None),
        ({"accelerator": "cpu", "cuda": "12.4"}, "cpu"),
        ({"rocm": "6.2"}, "rocm"),
        ({"cuda": "12.4"}, "cuda"),
        ({"gpus": ["L4"]}, "cuda"),
        ({"gpus": ["MI300X"], "cuda": "12.4"}, "rocm"),
        ({"gpus": ["MI300X", "L4"]}, None),
    ],
)
def test_what_a_stack_is_for(fields: dict[str, Any], wanted: str | None) -> None:
    assert wanted_accelerator(stack(**{**UNSTATED, **fields})) == wanted


def test_a_gpu_says_nothing_of_the_build_that_is_meant() -> None:
    assert wanted_accelerator(stack(**{**UNSTATED, "gpus": ["L4"]}), by_gpus=False) is None
    assert wanted_accelerator(stack(**{**UNSTATED, "cuda": "12.4"}), by_gpus=False) == "cuda"


def test_an_accelerator_concerns_a_stack_by_what_it_says_its_torch_or_one_gpu() -> None:
    both = stack(**{**UNSTATED, "gpus": ["MI300X", "L4"], "packages": {"torch": "2.5.0+cpu"}})
    env = environment_of(both, load())
    assert (env.concerns("rocm"), env.concerns("cuda"), env.concerns("cpu")) == (True, True, True)
    none = environment_of(stack(**{**UNSTATED, "packages": {}}), load())
    assert not none.concerns("rocm")


def test_an_image_without_torch_for_a_stack_that_names_only_its_gpus_asks_for_gpus() -> None:
    wishes = stack(**{**UNSTATED, "gpus": ["L4"], "packages": {}})
    seen = {"interpreter": {"executable": "/usr/bin/python3"}}
    ((kind, outcome, *_),) = torch_notes(wishes, None, seen, {})
    assert (kind, outcome) == ("versions", "ERROR")


def test_one_function_decides_it() -> None:
    assert measure(ROOT)["deciders of the accelerator"] == "1 (accelerator.wanted_accelerator)"
