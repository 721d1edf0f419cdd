"""The rules about the base image: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.early_cases import said

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "cudnn8 from 12.4 on",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.4.1-cudnn8-devel-ubuntu22.04"}},
        [
            "FAIL: nvidia/cuda:12.4.1-cudnn8-devel-ubuntu22.04 does not exist: images of CUDA 12.4 spell cuDNN `cudnn`."
        ],
    ),
    (
        "cudnn9 from 12.4 on",
        "IMAGE101",
        {"image": {"base": "docker.io/nvidia/cuda:12.4.1-cudnn9-devel-ubuntu22.04"}},
        [
            "FAIL: docker.io/nvidia/cuda:12.4.1-cudnn9-devel-ubuntu22.04 does not exist: images of CUDA 12.4 spell cuDNN `cudnn`."
        ],
    ),
    (
        "cudnn from 12.4 on",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04"}},
        ["PASS: nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04 spells cuDNN as images of CUDA 12.4 do."],
    ),
    (
        "cudnn8 before",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.1.0-cudnn8-devel-ubuntu20.04"}},
        ["PASS: nvidia/cuda:12.1.0-cudnn8-devel-ubuntu20.04 spells cuDNN as images of CUDA 12.1 do."],
    ),
    (
        "cudnn before is not verified",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.1.0-cudnn-devel-ubuntu20.04"}},
        [
            "WARN: nvidia/cuda:12.1.0-cudnn-devel-ubuntu20.04 does not exist: images of CUDA 12.1 spell cuDNN `cudnn8`. This rests on knowledge that no primary source confirms, so it is a warning."
        ],
    ),
    ("without cuDNN", "IMAGE101", {"image": {"base": "nvidia/cuda:12.4.1-devel-ubuntu22.04"}}, []),
    (
        "compiling with another major",
        "IMAGE102",
        {
            "packages": {"torch": "2.5.0+cu124", "mmcv": {"version": "2.2.0", "from": "source"}},
            "image": {"base": "nvidia/cuda:11.8.0-devel-ubuntu22.04"},
        },
        [
            "FAIL: mmcv would be compiled with CUDA 11.8 of nvidia/cuda:11.8.0-devel-ubuntu22.04; torch 2.5.0 (cu124) needs CUDA 12."
        ],
    ),
    (
        "running with another major",
        "IMAGE102",
        {"packages": {"torch": "2.5.0+cu124"}, "image": {"base": "nvidia/cuda:11.8.0-runtime-ubuntu22.04"}},
        [
            "WARN: nvidia/cuda:11.8.0-runtime-ubuntu22.04 brings CUDA 11.8, and torch 2.5.0 (cu124) its own runtime: the image's is not used."
        ],
    ),
    (
        "the same major",
        "IMAGE102",
        {"packages": {"torch": "2.5.0+cu124"}, "image": {"base": "nvidia/cuda:12.1.1-devel-ubuntu22.04"}},
        ["PASS: nvidia/cuda:12.1.1-devel-ubuntu22.04 has the CUDA major version of torch 2.5.0 (cu124)."],
    ),
    (
        "a plain base",
        "IMAGE102",
        {"packages": {"torch": "2.5.0+cu124"}, "image": {"base": "python:3.11-slim"}},
        [],
    ),
    (
        "another cuDNN major",
        "IMAGE103",
        {
            "packages": {"torch": "2.5.0+cu124"},
            "image": {"base": "nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04"},
        },
        ["WARN: The image has cuDNN 8, and torch 2.5.0 (cu124) brings cuDNN 9."],
    ),
    (
        "the same cuDNN major",
        "IMAGE103",
        {
            "packages": {"torch": "2.5.0+cu124"},
            "image": {"base": "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"},
        },
        ["PASS: The image and torch 2.5.0 (cu124) have cuDNN 9."],
    ),
    (
        "a tag that does not exist",
        "IMAGE103",
        {
            "packages": {"torch": "2.5.0+cu124"},
            "image": {"base": "nvidia/cuda:12.4.1-cudnn8-runtime-ubuntu22.04"},
        },
        [],
    ),
    (
        "another Python",
        "IMAGE104",
        {"python": "3.12", "image": {"base": "python:3.11-slim-bookworm"}},
        ["FAIL: python:3.11-slim-bookworm has Python 3.11, and the stack states Python 3.12."],
    ),
    (
        "the Python",
        "IMAGE104",
        {"python": "3.11", "image": {"base": "python:3.11-slim-bookworm"}},
        ["PASS: python:3.11-slim-bookworm has Python 3.11."],
    ),
    (
        "the distribution has another",
        "IMAGE104",
        {"python": "3.11", "image": {"base": "nvidia/cuda:12.4.1-runtime-ubuntu22.04"}},
        [
            "WARN: The python3 of nvidia/cuda:12.4.1-runtime-ubuntu22.04 is 3.10, and the stack states Python 3.11."
        ],
    ),
    (
        "the distribution has it",
        "IMAGE104",
        {"python": "3.10", "image": {"base": "nvidia/cuda:12.4.1-runtime-ubuntu22.04"}},
        ["PASS: The python3 of nvidia/cuda:12.4.1-runtime-ubuntu22.04 is 3.10."],
    ),
    ("Python not stated", "IMAGE104", {"image": {"base": "python:3.11-slim"}}, []),
    (
        "musl",
        "IMAGE105",
        {"packages": {"torch": "2.5.0+cu124"}, "image": {"base": "python:3.11-alpine"}},
        ["FAIL: python:3.11-alpine is Alpine Linux with musl, and torch has no wheels for it."],
    ),
    ("glibc", "IMAGE105", {"packages": {"torch": "2.5.0+cu124"}, "image": {"base": "python:3.11-slim"}}, []),
    (
        "no nvcc for the build",
        "IMAGE106",
        {
            "packages": {"torch": "2.5.0+cu124", "mmcv": {"version": "2.2.0", "from": "source"}},
            "image": {"base": "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"},
        },
        ["FAIL: mmcv would be compiled in nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04, which has no nvcc."],
    ),
    (
        "an image for building",
        "IMAGE106",
        {
            "packages": {"torch": "2.5.0+cu124", "mmcv": {"version": "2.2.0", "from": "source"}},
            "image": {
                "base": "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04",
                "build_base": "nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04",
            },
        },
        ["PASS: nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04 has nvcc for mmcv."],
    ),
    (
        "nothing is compiled",
        "IMAGE106",
        {
            "packages": {"torch": "2.5.0+cu124"},
            "image": {"base": "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"},
        },
        [],
    ),
]


@pytest.mark.parametrize(
    ("code", "fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    assert said(code, **fields) == expected
