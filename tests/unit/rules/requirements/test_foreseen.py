"""What loose pins take today: the release that is foreseen, and what the rules say of it."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck import knowledge
from stackcheck.environment import environment_of
from stackcheck.environment.foreseen import foreseen
from stackcheck.intake.stack import Stack
from tests.unit.rules.harness import said

LINUX = {"platform": "linux/amd64", "accelerator": "cuda"}
TAKEN: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "the last with wheels for a Python",
        {"python": "3.8", "packages": {"torch": ">=2.0"}},
        ["torch 2.4.1 closed"],
    ),
    ("the newest", {"python": "3.12", "packages": {"torch": "latest"}}, ["torch 2.15.0 open"]),
    ("a range that ends", {"packages": {"torch": ">=2.4,<2.11"}}, ["torch 2.10.0 closed"]),
    ("a pin", {"packages": {"torch": "2.5.0"}}, []),
    (
        "an index of one tag that no newer release was built for",
        {"packages": {"torch": "latest"}, "index": {"url": "https://download.pytorch.org/whl/cu118"}},
        ["torch 2.7.1+cu118 closed"],
    ),
    (
        "PyPI beside a tagged index",
        {
            "packages": {"torch": "latest"},
            "index": {
                "url": "https://download.pytorch.org/whl/rocm6.2",
                "extra": ["https://pypi.org/simple"],
            },
        },
        ["torch 2.15.0 open"],
    ),
    (
        "a folder of wheels beside PyPI",
        {"python": "3.8", "packages": {"torch": ">=2.0"}, "index": {"find_links": ["/srv/wheels"]}},
        ["torch 2.4.1 closed"],
    ),
    (
        "a place that the tables do not speak of",
        {"packages": {"torch": "latest"}, "index": {"url": "https://wheels.example/simple"}},
        [],
    ),
    (
        "a pin without a build on the page of all builds",
        {
            "packages": {"torch": "1.12.1"},
            "index": {"find_links": ["https://download.pytorch.org/whl/torch_stable.html"]},
        },
        ["torch 1.12.1+rocm5.1.1 closed"],
    ),
    (
        "the ROCm build, whose name is the highest",
        {
            "packages": {"torch": "1.8.0"},
            "index": {"find_links": ["https://download.pytorch.org/whl/torch_stable.html"]},
        },
        ["torch 1.8.0+rocm4.0.1 closed"],
    ),
    (
        "builds for ROCm that are not known",
        {
            "packages": {"torch": "1.7.0"},
            "index": {"find_links": ["https://download.pytorch.org/whl/torch_stable.html"]},
        },
        [],
    ),
    (
        "a pinned package that admits older ones alone",
        {"packages": {"torch": "latest", "fastai": "2.7.18"}},
        ["torch 2.5.1 closed"],
    ),
    (
        "a pinned package that admits one release alone: the Environment knows it",
        {
            "python": "3.10",
            "packages": {"torch": "latest", "torchvision": "latest", "xformers": "0.0.29.post2"},
            "index": {
                "url": "https://pypi.org/simple",
                "extra": ["https://download.pytorch.org/whl/nightly/cu128"],
            },
        },
        [],
    ),
    (
        "an override",
        {"packages": {"torch": "2.10.0", "torchao": "latest"}, "overrides": ["torchao==0.14.0"]},
        ["torchao 0.14.0 closed"],
    ),
    (
        "the last with wheels for a platform, which a loose companion follows",
        {
            "python": "3.11",
            "platform": "macos/amd64",
            "accelerator": "cpu",
            "packages": {"torch": "latest", "torchvision": "latest"},
        },
        ["torch 2.2.2 closed", "torchvision 0.17.2 closed"],
    ),
    ("a constraint", {"packages": {"torch": "latest"}, "constraints": ["torch<2.6"]}, ["torch 2.5.1 closed"]),
]


@pytest.mark.parametrize(("stated", "expected"), [row[1:] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_the_release_that_an_installer_takes_is_foreseen(stated: dict[str, Any], expected: list[str]) -> None:
    stack = Stack.model_validate({"id": "case", **LINUX, **stated})
    found = foreseen(environment_of(stack, knowledge.load()))
    assert [f"{each.name} {each.version} {'closed' if each.closed else 'open'}" for each in found] == expected


CASES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    (
        "no later release can change it",
        {
            "python": "3.8",
            "toolkit": "11.8",
            "packages": {"torch": ">=2.0", "apex": {"from": "source", "version": "latest"}},
        },
        [
            (
                "FAIL",
                "An installer takes 2.4.1 for `torch >=2.0` (the newest release for Python 3.8 that this admits): The wheel of torch 2.4.1 on PyPI for linux/amd64 says CUDA 12.1, the toolkit is 11.8: building apex is refused.",
            )
        ],
    ),
    (
        "a later release may",
        {"python": "3.12", "driver": "535.54.03", "packages": {"torch": "latest"}},
        [
            (
                "WARN",
                "An installer takes 2.15.0 for `torch latest` (the newest release for Python 3.12 that this admits): The driver is too old: CUDA 13.2 needs a driver >= 580.65.06 (the wheel of torch 2.15.0 on PyPI for linux/amd64 says CUDA 13.2), and the hosts have driver 535.54.03.",
            )
        ],
    ),
    (
        "another package may hold it back",
        {"python": "3.8", "driver": "450.80.02", "packages": {"torch": ">=2.0", "ourpackage": "1.0"}},
        [
            (
                "WARN",
                "An installer takes 2.4.1 for `torch >=2.0` (the newest release for Python 3.8 that this admits): The driver is too old: CUDA 12.1 needs a driver >= 525.60.13 (the wheel of torch 2.4.1 on PyPI for linux/amd64 says CUDA 12.1), and the hosts have driver 450.80.02. Whether ourpackage holds that back is not known here.",
            )
        ],
    ),
    (
        "it fits",
        {"python": "3.8", "driver": "535.54.03", "packages": {"torch": ">=2.0"}},
        [
            (
                "PASS",
                "An installer takes 2.4.1 for `torch >=2.0` (the newest release for Python 3.8 that this admits); it fits the rest of the stack.",
            )
        ],
    ),
    (
        "nothing known in the range has a wheel for the Python",
        {"python": "3.10", "packages": {"torch": ">=2.15"}},
        [
            (
                "FAIL",
                "No known torch in >=2.15 has a wheel for the Python of the stack: torch 2.15.0, the newest of them, has wheels for Python 3.11, 3.12, 3.13, 3.14, 3.14t, 3.15, 3.15t.",
            )
        ],
    ),
    (
        "nothing in a range that ends has a wheel for the platform",
        {"platform": "macos/amd64", "packages": {"torch": ">=2.3,<2.5"}},
        [
            (
                "FAIL",
                "No known torch in >=2.3,<2.5 has a wheel for macos/amd64: torch 2.4.1, the newest of them, has wheels for linux/amd64, linux/arm64, windows/amd64, macos/arm64.",
            )
        ],
    ),
    (
        "nothing known has a wheel for the platform, and a later release may",
        {"platform": "macos/amd64", "packages": {"torch": ">=2.3"}},
        [
            (
                "WARN",
                "No known torch in >=2.3 has a wheel for macos/amd64: torch 2.15.0, the newest of them, has wheels for linux/amd64, linux/arm64, windows/amd64, macos/arm64.",
            )
        ],
    ),
    (
        "a driver that is too old for what pip takes, and not for what uv takes",
        {
            "python": "3.11",
            "driver": "550.54.15",
            "packages": {"torch": "latest"},
            "index": {"extra": ["https://download.pytorch.org/whl/cu124"]},
        },
        [
            (
                "WARN",
                "pip takes 2.15.0 for `torch latest` (the highest version for Python 3.11 of https://pypi.org/simple and https://download.pytorch.org/whl/cu124): The driver is too old: CUDA 13.2 needs a driver >= 580.65.06 (the wheel of torch 2.15.0 on PyPI for linux/amd64 says CUDA 13.2), and the hosts have driver 550.54.15. uv takes 2.6.0+cu124 (the highest version for Python 3.11 of https://download.pytorch.org/whl/cu124, the first index that has torch).",
            )
        ],
    ),
    (
        "a driver that is too old for either",
        {
            "python": "3.8",
            "driver": "450.80.02",
            "packages": {"torch": ">=2.1"},
            "index": {"extra": ["https://download.pytorch.org/whl/cu121"]},
        },
        [
            (
                "FAIL",
                "An installer takes 2.4.1+cu121 for `torch >=2.1` (the highest version for Python 3.8 of https://download.pytorch.org/whl/cu121 and pypi.org): The driver is too old: CUDA 12.1 needs a driver >= 525.60.13 (the local version of torch says CUDA 12.1), and the hosts have driver 450.80.02.",
            )
        ],
    ),
    (
        "the local version of one index is higher than the plain one, and both fit",
        {
            "python": "3.11",
            "driver": "550.54.15",
            "packages": {"torch": ">=2.1,<2.7"},
            "index": {
                "url": "https://download.pytorch.org/whl/cu124",
                "extra": ["https://pypi.org/simple"],
            },
        },
        [
            (
                "PASS",
                "pip takes 2.6.0+cu124 for `torch >=2.1,<2.7` (the highest version for Python 3.11 of https://download.pytorch.org/whl/cu124 and pypi.org); it fits the rest of the stack.",
            ),
            (
                "PASS",
                "uv takes 2.6.0 for `torch >=2.1,<2.7` (the highest version for Python 3.11 of https://pypi.org/simple, the first index that has torch); it fits the rest of the stack.",
            ),
        ],
    ),
    (
        "the first index has none in the range: uv asks no other, pip does",
        {
            "python": "3.12",
            "packages": {"torch": ">=2.9"},
            "index": {"extra": ["https://download.pytorch.org/whl/cu118"]},
        },
        [
            (
                "WARN",
                "No known torch in >=2.9 is at https://download.pytorch.org/whl/cu118, the first index that has torch: 2.7.1+cu118 is the newest for Python 3.12 there. uv asks no other index. pip takes 2.15.0 (the highest version for Python 3.12 of https://pypi.org/simple and https://download.pytorch.org/whl/cu118).",
            )
        ],
    ),
    (
        "the only index has none in the range",
        {
            "python": "3.12",
            "packages": {"torch": ">=2.9"},
            "index": {"url": "https://download.pytorch.org/whl/cu118"},
        },
        [
            (
                "FAIL",
                "No known torch in >=2.9 is at https://download.pytorch.org/whl/cu118: 2.7.1+cu118 is the newest for Python 3.12 there.",
            )
        ],
    ),
    (
        "an index that the tables do not speak of, behind one that they do",
        {
            "python": "3.12",
            "packages": {"torch": "latest"},
            "index": {
                "url": "https://wheels.example/simple",
                "extra": ["https://download.pytorch.org/whl/cu118"],
            },
        },
        [("SKIP", "which torch `latest` is was not foreseen: what wheels.example has is not known.")],
    ),
    (
        "the same index alone",
        {
            "python": "3.12",
            "packages": {"torch": "latest"},
            "index": {"url": "https://wheels.example/simple"},
        },
        [("SKIP", "which torch `latest` is was not foreseen: what wheels.example has is not known.")],
    ),
    (
        "an image keeps its torch, whatever the index has",
        {
            "packages": {"torch": "latest"},
            "image": {"ready": "pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime"},
            "index": {"url": "https://wheels.example/simple"},
        },
        [],
    ),
    (
        "a pin is never foreseen",
        {"packages": {"torch": "2.5.0"}, "index": {"url": "https://wheels.example/simple"}},
        [],
    ),
    (
        "the kind of build stays",
        {
            "packages": {"torch": "latest"},
            "accelerator": "rocm",
            "index": {
                "url": "https://download.pytorch.org/whl/rocm6.2",
                "extra": ["https://pypi.org/simple"],
            },
        },
        [
            (
                "FAIL",
                "An installer takes 2.15.0 for `torch latest` (the highest version of https://pypi.org/simple and https://download.pytorch.org/whl/rocm6.2): The stack is for AMD GPUs, but the wheel of torch 2.15.0 on PyPI for linux/amd64 is a cu132 build, and that is where it is taken from.",
            )
        ],
    ),
]


@pytest.mark.parametrize(("stated", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_what_is_taken_is_judged(stated: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert said("PIN104", **{**LINUX, **stated}) == expected
