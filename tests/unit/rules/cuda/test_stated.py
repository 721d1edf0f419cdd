"""The build of torch against what the stack says: each case with its twin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import said_with_hints

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        "CUDA101",
        {"packages": {"torch": "2.1.0+cu121"}, "platform": "linux/arm64"},
        [
            (
                "FAIL",
                "There is no CUDA build of torch 2.1.0 for linux/arm64: PyTorch's index has none before torch 2.4.0, and what it has there is a CPU build.",
                "take NVIDIA's wheel or container, on a Jetson those for its JetPack",
            )
        ],
    ),
    (
        "CUDA101",
        {"packages": {"torch": "2.5.0+cu121"}, "platform": "linux/arm64"},
        [("SKIP", "no data on the CUDA builds of torch 2.5.0 for linux/arm64.", "")],
    ),
    (
        "CUDA101",
        {"packages": {"torch": "2.5.0+cu124"}, "platform": "windows/amd64"},
        [("PASS", "torch 2.5.0+cu124 exists.", "")],
    ),
    (
        "CUDA101",
        {"packages": {"torch": "2.0.1+cu121"}},
        [
            (
                "FAIL",
                "There is no torch 2.0.1+cu121: torch 2.0.1 is built for CUDA 11.7, 11.8.",
                "take torch 2.0.1+cu118 (tags of this release: cu117, cu118), or torch 2.1.0+cu121",
            )
        ],
    ),
    ("CUDA101", {"packages": {"torch": "2.0.1+cu118"}}, [("PASS", "torch 2.0.1+cu118 exists.", "")]),
    ("CUDA101", {"packages": {"torch": "2.4.1+rocm5.7"}}, []),
    (
        "CUDA101",
        {"packages": {"torch": "1.8.1+cu113"}},
        [
            (
                "WARN",
                "There is no torch 1.8.1+cu113: torch 1.8.1 is built for CUDA 10.1, 10.2, 11.1. This rests on knowledge that no primary source confirms, so it is a warning.",
                "take torch 1.8.1+cu111 (tags of this release: cu101, cu102, cu111), or torch 1.10.0+cu113",
            )
        ],
    ),
    (
        "CUDA101",
        {"packages": {"torch": "2.0.1"}, "cuda": "12.1"},
        [
            (
                "WARN",
                "The stack says CUDA 12.1, and torch 2.0.1 is built for CUDA 11.7, 11.8.",
                "take torch 2.0.1+cu118 (tags of this release: cu117, cu118), or torch 2.1.0+cu121",
            )
        ],
    ),
    (
        "CUDA101",
        {"packages": {"torch": "3.0.0+cu140"}},
        [
            (
                "SKIP",
                "no data on torch 3.0.0: the tables of stackcheck end with torch 2.15.0 and were checked on 2026-11-20.",
                "`stackcheck tables refresh` reads newer releases from the package index",
            )
        ],
    ),
    (
        "CUDA101",
        {"packages": {"torch": "2.8.0.dev20250601+cu128"}},
        [
            (
                "SKIP",
                "no data on torch 2.8.0.dev20250601: nightly builds and other pre-releases are not in the tables of stackcheck, checked on 2026-11-20.",
                "",
            )
        ],
    ),
    (
        "CUDA101",
        {"packages": {"torch": "2.5.9+cu124"}},
        [
            (
                "SKIP",
                "no data on torch 2.5.9: it is not in the tables of stackcheck, checked on 2026-11-20.",
                "",
            )
        ],
    ),
    (
        "CUDA101",
        {"packages": {"torch": "2.5.0"}, "index": {"url": "https://download.pytorch.org/whl/cu126"}},
        [
            (
                "FAIL",
                "There is no torch 2.5.0+cu126: torch 2.5.0 is built for CUDA 11.8, 12.1, 12.4.",
                "take torch 2.5.0+cu124 (tags of this release: cu118, cu121, cu124), or torch 2.6.0+cu126",
            )
        ],
    ),
    ("CUDA101", {"packages": {"torch": "2.5.0+cpu"}}, []),
    (
        "CUDA102",
        {"packages": {"torch": "2.2.0"}, "cuda": "11.8"},
        [
            (
                "WARN",
                "The stack states CUDA 11.8 and no index with that tag; the wheel of torch 2.2.0 on PyPI for linux/amd64 is a cu121 build.",
                'state the index https://download.pytorch.org/whl/cu118, or torch 2.2.0+cu118, or cuda = "12.1"',
            )
        ],
    ),
    (
        "CUDA102",
        {"packages": {"torch": "2.2.0"}, "cuda": "12.1.1"},
        [("PASS", "The wheel of torch 2.2.0 on PyPI for linux/amd64 is CUDA 12.1, as stated.", "")],
    ),
    (
        "CUDA102",
        {"packages": {"torch": "2.2.0+cu121"}, "cuda": "11.8"},
        [
            (
                "FAIL",
                "The stack states CUDA 11.8, but the local version of torch makes torch a cu121 build.",
                'state the index https://download.pytorch.org/whl/cu118, or torch 2.2.0+cu118, or cuda = "12.1"',
            )
        ],
    ),
    (
        "CUDA102",
        {"packages": {"torch": "2.2.0+cu121"}, "cuda": "12.4"},
        [
            (
                "WARN",
                "The stack states CUDA 12.4, and the local version of torch makes torch a cu121 build: the same major version, so it runs where that would.",
                'take torch 2.4.0+cu124, or cuda = "12.1"',
            )
        ],
    ),
    (
        "CUDA102",
        {"packages": {"torch": "2.2.0+cpu"}, "cuda": "12.4"},
        [
            (
                "FAIL",
                "The stack states CUDA 12.4, but the local version of torch makes torch a cpu build.",
                "take torch 2.4.0+cu124",
            )
        ],
    ),
    (
        "CUDA102",
        {
            "packages": {"torch": "2.2.0"},
            "cuda": "11.8",
            "index": {"extra": ["https://download.pytorch.org/whl/cu118"]},
        },
        [("PASS", "The index https://download.pytorch.org/whl/cu118 is CUDA 11.8, as stated.", "")],
    ),
    ("CUDA102", {"packages": {"torch": {"version": "2.2.0", "from": "conda"}}, "cuda": "11.8"}, []),
    (
        "CUDA103",
        {"packages": {"torch": "2.5.1+cpu"}, "gpus": ["L4"]},
        [
            (
                "FAIL",
                "The stack is for NVIDIA GPUs, but torch is a cpu build: the local version of torch says so.",
                "state the index https://download.pytorch.org/whl/cu124 (tags of torch 2.5.1: cu118, cu121, cu124)",
            )
        ],
    ),
    (
        "CUDA103",
        {"packages": {"torch": "2.5.1+cu124"}, "gpus": ["L4"]},
        [("PASS", "torch is a cu124 build, for NVIDIA GPUs.", "")],
    ),
    (
        "CUDA103",
        {"packages": {"torch": "2.5.1"}, "gpus": ["L4"], "platform": "windows/amd64"},
        [
            (
                "FAIL",
                "The stack is for NVIDIA GPUs, but the wheel of torch 2.5.1 on PyPI for windows/amd64 is a cpu build, and no other index is stated.",
                "state the index https://download.pytorch.org/whl/cu124 (tags of torch 2.5.1: cu118, cu121, cu124)",
            )
        ],
    ),
    (
        "CUDA103",
        {"packages": {"torch": "2.9.1"}, "gpus": ["GH200"], "platform": "linux/arm64"},
        [
            (
                "FAIL",
                "The stack is for NVIDIA GPUs, but the wheel of torch 2.9.1 on PyPI for linux/arm64 is a cpu build, and no other index is stated.",
                "state the index https://download.pytorch.org/whl/cu130 (tags of torch 2.9.1: cu126, cu128, cu130)",
            )
        ],
    ),
    (
        "CUDA103",
        {"packages": {"torch": "2.3.1"}, "gpus": ["GH200"], "platform": "linux/arm64"},
        [
            (
                "FAIL",
                "The stack is for NVIDIA GPUs, but the wheel of torch 2.3.1 on PyPI for linux/arm64 is a cpu build, and no other index is stated.",
                "take torch 2.4.0: no CUDA build of torch 2.3.1 for linux/arm64 is known",
            )
        ],
    ),
    (
        "CUDA103",
        {"packages": {"torch": "2.5.1"}, "accelerator": "cuda", "platform": "macos/arm64"},
        [
            (
                "FAIL",
                "The stack is for NVIDIA GPUs, but the wheel of torch 2.5.1 on PyPI for macos/arm64 is a cpu build, and no other index is stated.",
                "take another platform: no CUDA build of torch for macos/arm64 is known",
            )
        ],
    ),
    (
        "CUDA103",
        {
            "packages": {"torch": "2.5.1"},
            "gpus": ["L4"],
            "platform": "windows/amd64",
            "image": {"ready": "somebody/torch-windows:1"},
        },
        [
            (
                "WARN",
                "The stack is for NVIDIA GPUs, but no index is stated, and the wheel of torch 2.5.1 on PyPI for windows/amd64 is a cpu build.",
                "state the index https://download.pytorch.org/whl/cu124 (tags of torch 2.5.1: cu118, cu121, cu124)",
            )
        ],
    ),
    (
        "CUDA103",
        {
            "packages": {"torch": "2.5.1"},
            "gpus": ["L4"],
            "platform": "windows/amd64",
            "index": {"url": "https://pypi.org/simple"},
        },
        [
            (
                "FAIL",
                "The stack is for NVIDIA GPUs, but the wheel of torch 2.5.1 on PyPI for windows/amd64 is a cpu build, and no other index is stated.",
                "state the index https://download.pytorch.org/whl/cu124 (tags of torch 2.5.1: cu118, cu121, cu124)",
            )
        ],
    ),
    (
        "CUDA103",
        {"packages": {"torch": "2.5.1+cu124"}, "gpus": ["gfx942"]},
        [
            (
                "FAIL",
                "The stack is for AMD GPUs, but torch is a cu124 build: the local version of torch says so.",
                "state the index https://download.pytorch.org/whl/rocm6.2 (tags of torch 2.5.1: rocm6.1, rocm6.2)",
            )
        ],
    ),
    (
        "CUDA103",
        {"packages": {"torch": "2.5.1+cpu"}, "accelerator": "cpu"},
        [("PASS", "torch is a cpu build, for the CPU.", "")],
    ),
    (
        "CUDA104",
        {"packages": {"torch": "2.3.1", "nvidia-cudnn-cu12": "9.1.0.70"}},
        [
            (
                "FAIL",
                "torch 2.3.1 is linked to cuDNN 8 (libcudnn.so.8); the stack pins nvidia-cudnn-cu12 9.1.0.70.",
                "remove nvidia-cudnn-cu12 from the stack: torch 2.3.1 requires the one that it needs",
            )
        ],
    ),
    (
        "CUDA104",
        {"packages": {"torch": "2.4.0", "nvidia-cudnn-cu12": "9.10.2.21"}},
        [("PASS", "torch 2.4.0 is linked to cuDNN 9, as pinned.", "")],
    ),
    (
        "PLATFORM101",
        {"packages": {"torch": "2.1.2+cu118"}, "platform": "macos/arm64"},
        [
            (
                "FAIL",
                "There is no CUDA build of torch for macOS; the local version of torch asks for cu118.",
                "take the release from PyPI, without a local version and without PyTorch's CUDA index",
            )
        ],
    ),
    (
        "PLATFORM101",
        {"packages": {"torch": "2.8.0+rocm6.4"}, "platform": "windows/amd64"},
        [
            (
                "FAIL",
                "PyTorch's ROCm builds of torch are for linux/amd64; the local version of torch asks for rocm6.4.",
                "take linux/amd64, or name an index with ROCm builds for windows/amd64",
            )
        ],
    ),
    (
        "PLATFORM101",
        {
            "packages": {"torch": {"version": "2.8.0", "index": "https://download.pytorch.org/whl/rocm6.4"}},
            "platform": "linux/arm64",
        },
        [
            (
                "FAIL",
                "PyTorch's ROCm builds of torch are for linux/amd64; the index https://download.pytorch.org/whl/rocm6.4 asks for rocm6.4.",
                "take linux/amd64, or name an index with ROCm builds for linux/arm64",
            )
        ],
    ),
    (
        "PLATFORM101",
        {"packages": {"torch": "2.8.0+rocm6.4"}, "platform": "linux/amd64"},
        [
            (
                "PASS",
                "torch 2.8.0 has wheels for linux/amd64, linux/arm64, windows/amd64, macos/arm64.",
                "",
            )
        ],
    ),
    (
        "PLATFORM101",
        {"packages": {"torch": "2.2.2"}, "platform": "macos/amd64"},
        [
            (
                "PASS",
                "torch 2.2.2 has wheels for linux/amd64, linux/arm64, windows/amd64, macos/arm64, macos/amd64.",
                "",
            )
        ],
    ),
    (
        "PLATFORM101",
        {"packages": {"torch": "2.3.0"}, "platform": "macos/amd64"},
        [
            (
                "FAIL",
                "torch 2.3.0 has wheels for linux/amd64, linux/arm64, windows/amd64, macos/arm64, not for macos/amd64.",
                "take one of these platforms, or torch 2.2.2, the nearest release with wheels for macos/amd64",
            )
        ],
    ),
    (
        "PLATFORM101",
        {"packages": {"torch": "2.1.2"}, "platform": "macos/arm64"},
        [
            (
                "PASS",
                "torch 2.1.2 has wheels for linux/amd64, linux/arm64, windows/amd64, macos/arm64, macos/amd64.",
                "",
            )
        ],
    ),
    (
        "PLATFORM101",
        {"packages": {"torch": "1.7.1"}, "platform": "macos/arm64"},
        [
            (
                "FAIL",
                "torch 1.7.1 has wheels for linux/amd64, windows/amd64, macos/amd64, not for macos/arm64.",
                "take one of these platforms, or torch 1.8.0, the nearest release with wheels for macos/arm64",
            )
        ],
    ),
    (
        "PLATFORM101",
        {"packages": {"torch": "2.5.0"}, "platform": "linux/amd64", "os": "Alpine 3.20"},
        [
            (
                "FAIL",
                "torch has no wheel for musl, which Alpine Linux uses.",
                "take a Debian, Ubuntu or RHEL based system",
            )
        ],
    ),
]


@pytest.mark.parametrize(("code", "fields", "expected"), CASES)
def test_verdict_and_words(code: str, fields: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert said_with_hints(code, **fields) == expected
