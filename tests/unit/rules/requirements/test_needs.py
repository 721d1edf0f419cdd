"""The rules about what packages need of each other: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "xformers for another patch of torch",
        "NEEDS101",
        {"packages": {"torch": "2.3.1", "xformers": "0.0.26.post1"}},
        ["FAIL: xformers 0.0.26.post1 requires another torch: torch==2.3.0; the stack has torch 2.3.1."],
    ),
    (
        "xformers for this torch",
        "NEEDS101",
        {"packages": {"torch": "2.5.0+cu124", "xformers": "0.0.28.post2"}},
        ["PASS: xformers 0.0.28.post2 accepts what the stack pins."],
    ),
    (
        "no xformers of a range fits",
        "NEEDS101",
        {"packages": {"torch": "2.0.0", "xformers": ">=0.0.22.post2"}},
        [
            "FAIL: Every known xformers that >=0.0.22.post2 admits requires another torch (the newest, 0.0.35, requires torch>=2.10); the stack has torch 2.0.0."
        ],
    ),
    (
        "some xformers of a range fits",
        "NEEDS101",
        {"packages": {"torch": "2.5.0", "xformers": ">=0.0.28,<0.0.29"}},
        ["PASS: A known xformers in >=0.0.28,<0.0.29 accepts what the stack pins."],
    ),
    (
        "vllm pins torchvision and xformers too",
        "NEEDS101",
        {"packages": {"torch": "2.5.1", "torchvision": "0.20.0", "vllm": "0.6.4"}},
        [
            "FAIL: vllm 0.6.4 requires another torchvision: torchvision==0.20.1; the stack has torchvision 0.20.0."
        ],
    ),
    (
        "vllm with what it pins",
        "NEEDS101",
        {
            "packages": {
                "torch": "2.5.1",
                "torchvision": "0.20.1",
                "xformers": "0.0.28.post3",
                "numpy": "1.26.4",
                "vllm": "0.6.4",
            }
        },
        [
            "PASS: vllm 0.6.4 accepts what the stack pins.",
            "PASS: xformers 0.0.28.post3 accepts what the stack pins.",
        ],
    ),
    (
        "triton of another torch",
        "NEEDS101",
        {"packages": {"torch": "2.5.0", "triton": "3.2.0"}},
        ["FAIL: torch 2.5.0 requires another triton: triton==3.1.0; the stack has triton 3.2.0."],
    ),
    (
        "triton of this torch",
        "NEEDS101",
        {"packages": {"torch": "2.5.0", "triton": "3.1.0"}},
        ["PASS: torch 2.5.0 accepts what the stack pins."],
    ),
    (
        "a ROCm build requires another triton",
        "NEEDS101",
        {"packages": {"torch": "2.6.0+rocm6.2.4", "triton": "3.1.0"}},
        [],
    ),
    (
        "a version without a row",
        "NEEDS101",
        {"packages": {"torch": "2.5.0", "xformers": "9.9.9"}},
        ["SKIP: no data on what xformers 9.9.9 requires."],
    ),
    (
        "a build of another index has METADATA of its own",
        "NEEDS101",
        {"packages": {"torch": "2.1.0", "xformers": "0.0.22.post2+cu118"}},
        [],
    ),
    (
        "torch of the container counts",
        "NEEDS101",
        {
            "packages": {"xformers": "0.0.28.post2"},
            "image": {"ready": "pytorch/pytorch:2.7.1-cuda12.8-cudnn9-devel"},
        },
        ["FAIL: xformers 0.0.28.post2 requires another torch: torch==2.5.0; the stack has torch 2.7.1."],
    ),
    (
        "from source nothing is declared",
        "NEEDS101",
        {"packages": {"torch": "2.3.1", "xformers": {"version": "0.0.26.post1", "from": "source"}}},
        [],
    ),
    (
        "mmcv above what mmdet asserts",
        "OPENMMLAB101",
        {"packages": {"mmdet": "3.3.0", "mmcv": "2.2.0"}},
        ["FAIL: Importing mmdet 3.3.0 fails: it asserts mmcv>=2.0.0rc4,<2.2.0; the stack has mmcv 2.2.0."],
    ),
    (
        "mmcv below what mmdet asserts",
        "OPENMMLAB101",
        {"packages": {"mmdet": "3.2.0", "mmcv": "1.3.0"}},
        ["FAIL: Importing mmdet 3.2.0 fails: it asserts mmcv>=2.0.0rc4,<2.2.0; the stack has mmcv 1.3.0."],
    ),
    (
        "mmcv inside the range",
        "OPENMMLAB101",
        {"packages": {"mmdet": "3.3.0", "mmcv": "2.1.0"}},
        ["PASS: mmcv 2.1.0 is inside mmcv>=2.0.0rc4,<2.2.0, as mmdet 3.3.0 asserts."],
    ),
    (
        "an upper bound that is included",
        "OPENMMLAB101",
        {"packages": {"mmdet": "2.14.0", "mmsegmentation": "0.14.1", "mmcv-full": "1.4.0"}},
        [
            "PASS: mmcv-full 1.4.0 is inside mmcv>=1.3.8,<=1.4.0, as mmdet 2.14.0 asserts.",
            "PASS: mmcv-full 1.4.0 is inside mmcv>=1.3.1,<=1.4.0, as mmsegmentation 0.14.1 asserts.",
        ],
    ),
    (
        "mmdet3d asserts mmdet",
        "OPENMMLAB101",
        {"packages": {"mmdet3d": "1.4.0", "mmdet": "3.4.0"}},
        [
            "SKIP: no data on what mmdet 3.4.0 asserts when it is imported.",
            "FAIL: Importing mmdet3d 1.4.0 fails: it asserts mmdet>=3.0.0rc5,<3.4.0; the stack has mmdet 3.4.0.",
        ],
    ),
    (
        "documented ranges only warn",
        "OPENMMLAB101",
        {"packages": {"mmdet3d": "1.0.0rc6", "mmcv-full": "1.4.0"}},
        [
            "WARN: Importing mmdet3d 1.0.0rc6 fails: it asserts mmcv>=1.5.2,<=1.7.0; the stack has mmcv-full 1.4.0. This rests on knowledge that no primary source confirms, so it is a warning."
        ],
    ),
    (
        "a release without a row",
        "OPENMMLAB101",
        {"packages": {"mmdet": "9.0.0", "mmcv": "2.2.0"}},
        ["SKIP: no data on what mmdet 9.0.0 asserts when it is imported."],
    ),
    ("no mmcv stated", "OPENMMLAB101", {"packages": {"mmdet": "3.3.0"}}, []),
    (
        "latest cuDNN",
        "NVPIN101",
        {"packages": {"torch": "2.5.0+cu124", "nvidia-cudnn-cu12": "latest"}},
        [
            "FAIL: nvidia-cudnn-cu12 is not pinned: the newest is 9.28.0.42, and torch 2.5.0 (cu124) pins nvidia-cudnn-cu12==9.1.0.70."
        ],
    ),
    (
        "a newer one of the same major",
        "NVPIN101",
        {"packages": {"torch": "2.9.1+cu128", "nvidia-cudnn-cu12": "9.15.1.9"}},
        [
            "WARN: nvidia-cudnn-cu12 9.15.1.9 is newer than the 9.10.2.21 that torch 2.9.1 (cu128) pins, of the same major version: it works where it is meant, and a resolver refuses it."
        ],
    ),
    (
        "a range above the pin, of the same major",
        "NVPIN101",
        {"packages": {"torch": "2.9.1+cu128", "nvidia-cudnn-cu12": ">=9.15,<10"}},
        ["FAIL: nvidia-cudnn-cu12 >=9.15,<10 is not the 9.10.2.21 that torch 2.9.1 (cu128) pins."],
    ),
    (
        "an older one of the same major",
        "NVPIN101",
        {"packages": {"torch": "2.9.1+cu128", "nvidia-cudnn-cu12": "9.8.0.87"}},
        ["FAIL: nvidia-cudnn-cu12 9.8.0.87 is not the 9.10.2.21 that torch 2.9.1 (cu128) pins."],
    ),
    (
        "one of another major",
        "NVPIN101",
        {"packages": {"torch": "2.2.2+cu121", "nvidia-cudnn-cu12": "9.1.0.70"}},
        ["FAIL: nvidia-cudnn-cu12 9.1.0.70 is not the 8.9.2.26 that torch 2.2.2 (cu121) pins."],
    ),
    (
        "a torch before triton requires nothing of it",
        "NEEDS101",
        {"packages": {"torch": "1.13.1", "numpy": "1.26.4"}},
        [],
    ),
    (
        "another cuBLAS",
        "NVPIN101",
        {"packages": {"torch": "2.5.0+cu124", "nvidia-cublas-cu12": "12.1.3.1"}},
        ["FAIL: nvidia-cublas-cu12 12.1.3.1 is not the 12.4.5.8 that torch 2.5.0 (cu124) pins."],
    ),
    (
        "the pinned ones",
        "NVPIN101",
        {
            "packages": {
                "torch": "2.5.0+cu124",
                "nvidia-cudnn-cu12": "9.1.0.70",
                "nvidia-cublas-cu12": "12.4.5.8",
            }
        },
        [
            "PASS: nvidia-cublas-cu12 12.4.5.8 is what torch 2.5.0 (cu124) pins.",
            "PASS: nvidia-cudnn-cu12 9.1.0.70 is what torch 2.5.0 (cu124) pins.",
        ],
    ),
    (
        "a range that holds the pin",
        "NVPIN101",
        {"packages": {"torch": "2.5.0+cu124", "nvidia-cudnn-cu12": ">=9.1,<10"}},
        ["PASS: nvidia-cudnn-cu12 >=9.1,<10 is what torch 2.5.0 (cu124) pins."],
    ),
    (
        "another build than the one on PyPI",
        "NVPIN101",
        {"packages": {"torch": "2.5.0+cu121", "nvidia-cudnn-cu12": "9.1.0.70"}},
        ["SKIP: no data on the pins of torch 2.5.0 (cu121): the wheel on PyPI is built for CUDA 12.4."],
    ),
    (
        "a torch without a row",
        "NVPIN101",
        {"packages": {"torch": "9.9.0", "nvidia-cudnn-cu12": "9.1.0.70"}},
        ["SKIP: no data on the CUDA libraries that torch 9.9.0 pins."],
    ),
    (
        "a pin that comes through an extra of cuda-toolkit",
        "NVPIN101",
        {"packages": {"torch": "2.13.0", "nvidia-cublas": "13.0.0.19"}},
        ["FAIL: nvidia-cublas 13.0.0.19 is not the 13.1.1.3 that torch 2.13.0 (cu130) pins."],
    ),
    (
        "a range that holds a pin through an extra",
        "NVPIN101",
        {"packages": {"torch": "2.13.0", "nvidia-cublas": ">=13.1,<14"}},
        ["PASS: nvidia-cublas >=13.1,<14 is what torch 2.13.0 (cu130) pins."],
    ),
    (
        "what a marker asks for on this machine",
        "NEEDS101",
        {"packages": {"torch": "2.13.0", "triton": "3.6.0"}, "python": "3.12"},
        ["FAIL: torch 2.13.0 requires another triton: triton==3.7.1; the stack has triton 3.6.0."],
    ),
    (
        "what a marker asks for on another machine",
        "NEEDS101",
        {"packages": {"torch": "2.13.0", "triton": "3.6.0"}, "platform": "windows/amd64"},
        [],
    ),
    ("no torch", "NVPIN101", {"packages": {"nvidia-cudnn-cu12": "9.1.0.70"}}, []),
]


@pytest.mark.parametrize(
    ("code", "fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    assert lines(code, **fields) == expected
