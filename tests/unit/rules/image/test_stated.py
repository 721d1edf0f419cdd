"""The rules about the base image: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines

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
        ["PASS: nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04 is a tag of nvidia/cuda."],
    ),
    (
        "cudnn8 before",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.1.0-cudnn8-devel-ubuntu20.04"}},
        ["PASS: nvidia/cuda:12.1.0-cudnn8-devel-ubuntu20.04 is a tag of nvidia/cuda."],
    ),
    (
        "cudnn before",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.1.0-cudnn-devel-ubuntu20.04"}},
        [
            "FAIL: nvidia/cuda:12.1.0-cudnn-devel-ubuntu20.04 does not exist: images of CUDA 12.1 spell cuDNN `cudnn8`."
        ],
    ),
    (
        "an image of a CUDA version that does not exist",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.7.0-cudnn-runtime-ubuntu22.04"}},
        ["FAIL: nvidia/cuda:12.7.0-cudnn-runtime-ubuntu22.04 does not exist: there is no CUDA 12.7."],
    ),
    (
        "an image of CUDA 10",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:10.2-cudnn7-devel-ubuntu18.04"}},
        [
            "FAIL: nvidia/cuda:10.2-cudnn7-devel-ubuntu18.04 does not exist: the images of CUDA 10 and older were deleted."
        ],
    ),
    (
        "an image of CUDA 9",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:9.2-devel-ubuntu18.04"}},
        [
            "FAIL: nvidia/cuda:9.2-devel-ubuntu18.04 does not exist: the images of CUDA 10 and older were deleted."
        ],
    ),
    (
        "a version of two parts",
        "IMAGE101",
        {"image": {"base": "nvcr.io/nvidia/cuda:11.1-cudnn8-devel-ubuntu20.04"}},
        [
            "FAIL: nvcr.io/nvidia/cuda:11.1-cudnn8-devel-ubuntu20.04 does not exist: tags from CUDA 11 on have versions of three parts."
        ],
    ),
    (
        "a version of two parts of CUDA 12",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.4-devel-ubuntu22.04"}},
        [
            "FAIL: nvidia/cuda:12.4-devel-ubuntu22.04 does not exist: tags from CUDA 11 on have versions of three parts."
        ],
    ),
    (
        "a patch release that was deleted",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:11.7.0-devel-ubuntu22.04"}},
        [
            "FAIL: nvidia/cuda:11.7.0-devel-ubuntu22.04 does not exist: the images of CUDA 11.7.0 were deleted."
        ],
    ),
    (
        "an older patch release that was deleted",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:11.4.2-devel-ubuntu20.04"}},
        [
            "FAIL: nvidia/cuda:11.4.2-devel-ubuntu20.04 does not exist: the images of CUDA 11.4.0 and 11.4.2 were deleted."
        ],
    ),
    (
        "CentOS 7 under CUDA 11.8",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:11.8.0-cudnn8-devel-centos7"}},
        [
            "FAIL: nvidia/cuda:11.8.0-cudnn8-devel-centos7 does not exist: the images of CUDA 11.8.0 on CentOS 7 were deleted."
        ],
    ),
    (
        "CentOS 7 under another CUDA is not verified",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.1.1-devel-centos7"}},
        [
            "WARN: nvidia/cuda:12.1.1-devel-centos7 does not exist: images on CentOS 7 and 8, both past their end of life, are deleted. This rests on knowledge that no primary source confirms, so it is a warning."
        ],
    ),
    (
        "no tag",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda"}},
        ["FAIL: nvidia/cuda does not exist: nvidia/cuda has had no tag `latest` since January 2021."],
    ),
    (
        "the tag latest",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:latest"}},
        ["FAIL: nvidia/cuda:latest does not exist: nvidia/cuda has had no tag `latest` since January 2021."],
    ),
    (
        "cudnn9 before",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.1.0-cudnn9-devel-ubuntu22.04"}},
        [
            "FAIL: nvidia/cuda:12.1.0-cudnn9-devel-ubuntu22.04 does not exist: images of CUDA 12.1 spell cuDNN `cudnn8`."
        ],
    ),
    (
        "an image by its digest",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda@sha256:0000"}},
        [],
    ),
    (
        "a registry of one's own may keep it",
        "IMAGE101",
        {"image": {"base": "registry.example/nvidia/cuda:10.2-devel-ubuntu18.04"}},
        [],
    ),
    (
        "without cuDNN",
        "IMAGE101",
        {"image": {"base": "nvidia/cuda:12.4.1-devel-ubuntu22.04"}},
        ["PASS: nvidia/cuda:12.4.1-devel-ubuntu22.04 is a tag of nvidia/cuda."],
    ),
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
        ["FAIL: The python3 of python:3.11-slim-bookworm is 3.11, and the stack states Python 3.12."],
    ),
    (
        "the Python",
        "IMAGE104",
        {"python": "3.11", "image": {"base": "python:3.11-slim-bookworm"}},
        ["PASS: The python3 of python:3.11-slim-bookworm is 3.11."],
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
    (
        "no Python stated, and torch has no wheel for the image's",
        "IMAGE104",
        {"packages": {"torch": "2.5.1"}, "image": {"base": "ubuntu:20.04"}, "python": None},
        [
            "WARN: The python3 of ubuntu:20.04 is 3.8, and torch 2.5.1 has no wheel for it: the stack was judged "
            "for another Python."
        ],
    ),
    (
        "no Python stated, and torch has wheels for the image's",
        "IMAGE104",
        {"packages": {"torch": "2.4.1"}, "image": {"base": "ubuntu:20.04"}, "python": None},
        [],
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
        "a repository of which nothing is known",
        "IMAGE106",
        {
            "packages": {
                "torch": "2.5.0+cu124",
                "dllogger": {"git": "git+https://github.com/NVIDIA/dllogger"},
            },
            "image": {"base": "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"},
        },
        [
            "SKIP: whether dllogger compiles CUDA code is not known, and nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04 has no nvcc."
        ],
    ),
    (
        "a repository of CUDA code",
        "IMAGE106",
        {
            "packages": {
                "torch": "2.5.0+cu124",
                "xformers": {"git": "git+https://github.com/facebookresearch/xformers"},
            },
            "image": {"base": "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"},
        },
        [
            "FAIL: xformers would be compiled in nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04, which has no nvcc."
        ],
    ),
    (
        "a project of Python beside a toolkit of another major version",
        "IMAGE102",
        {
            "packages": {"torch": "2.4.1+cu124", "app": {"path": "."}},
            "image": {"base": "nvidia/cuda:11.8.0-devel-ubuntu22.04"},
        },
        [
            "WARN: nvidia/cuda:11.8.0-devel-ubuntu22.04 brings CUDA 11.8, and torch 2.4.1 (cu124) its own runtime: the image's is not used."
        ],
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
        "the toolkit of another image",
        "IMAGE108",
        {"toolkit": "13.0", "image": {"base": "nvidia/cuda:12.4.1-devel-ubuntu22.04"}},
        [
            "FAIL: The stack states the CUDA toolkit 13.0, and nvcc of nvidia/cuda:12.4.1-devel-ubuntu22.04 is 12.4."
        ],
    ),
    (
        "the toolkit of the image",
        "IMAGE108",
        {"toolkit": "12.4", "image": {"ready": "pytorch/pytorch:2.5.1-cuda12.4-cudnn9-devel"}},
        ["PASS: pytorch/pytorch:2.5.1-cuda12.4-cudnn9-devel has the toolkit that the stack states, 12.4."],
    ),
    (
        "an image without a compiler",
        "IMAGE108",
        {"toolkit": "12.4", "image": {"base": "python:3.11-slim-bookworm"}},
        [],
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
    assert lines(code, **fields) == expected
