"""The rules about building from source: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "CUDA sources on macOS",
        "BUILD106",
        {"platform": "macos/arm64", "packages": {"torch": "2.6.0", "flash-attn": "2.7.4.post1"}},
        ["FAIL: flash-attn 2.7.4.post1 is compiled with nvcc, which macOS does not have."],
    ),
    (
        "a release whose sources nobody has read, on macOS",
        "BUILD106",
        {"platform": "macos/arm64", "packages": {"torch": "2.6.0", "flash-attn": "9.0.0"}},
        [],
    ),
    (
        "CUDA sources on Linux",
        "BUILD106",
        {"platform": "linux/amd64", "packages": {"torch": "2.6.0", "flash-attn": "2.7.4.post1"}},
        [],
    ),
    (
        "a package that nobody knows, built in place with torch's own build scripts",
        "BUILD101",
        {
            "no_build_isolation": ["ours"],
            "packages": {
                "torch": "1.13.1",
                "setuptools": "82.0.1",
                "ours": {"from": "git+https://github.com/we/ours"},
            },
        },
        [
            "WARN: setuptools 82.0.1 does not build ours with torch 1.13.1: torch/utils/cpp_extension.py imports pkg_resources from torch 1.8 to 2.1.2, which setuptools 82 no longer has. That holds if it is an extension of torch, as a build without isolation mostly is."
        ],
    ),
    (
        "sources of the repository itself, which nobody has repaired",
        "BUILD104",
        {
            "toolkit": "12.3",
            "packages": {
                "torch": "2.3.0",
                "minkowskiengine": {"from": "git+https://github.com/NVIDIA/MinkowskiEngine@02fc608bea4c"},
            },
        },
        [
            "FAIL: minkowskiengine latest cannot be compiled with CUDA 12.3: its headers use thrust::device without its include, which the thrust of CUDA 12 no longer brings along."
        ],
    ),
    (
        "a fork of it, which may have",
        "BUILD104",
        {
            "toolkit": "12.3",
            "packages": {
                "torch": "2.3.0",
                "minkowskiengine": {"from": "git+https://github.com/someone/MinkowskiEngine@02fc608bea4c"},
            },
        },
        [
            "WARN: minkowskiengine latest cannot be compiled with CUDA 12.3: its headers use thrust::device without its include, which the thrust of CUDA 12 no longer brings along, unless the sources are patched."
        ],
    ),
    (
        "an arch list that makes nvcc crash",
        "BUILD104",
        {
            "toolkit": "12.8",
            "env": {"FLASH_ATTN_CUDA_ARCHS": "120"},
            "packages": {"torch": "2.9.1", "flash-attn": {"version": "2.8.3", "from": "source"}},
        },
        [
            "PASS: CUDA 12.8 can compile flash-attn 2.8.3.",
            "FAIL: flash-attn 2.8.3 cannot be compiled with CUDA 12.8: nvcc crashes on its backward kernels when it compiles them for sm_120 alone.",
        ],
    ),
    (
        "another arch list",
        "BUILD104",
        {
            "toolkit": "12.8",
            "env": {"FLASH_ATTN_CUDA_ARCHS": "80;90"},
            "packages": {"torch": "2.9.1", "flash-attn": {"version": "2.8.3", "from": "source"}},
        },
        ["PASS: CUDA 12.8 can compile flash-attn 2.8.3."],
    ),
    (
        "an older CMake with an arch list that it ends up without",
        "BUILD101",
        {
            "env": {"NVTE_CUDA_ARCHS": "120"},
            "packages": {"transformer-engine": {"version": "2.12.0", "from": "source"}, "cmake": "<4.0.2"},
        },
        [
            "FAIL: transformer-engine 2.12.0 from source does not build with cmake <4.0.2: its CMakeLists.txt takes 120 out of CMake's list of architectures, and CMake stops at an empty one: CUDA_ARCHITECTURES is empty for target transformer_engine."
        ],
    ),
    (
        "a later CMake",
        "BUILD101",
        {
            "env": {"NVTE_CUDA_ARCHS": "120"},
            "packages": {"transformer-engine": {"version": "2.12.0", "from": "source"}, "cmake": "4.1.0"},
        },
        ["PASS: transformer-engine 2.12.0 from source: cmake 4.1.0 builds it."],
    ),
    (
        "no CMake stated, so the newest",
        "BUILD101",
        {
            "env": {"NVTE_CUDA_ARCHS": "120"},
            "packages": {"transformer-engine": {"version": "2.12.0", "from": "source"}},
        },
        [],
    ),
    (
        "setuptools without pkg_resources",
        "BUILD101",
        {"packages": {"mmcv": {"version": "2.2.0", "from": "source"}, "setuptools": "82.0.0"}},
        [
            "FAIL: mmcv 2.2.0 from source does not build with setuptools 82.0.0: its setup.py imports pkg_resources, which setuptools 82 no longer has."
        ],
    ),
    (
        "setuptools that has it",
        "BUILD101",
        {"packages": {"mmcv": {"version": "2.2.0", "from": "source"}, "setuptools": "75.8.0"}},
        ["PASS: mmcv 2.2.0 from source: setuptools 75.8.0 builds it."],
    ),
    (
        "setuptools not stated",
        "BUILD101",
        {"packages": {"mmcv": {"version": "2.2.0", "from": "source"}}},
        [
            "WARN: mmcv 2.2.0 from source: setuptools>=82 breaks it (its setup.py imports pkg_resources, which setuptools 82 no longer has), and the stack states no setuptools."
        ],
    ),
    (
        "the newest setuptools",
        "BUILD101",
        {"packages": {"mmcv": {"version": "2.2.0", "from": "source"}, "setuptools": "latest"}},
        [
            "FAIL: mmcv 2.2.0 from source does not build with setuptools latest: its setup.py imports pkg_resources, which setuptools 82 no longer has."
        ],
    ),
    (
        "a range that stays below",
        "BUILD101",
        {"packages": {"mmcv": {"version": "2.2.0", "from": "source"}, "setuptools": "<82"}},
        ["PASS: mmcv 2.2.0 from source: setuptools <82 builds it."],
    ),
    (
        "CMake 4 and torch 2.6",
        "BUILD101",
        {"packages": {"torch": {"version": "2.6.0", "from": "source"}, "cmake": "4.0.0"}},
        [
            "FAIL: torch 2.6.0 from source does not build with cmake 4.0.0: protobuf, psimd, FP16, NNPACK, ittapi, gloo and ideep in third_party ask for a CMake older than 3.5."
        ],
    ),
    (
        "CMake 4 with the variable",
        "BUILD101",
        {
            "packages": {"torch": {"version": "2.6.0", "from": "source"}, "cmake": "4.0.0"},
            "env": {"CMAKE_POLICY_VERSION_MINIMUM": "3.5"},
        },
        ["PASS: CMAKE_POLICY_VERSION_MINIMUM is set for torch 2.6.0 from source."],
    ),
    (
        "CMake 3",
        "BUILD101",
        {"packages": {"torch": {"version": "2.6.0", "from": "source"}, "cmake": "3.31.6"}},
        ["PASS: torch 2.6.0 from source: cmake 3.31.6 builds it."],
    ),
    (
        "a wheel is not built",
        "BUILD101",
        {
            "packages": {
                "mmcv": "2.2.0",
                "setuptools": "82.0.0",
                "apex": {"version": "0.1", "from": "source"},
            },
            "index": {"find_links": ["https://download.openmmlab.com/mmcv/dist/cu121/torch2.4/index.html"]},
        },
        [],
    ),
    (
        "needs torch at build",
        "BUILD102",
        {"packages": {"flash-attn": {"version": "2.7.4", "from": "source"}}},
        [
            "WARN: flash-attn is compiled against torch, which an isolated build does not have: its setup.py imports torch: ModuleNotFoundError: No module named 'torch'."
        ],
    ),
    (
        "detectron2 needs torch at build",
        "BUILD102",
        {"packages": {"detectron2": {"version": "0.6", "from": "source"}}},
        [
            "WARN: detectron2 is compiled against torch, which an isolated build does not have: its setup.py imports torch: ModuleNotFoundError: No module named 'torch'."
        ],
    ),
    (
        "pytorch3d needs torch at build",
        "BUILD102",
        {"packages": {"pytorch3d": {"version": "0.7.8", "from": "source"}}},
        [
            "WARN: pytorch3d is compiled against torch, which an isolated build does not have: its setup.py imports torch: ModuleNotFoundError: No module named 'torch'."
        ],
    ),
    (
        "setuptools 70 beside the build scripts of torch 2.1",
        "BUILD101",
        {
            "packages": {
                "torch": "2.1.2",
                "setuptools": "70.3.0",
                "flash-attn": {"version": "2.5.9.post1", "from": "source"},
            }
        },
        [
            "FAIL: setuptools 70.3.0 does not build flash-attn with torch 2.1.2: torch/utils/cpp_extension.py imports packaging out of pkg_resources from torch 1.8 to 2.1.2, and setuptools 70 has no such name there: ImportError: cannot import name 'packaging'.",
        ],
    ),
    (
        "the twin: a torch that imports no pkg_resources",
        "BUILD101",
        {
            "packages": {
                "torch": "1.7.1",
                "setuptools": "70.3.0",
                "apex": {"version": "0.1", "from": "source"},
            }
        },
        [],
    ),
    (
        "setuptools older than the Python",
        "BUILD103",
        {
            "python": "3.12",
            "packages": {"mmcv": {"version": "2.1.0", "from": "source"}, "setuptools": "59.5.0"},
        },
        [
            "FAIL: setuptools 59.5.0 does not run on Python 3.12: its pkg_resources uses pkgutil.ImpImporter, which Python 3.12 no longer has."
        ],
    ),
    (
        "the last setuptools that does not run",
        "BUILD103",
        {
            "python": "3.13.1",
            "packages": {"mmcv": {"version": "2.1.0", "from": "source"}, "setuptools": "66.0.0"},
        },
        [
            "FAIL: setuptools 66.0.0 does not run on Python 3.13: its pkg_resources uses pkgutil.ImpImporter, which Python 3.12 no longer has."
        ],
    ),
    (
        "the first setuptools that runs",
        "BUILD103",
        {
            "python": "3.12",
            "packages": {"mmcv": {"version": "2.1.0", "from": "source"}, "setuptools": "66.1.0"},
        },
        ["PASS: setuptools 66.1.0 runs on Python 3.12."],
    ),
    (
        "an old setuptools on an old Python",
        "BUILD103",
        {
            "python": "3.11",
            "packages": {"mmcv": {"version": "2.1.0", "from": "source"}, "setuptools": "59.5.0"},
        },
        [],
    ),
    (
        "MinkowskiEngine with CUDA 12",
        "BUILD104",
        {
            "toolkit": "12.1",
            "packages": {"torch": "2.1.2+cu121", "MinkowskiEngine": {"version": "0.5.4", "from": "source"}},
        },
        [
            "FAIL: minkowskiengine 0.5.4 cannot be compiled with CUDA 12.1: its headers use thrust::device without its include, which the thrust of CUDA 12 no longer brings along."
        ],
    ),
    (
        "MinkowskiEngine, which has no wheels, with CUDA 12",
        "BUILD104",
        {"packages": {"torch": "2.1.2+cu121", "MinkowskiEngine": "0.5.4"}},
        [
            "FAIL: minkowskiengine 0.5.4 cannot be compiled with CUDA 12.1: its headers use thrust::device without its include, which the thrust of CUDA 12 no longer brings along."
        ],
    ),
    (
        "MinkowskiEngine with CUDA 11",
        "BUILD104",
        {
            "toolkit": "11.8",
            "packages": {"torch": "2.1.2+cu118", "MinkowskiEngine": {"version": "0.5.4", "from": "source"}},
        },
        ["PASS: CUDA 11.8 can compile minkowskiengine 0.5.4."],
    ),
    (
        "a MinkowskiEngine of no known version",
        "BUILD104",
        {"packages": {"torch": "2.1.2+cu121", "MinkowskiEngine": {"version": "latest", "from": "source"}}},
        [
            "WARN: minkowskiengine latest cannot be compiled with CUDA 12.1: its headers use thrust::device without its include, which the thrust of CUDA 12 no longer brings along, unless the sources are patched."
        ],
    ),
    (
        "MinkowskiEngine beside a torch that is not stated",
        "BUILD104",
        {"packages": {"torch": "2.1.2", "MinkowskiEngine": "0.5.4"}},
        [
            "WARN: minkowskiengine 0.5.4 cannot be compiled with CUDA 12.1: its headers use thrust::device without its include, which the thrust of CUDA 12 no longer brings along; CUDA 12.1 is not stated."
        ],
    ),
    (
        "somebody else's wheel of MinkowskiEngine",
        "BUILD104",
        {
            "packages": {
                "torch": "2.1.2+cu121",
                "MinkowskiEngine": {"version": "0.5.4", "find_links": "https://a.example/wheels"},
            }
        },
        [],
    ),
    (
        "a MinkowskiEngine of one's own",
        "BUILD104",
        {
            "packages": {
                "torch": "2.1.2+cu121",
                "MinkowskiEngine": {"version": "0.5.4", "built_for": {"torch": "2.1"}},
            }
        },
        [],
    ),
    (
        "PyPI has it as source alone",
        "BUILD102",
        {"packages": {"torch": "2.6.0", "flash-attn": "2.7.4.post1"}},
        [
            "WARN: flash-attn is compiled against torch, which an isolated build does not have: its setup.py imports torch: ModuleNotFoundError: No module named 'torch'."
        ],
    ),
    (
        "its wheels are on the page of the project, which the stack states",
        "BUILD102",
        {
            "packages": {"torch": "2.5.1", "torch-scatter": "2.1.2"},
            "index": {"find_links": ["https://data.pyg.org/whl/torch-2.5.1+cu124.html"]},
        },
        [],
    ),
    (
        "a wheel of somebody else, by its local version",
        "BUILD102",
        {"packages": {"torch": "2.6.0", "flash-attn": "2.7.4.post1+cu12torch2.6cxx11abiFALSE"}},
        [],
    ),
    (
        "a version whose pyproject.toml asks for torch",
        "BUILD102",
        {"packages": {"torch": "2.6.0", "mamba-ssm": "2.2.4"}},
        [],
    ),
    (
        "source alone, and built in place",
        "BUILD102",
        {"packages": {"torch": "2.6.0", "flash-attn": "2.7.4.post1"}, "no_build_isolation": ["flash-attn"]},
        [],
    ),
    (
        "a trap for a source build that nobody stated",
        "BUILD101",
        {"packages": {"torch": "2.4.0", "mmcv": "2.2.0"}},
        [
            "WARN: mmcv 2.2.0 from source: setuptools>=82 breaks it (its setup.py imports pkg_resources, which setuptools 82 no longer has), and the stack states no setuptools."
        ],
    ),
    (
        "the wheel of its page",
        "BUILD101",
        {
            "packages": {"torch": "2.4.0", "mmcv": "2.2.0"},
            "index": {"find_links": ["https://download.openmmlab.com/mmcv/dist/cu121/torch2.4/index.html"]},
        },
        [],
    ),
    (
        "does not need it",
        "BUILD102",
        {"packages": {"spatial-correlation-sampler": {"version": "0.5", "from": "source"}}},
        [],
    ),
]


@pytest.mark.parametrize(
    ("code", "fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    assert lines(code, **fields) == expected
