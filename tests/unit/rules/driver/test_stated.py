"""Drivers against CUDA, PTX and GPUs: each case with its twin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines, said_with_hints

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        "DRIVER103",
        {"gpus": ["B100"], "driver": "550.54.15"},
        [
            (
                "WARN",
                "B100: capability 10.0 needs a driver >= 570.26; the hosts have 550.54.15. This rests on knowledge that no primary source confirms, so it is a warning.",
                "update the driver to 570.26 or later",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.11.0"}, "driver": "570.86.10"},
        [
            (
                "FAIL",
                "The driver is too old: CUDA 13.0 needs a driver >= 580.65.06 (the wheel of torch 2.11.0 on PyPI for linux/amd64 says CUDA 13.0), and the hosts have driver 570.86.10.",
                "update to driver >= 580.65.06, or take a build of torch for an older CUDA major version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.11.0"}, "driver": "570.86.10", "gpus": ["H100"]},
        [
            (
                "FAIL",
                "The driver is too old: CUDA 13.0 needs a driver >= 580.65.06 (the wheel of torch 2.11.0 on PyPI for linux/amd64 says CUDA 13.0), and the hosts have driver 570.86.10.",
                "update to driver >= 580.65.06, or take a build of torch for an older CUDA major version, or install cuda-compat-13-0 (data center GPUs only)",
            )
        ],
    ),
    (
        "DRIVER101",
        {
            "packages": {"torch": "2.11.0"},
            "driver": "570.86.10",
            "gpus": ["H100"],
            "env": {"LD_LIBRARY_PATH": "/usr/local/cuda/compat"},
        },
        [
            (
                "WARN",
                "The driver is too old: CUDA 13.0 needs a driver >= 580.65.06 (the wheel of torch 2.11.0 on PyPI for linux/amd64 says CUDA 13.0), and the hosts have driver 570.86.10. The stack uses the forward compatibility package, which serves data center GPUs; that it is cuda-compat-13-0 was not seen.",
                "see NVIDIA CUDA Compatibility, forward compatibility, docs.nvidia.com/deploy/cuda-compatibility",
            )
        ],
    ),
    (
        "DRIVER101",
        {
            "packages": {"torch": "2.11.0"},
            "driver": "570.86.10",
            "gpus": ["RTX 4090"],
            "env": {"LD_LIBRARY_PATH": "/usr/local/cuda/compat"},
        },
        [
            (
                "FAIL",
                "The driver is too old: CUDA 13.0 needs a driver >= 580.65.06 (the wheel of torch 2.11.0 on PyPI for linux/amd64 says CUDA 13.0), and the hosts have driver 570.86.10. The stack uses the forward compatibility package, which other GPUs than those of data centers refuse with error 804.",
                "update to driver >= 580.65.06, or take a build of torch for an older CUDA major version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.11.0"}, "driver": "580.65.06"},
        [("PASS", "Driver 580.65.06 runs CUDA 13.0, which needs 580.65.06.", "")],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.11.0"}, "driver": "R580"},
        [
            (
                "WARN",
                "CUDA 13.0 needs a driver >= 580.65.06 (the wheel of torch 2.11.0 on PyPI for linux/amd64 says CUDA 13.0); R580 does not tell whether all hosts have that.",
                "state the whole driver version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.5.0"}, "driver": "525.60.13"},
        [
            (
                "PASS",
                "Driver 525.60.13 runs CUDA 12.4 by minor-version compatibility: it is above the floor 525.60.13, below 550.54.14, which CUDA 12.4 came with; machine code runs, PTX of 12.4 does not.",
                "",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.5.0"}, "driver": ">=550.54.15"},
        [("PASS", "Driver >=550.54.15 runs CUDA 12.4, which needs 525.60.13.", "")],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.11.0"}, "driver": ">=525"},
        [
            (
                "FAIL",
                "The driver is too old: CUDA 13.0 needs a driver >= 580.65.06 (the wheel of torch 2.11.0 on PyPI for linux/amd64 says CUDA 13.0), and the hosts have driver >=525.",
                "update to driver >= 580.65.06, or take a build of torch for an older CUDA major version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.11.0"}, "driver": "<600"},
        [
            (
                "WARN",
                "CUDA 13.0 needs a driver >= 580.65.06 (the wheel of torch 2.11.0 on PyPI for linux/amd64 says CUDA 13.0); <600 does not tell whether all hosts have that.",
                "state the whole driver version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.11.0"}, "driver": "new"},
        [("SKIP", "the driver 'new' is not a version, branch or range that can be compared.", "")],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "1.10.1"}, "driver": "418.40"},
        [
            (
                "FAIL",
                "The driver is too old: CUDA 10.2 needs a driver >= 440.33 (the wheel of torch 1.10.1 on PyPI for linux/amd64 says CUDA 10.2), and the hosts have driver 418.40.",
                "update to driver >= 440.33, or take a build of torch for an older CUDA major version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "1.7.1+cu110"}, "driver": "450.51.06"},
        [("PASS", "Driver 450.51.06 runs CUDA 11.0, which needs 450.51.05.", "")],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "1.10.1+cu111"}, "driver": "450.51.06"},
        [
            (
                "FAIL",
                "The driver is too old: CUDA 11.1 needs a driver >= 450.80.02 (the local version of torch says CUDA 11.1), and the hosts have driver 450.51.06.",
                "update to driver >= 450.80.02, or take a build of torch for an older CUDA major version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"cuda": "13.0", "driver_cuda": "12.2"},
        [
            (
                "FAIL",
                "The driver is too old: CUDA 13.0 needs a driver of CUDA 13 or later (the stack says CUDA 13.0), and the hosts have a driver of CUDA 12.2.",
                "update to a driver of CUDA 13 or later, or take a build of torch for an older CUDA major version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"cuda": "12.9", "driver_cuda": "12.2"},
        [
            (
                "PASS",
                "A driver of CUDA 12.2 runs CUDA 12.9: any driver of CUDA 12 runs CUDA 12.9 by minor-version compatibility; machine code runs, PTX of 12.9 does not.",
                "",
            )
        ],
    ),
    (
        "DRIVER101",
        {"cuda": "12.2", "driver_cuda": "12.9"},
        [("PASS", "A driver of CUDA 12.9 runs CUDA 12.2: drivers run what is older.", "")],
    ),
    (
        "DRIVER101",
        {"cuda": "10.2", "driver_cuda": "10.1"},
        [
            (
                "FAIL",
                "The driver is too old: CUDA 10.2 needs a driver of CUDA 10.2 or later (the stack says CUDA 10.2), and the hosts have a driver of CUDA 10.1.",
                "update to a driver of CUDA 10.2 or later, or take a build of torch for an older CUDA major version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"cuda": "15.0", "driver_cuda": "10.1"},
        [
            (
                "SKIP",
                "no data on CUDA 15.0: the tables of stackcheck end with CUDA 13.5 and were checked on 2026-11-20.",
                "`stackcheck tables refresh` reads newer releases from the package index",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.5.1+cu124"}, "driver": "551.61", "platform": "windows/amd64"},
        [("PASS", "Driver 551.61 runs CUDA 12.4, which needs 528.33.", "")],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.5.1+cu124"}, "driver": "530.10", "platform": "windows/amd64"},
        [
            (
                "PASS",
                "Driver 530.10 runs CUDA 12.4 by minor-version compatibility: it is above the floor 528.33, below 551.61, which CUDA 12.4 came with; machine code runs, PTX of 12.4 does not.",
                "",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.4.1+cu121"}, "driver": "472.12", "platform": "windows/amd64"},
        [
            (
                "FAIL",
                "The driver is too old: CUDA 12.1 needs a driver >= 528.33 (the local version of torch says CUDA 12.1), and the hosts have driver 472.12.",
                "update to driver >= 528.33, or take a build of torch for an older CUDA major version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "1.10.0+cu113"}, "driver": "472.12", "platform": "windows/amd64"},
        [("PASS", "Driver 472.12 runs CUDA 11.3, which needs 452.39.", "")],
    ),
    (
        "DRIVER101",
        {"packages": {"torch": "2.9.0+cu130"}, "driver": "576.02", "platform": "windows/amd64"},
        [
            (
                "FAIL",
                "The driver is too old: CUDA 13.0 needs a driver >= 580 (the local version of torch says CUDA 13.0), and the hosts have driver 576.02.",
                "update to driver >= 580, or take a build of torch for an older CUDA major version",
            )
        ],
    ),
    (
        "DRIVER101",
        {"cuda": "10.2", "driver": "430.10", "platform": "windows/amd64"},
        [
            (
                "FAIL",
                "The driver is too old: CUDA 10.2 needs a driver >= 441.22 (the stack says CUDA 10.2), and the hosts have driver 430.10.",
                "update to driver >= 441.22, or take a build of torch for an older CUDA major version",
            )
        ],
    ),
    ("DRIVER101", {"packages": {"torch": "2.5.1+cpu"}, "driver": "530.10"}, []),
    (
        "DRIVER102",
        {"gpus": ["V100"], "driver": "590.48.01"},
        [
            (
                "FAIL",
                "R580 is the last driver branch for Volta; driver 590.48.01 does not drive V100 (7.0).",
                "keep branch R580 on the hosts with V100 (7.0)",
            )
        ],
    ),
    (
        "DRIVER102",
        {"gpus": ["V100"], "driver": "580.95.05"},
        [("PASS", "Driver 580.95.05 drives V100 up to R580.", "")],
    ),
    (
        "DRIVER103",
        {"gpus": ["RTX 5090"], "driver": "550.54.15"},
        [
            (
                "FAIL",
                "RTX 5090: capability 12.0 needs a driver >= 570.26; the hosts have 550.54.15.",
                "update the driver to 570.26 or later",
            )
        ],
    ),
    (
        "DRIVER103",
        {"gpus": ["RTX 5090"], "driver": "570.26"},
        [("PASS", "Driver 570.26 drives RTX 5090: capability 12.0 needs a driver >= 570.26.", "")],
    ),
    (
        "DRIVER103",
        {"gpus": ["RTX 5090"], "driver": "570"},
        [
            (
                "WARN",
                "RTX 5090: capability 12.0 needs a driver >= 570.26; 570 does not tell whether all hosts have that.",
                "state the whole driver version",
            )
        ],
    ),
    (
        "DRIVER104",
        {"arch_list": ["9.0+PTX"], "gpus": ["B200"], "toolkit": "12.8", "driver": "550.54.15"},
        [
            (
                "FAIL",
                "B200 (10.0) by compiling compute_90: PTX of CUDA 12.8 needs a driver >= 570.26; the hosts have driver 550.54.15.",
                "add 10.0 to the arch list, or update the driver",
            )
        ],
    ),
    (
        "DRIVER104",
        {"arch_list": ["9.0+PTX"], "gpus": ["B200"], "toolkit": "12.8", "driver": "570.26"},
        [
            (
                "PASS",
                "The driver is new enough for B200 (10.0) by compiling compute_90: PTX of CUDA 12.8 needs a driver >= 570.26.",
                "",
            )
        ],
    ),
    (
        "DRIVER104",
        {"arch_list": ["9.0+PTX"], "gpus": ["B200"], "toolkit": "12.8", "driver_cuda": "12.4"},
        [
            (
                "FAIL",
                "B200 (10.0) by compiling compute_90: PTX of CUDA 12.8 needs a driver >= 570.26; the hosts have a driver of CUDA 12.4.",
                "add 10.0 to the arch list, or update the driver",
            )
        ],
    ),
    (
        "DRIVER104",
        {"arch_list": ["9.0+PTX"], "gpus": ["B200"], "toolkit": "13.5", "driver": "600.10"},
        [("SKIP", "no data on the driver that compiles PTX of CUDA 13.5.", "")],
    ),
    (
        "DRIVER104",
        {"arch_list": ["9.0+PTX"], "gpus": ["B200"], "toolkit": "13.4", "driver": "610.43.02"},
        [
            (
                "FAIL",
                "B200 (10.0) by compiling compute_90: PTX of CUDA 13.4 needs a driver >= 615; the hosts have driver 610.43.02.",
                "add 10.0 to the arch list, or update the driver",
            )
        ],
    ),
    (
        "DRIVER104",
        {"arch_list": ["9.0+PTX"], "gpus": ["B200"], "toolkit": "13.4", "driver": "615.71.09"},
        [
            (
                "PASS",
                "The driver is new enough for B200 (10.0) by compiling compute_90: PTX of CUDA 13.4 needs a driver >= 615.",
                "",
            )
        ],
    ),
    (
        "DRIVER103",
        {"gpus": ["Rubin"], "driver": "610.43.02"},
        [
            (
                "WARN",
                "Rubin: capability 10.7 needs a driver >= 615; the hosts have 610.43.02. This rests on knowledge that no primary source confirms, so it is a warning.",
                "update the driver to 615 or later",
            )
        ],
    ),
    (
        "DRIVER103",
        {"gpus": ["Rubin"], "driver": "615.71.09"},
        [("PASS", "Driver 615.71.09 drives Rubin: capability 10.7 needs a driver >= 615.", "")],
    ),
]


@pytest.mark.parametrize(("code", "fields", "expected"), CASES)
def test_verdict_and_words(code: str, fields: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert said_with_hints(code, **fields) == expected


NGC = {"image": {"ready": "nvcr.io/nvidia/pytorch:26.03-py3"}, "driver": "535.104.05"}


@pytest.mark.parametrize(
    ("gpus", "outcome", "end"),
    [
        (["H100"], "WARN", "which serves data center GPUs on some driver branches; whether on this one was not looked up."),
        ([], "WARN", "which serves data center GPUs on some driver branches; whether on this one was not looked up."),
        (["RTX 4090"], "FAIL", "which other GPUs than those of data centers refuse with error 804."),
    ],
)  # fmt: skip
def test_nvidia_s_container_brings_forward_compatibility(gpus: list[str], outcome: str, end: str) -> None:
    (line,) = lines("DRIVER101", gpus=gpus, **NGC)
    assert line.startswith(
        f"{outcome}: The driver is too old: CUDA 13.2 needs a driver >= 580.65.06 (the image "
    )
    assert line.endswith(f"The container brings the forward compatibility package, {end}")


def test_a_driver_that_is_new_enough_for_nvidia_s_container() -> None:
    (line,) = lines("DRIVER101", gpus=["RTX 4090"], **{**NGC, "driver": "595.45.04"})
    assert line == "PASS: Driver 595.45.04 runs CUDA 13.2, which needs 580.65.06."
