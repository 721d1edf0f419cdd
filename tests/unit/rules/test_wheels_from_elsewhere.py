"""Wheels that are not PyTorch's are not judged by PyTorch's lists: each case with its good or bad twin."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck import knowledge
from stackcheck.environment import definition_facts, environment_of
from stackcheck.intake.stack import Stack
from stackcheck.suggest import suggest
from tests.unit.rules.harness import said_with_hints

TABLES = knowledge.load()
RADEON = {
    "platform": "linux/amd64",
    "python": "3.12",
    "accelerator": "rocm",
    "gpus": ["RX 9070 XT"],
    "packages": {
        "torch": {
            "version": "2.9.1+rocm7.2.1",
            "find_links": "https://repo.radeon.com/rocm/manylinux/rocm-rel-7.2.1/",
        }
    },
}
JETSON = {
    "platform": "linux/arm64",
    "python": "3.10",
    "accelerator": "cuda",
    "cuda": "12.6",
    "os": "Ubuntu 22.04",
    "gpus": ["Jetson AGX Orin"],
    "packages": {
        "torch": {"version": "2.8.0", "index": "https://pypi.jetson-ai-lab.io/jp6/cu126"},
        "torchvision": {"version": "0.23.0", "index": "https://pypi.jetson-ai-lab.io/jp6/cu126"},
        "nvidia-cudnn-cu12": "9.3.0.75",
    },
}
FROM_RADEON = "no data on the wheels of repo.radeon.com, which may be where torch comes from."
FROM_JETSON = "no data on the wheels of pypi.jetson-ai-lab.io, which may be where torch comes from."


def _stack(**fields: Any) -> Stack:
    return Stack.model_validate({"id": "case", **fields})


@pytest.mark.parametrize("code", ["ROCM101", "ROCM102", "PLATFORM101", "PYTHON101"])
def test_wheels_of_amd_are_not_in_the_lists_of_pytorch(code: str) -> None:
    assert said_with_hints(code, **RADEON) == [("SKIP", FROM_RADEON, "")]


def test_a_tag_says_what_it_says_on_any_page() -> None:
    assert said_with_hints("CUDA103", **RADEON) == [("PASS", "torch is a rocm7.2.1 build, for AMD GPUs.", "")]
    assert said_with_hints("CUDA101", **RADEON) == []
    on_windows = {**RADEON, "platform": "windows/amd64"}
    assert said_with_hints("PLATFORM101", **on_windows) == [("SKIP", FROM_RADEON, "")]


@pytest.mark.parametrize("code", ["ROCM101", "ROCM102"])
def test_the_same_version_of_pytorch_is_judged(code: str) -> None:
    theirs = {**RADEON, "packages": {"torch": "2.9.1+rocm7.2.1"}}
    assert {outcome for outcome, _, _ in said_with_hints(code, **theirs)} <= {"FAIL", "SKIP"}
    assert FROM_RADEON not in str(said_with_hints(code, **theirs))


@pytest.mark.parametrize(
    "code", ["ARCH101", "CUDA101", "CUDA102", "CUDA103", "CUDA104", "GLIBC101", "PLATFORM101", "PYTHON101"]
)
def test_wheels_for_jetson_are_not_in_the_lists_of_pytorch(code: str) -> None:
    assert said_with_hints(code, **JETSON) == [("SKIP", FROM_JETSON, "")]


def test_a_companion_from_elsewhere_is_not_judged_either() -> None:
    text = "no data on the wheels of pypi.jetson-ai-lab.io, which may be where torchvision comes from."
    assert said_with_hints("PYTHON102", **JETSON) == [("SKIP", text, "")]


def test_the_abi_of_another_torch_is_not_known() -> None:
    made = {"version": "1.0", "built_for": {"torch": "2.5", "cxx11_abi": True}}
    torch = {"version": "2.5.0", "index": "https://pypi.jetson-ai-lab.io/jp6/cu126"}
    assert said_with_hints("WHEEL103", packages={"torch": torch, "mine": made}, cuda="12.4") == [
        ("SKIP", FROM_JETSON, "")
    ]
    ((outcome, _, _),) = said_with_hints("WHEEL103", packages={"torch": "2.5.0", "mine": made}, cuda="12.4")
    assert outcome == "FAIL"


def test_an_index_that_nobody_knows_is_judged_as_one_of_official_wheels_and_says_so() -> None:
    old = {"gpus": ["GTX 1080 Ti"], "index": {"url": "https://pypi.corp.example/simple"}}
    ((outcome, message, _),) = said_with_hints("ARCH101", packages={"torch": "2.8.0+cu128"}, **old)
    assert outcome == "WARN"
    assert message.endswith(
        "That holds if pypi.corp.example has the official wheel of torch, which is assumed."
    )
    assert "Nothing of that runs on GTX 1080 Ti (6.1)." in message
    ((outcome, message, _),) = said_with_hints("ARCH101", packages={"torch": "2.8.0+cu126"}, **old)
    assert (outcome, "assumed" in message) == ("PASS", False)


@pytest.mark.parametrize(
    ("index", "place"),
    [
        ({}, None),
        ({"url": "https://pypi.org/simple"}, None),
        ({"url": "https://pypi.org"}, None),
        ({"extra": ["https://download.pytorch.org/whl/cu124"]}, None),
        ({"find_links": ["https://download.pytorch.org/whl/torch_stable.html"]}, None),
        ({"find_links": ["https://data.pyg.org/whl/torch-2.5.0+cu124.html"]}, None),
        ({"url": "https://user:secret@wheels.example.org:8080/simple"}, "wheels.example.org:8080"),
        ({"extra": ["https://pypi.org.example.org/simple"]}, "pypi.org.example.org"),
        ({"extra": ["https://example.org/download.pytorch.org/whl/cu124"]}, "example.org"),
        ({"url": "wheels"}, "the folder wheels"),
    ],
)
def test_where_torch_may_come_from(index: dict[str, Any], place: str | None) -> None:
    env = environment_of(_stack(packages={"torch": "2.5.0"}, index=index), TABLES)
    found = env.elsewhere("torch")
    assert (found.name if found else None) == place
    assert bool(env.torch.doubt) is (place is not None)


def test_an_index_of_torch_alone_is_the_only_place() -> None:
    torch = {"version": "2.5.0", "index": "https://download.pytorch.org/whl/cu124"}
    stack = _stack(packages={"torch": torch}, index={"extra": ["https://wheels.example.org/simple"]})
    assert environment_of(stack, TABLES).elsewhere("torch") is None


def test_what_is_suggested_for_such_a_stack_is_on_the_index_of_pytorch() -> None:
    stack = _stack(**{**RADEON, "accelerator": "cuda", "gpus": ["L4"]})
    found = suggest(definition_facts(stack, TABLES))
    torch = found.stack.packages["torch"]
    assert not found.remaining
    assert torch.find_links is None
    assert torch.index == f"https://download.pytorch.org/whl/{torch.exact.local if torch.exact else ''}"
