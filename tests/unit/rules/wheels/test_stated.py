"""The rules about compiled wheels beside torch: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines, verdicts

PYTORCH_CU118 = {"version": "2.5.1+cu118", "index": "https://download.pytorch.org/whl/cu118"}

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "page of another torch minor",
        "WHEEL101",
        {
            "packages": {
                "torch": "1.10.0+cu111",
                "torch-scatter": {
                    "version": "2.0.9",
                    "find_links": "https://data.pyg.org/whl/torch-1.9.1+cu111.html",
                },
            }
        },
        [
            "FAIL: torch-scatter 2.0.9 is made for torch 1.9 (the page https://data.pyg.org/whl/torch-1.9.1+cu111.html); the stack has torch 1.10.0."
        ],
    ),
    (
        "page of the same minor",
        "WHEEL101",
        {
            "packages": {
                "torch": "2.5.1+cu124",
                "torch-scatter": {
                    "version": "2.1.2",
                    "find_links": "https://data.pyg.org/whl/torch-2.5.0+cu124.html",
                },
            }
        },
        [
            "PASS: torch-scatter is made for torch 2.5, as the page https://data.pyg.org/whl/torch-2.5.0+cu124.html says."
        ],
    ),
    (
        "local version for another torch",
        "WHEEL101",
        {"packages": {"torch": "2.6.0+cu124", "flash-attn": "2.7.4.post1+cu12torch2.5cxx11abiFALSE"}},
        [
            "FAIL: flash-attn 2.7.4.post1+cu12torch2.5cxx11abiFALSE is made for torch 2.5 (the local version of flash-attn 2.7.4.post1+cu12torch2.5cxx11abifalse); the stack has torch 2.6.0."
        ],
    ),
    (
        "compressed spelling of torch 2.12",
        "WHEEL101",
        {"packages": {"torch": "2.12.0+cu130", "torch-scatter": "2.1.2+pt212cu130"}},
        [
            "PASS: torch-scatter is made for torch 2.12, as the local version of torch-scatter 2.1.2+pt212cu130 says."
        ],
    ),
    (
        "a wheel of one's own",
        "WHEEL101",
        {
            "packages": {
                "torch": "1.10.2",
                "mmcv-full": {"version": "1.4.0", "built_for": {"torch": "1.10.0"}},
            }
        },
        ["PASS: mmcv-full is made for torch 1.10, as built_for says."],
    ),
    (
        "one's own for another torch",
        "WHEEL101",
        {"packages": {"torch": "2.1.0", "mmcv": {"version": "2.1.0", "built_for": {"torch": "2.0"}}}},
        ["FAIL: mmcv 2.1.0 is made for torch 2.0 (built_for); the stack has torch 2.1.0."],
    ),
    (
        "a source build has none",
        "WHEEL101",
        {
            "packages": {
                "torch": "2.6.0",
                "mmcv": {
                    "version": "2.2.0",
                    "from": "source",
                    "find_links": "https://download.openmmlab.com/mmcv/dist/cu121/torch2.4/index.html",
                },
            }
        },
        [],
    ),
    (
        "another CUDA major",
        "WHEEL102",
        {"packages": {"torch": "2.5.0+cu124", "torch-scatter": "2.1.2+pt25cu118"}},
        [
            "FAIL: torch-scatter 2.1.2+pt25cu118 is made for cu118 (the local version of torch-scatter 2.1.2+pt25cu118); the stack has torch 2.5.0 (cu124), as the local version of torch says."
        ],
    ),
    (
        "another CUDA minor is fine",
        "WHEEL102",
        {"packages": {"torch": "2.5.0+cu124", "torch-scatter": "2.1.2+pt25cu121"}},
        [
            "PASS: torch-scatter 2.1.2+pt25cu121 is made for cu121, the CUDA major version of torch 2.5.0 (cu124)."
        ],
    ),
    (
        "CUDA major alone in the name",
        "WHEEL102",
        {"packages": {"torch": "2.5.0+cu124", "flash-attn": "2.8.3+cu12torch2.5cxx11abiFALSE"}},
        [
            "PASS: flash-attn 2.8.3+cu12torch2.5cxx11abiFALSE is made for cu12, the CUDA version of torch 2.5.0 (cu124)."
        ],
    ),
    (
        "a CPU wheel",
        "WHEEL102",
        {"packages": {"torch": "2.5.0+cu124", "torch-scatter": "2.1.2+pt25cpu"}},
        [
            "WARN: torch-scatter 2.1.2+pt25cpu is a CPU wheel (the local version of torch-scatter 2.1.2+pt25cpu) beside torch 2.5.0 (cu124): it loads, and has no operators for the GPU."
        ],
    ),
    (
        "torch's CUDA only assumed",
        "WHEEL102",
        {"packages": {"torch": "2.2.0", "flash-attn": "2.5.5+cu118torch2.2cxx11abiFALSE"}},
        [
            "WARN: flash-attn 2.5.5+cu118torch2.2cxx11abiFALSE is made for cu118 (the local version of flash-attn 2.5.5+cu118torch2.2cxx11abifalse); the stack has torch 2.2.0 (cu121), which follows from the wheel of torch 2.2.0 on PyPI for linux/amd64 and is not stated."
        ],
    ),
    (
        "a CUDA wheel beside a ROCm torch",
        "WHEEL102",
        {"packages": {"torch": "2.5.0+rocm6.2", "torch-scatter": "2.1.2+pt25cu124"}},
        [
            "FAIL: torch-scatter 2.1.2+pt25cu124 is made for cu124 (the local version of torch-scatter 2.1.2+pt25cu124); the stack has torch 2.5.0 (rocm6.2), as the local version of torch says."
        ],
    ),
    (
        "all for the CPU",
        "WHEEL102",
        {"packages": {"torch": "2.5.0+cpu", "torch-scatter": "2.1.2+pt25cpu"}},
        [],
    ),
    (
        "the new ABI beside an old torch",
        "WHEEL103",
        {"packages": {"torch": "2.2.0+cu118", "flash-attn": "2.5.5+cu118torch2.2cxx11abiTRUE"}},
        [
            "FAIL: flash-attn 2.5.5+cu118torch2.2cxx11abiTRUE is built with the C++11 ABI (the local version of flash-attn 2.5.5+cu118torch2.2cxx11abitrue), and torch 2.2.0 (cu118) without the C++11 ABI: its symbols are not found."
        ],
    ),
    (
        "the old ABI beside an old torch",
        "WHEEL103",
        {"packages": {"torch": "2.2.0+cu118", "flash-attn": "2.5.5+cu118torch2.2cxx11abiFALSE"}},
        ["PASS: flash-attn and torch 2.2.0 (cu118) use the same C++ ABI (without the C++11 ABI)."],
    ),
    (
        "the old ABI beside torch 2.7",
        "WHEEL103",
        {"packages": {"torch": "2.7.0+cu128", "flash-attn": "2.8.3+cu12torch2.7cxx11abiFALSE"}},
        [
            "FAIL: flash-attn 2.8.3+cu12torch2.7cxx11abiFALSE is built without the C++11 ABI (the local version of flash-attn 2.8.3+cu12torch2.7cxx11abifalse), and torch 2.7.0 (cu128) with the C++11 ABI: its symbols are not found."
        ],
    ),
    (
        "an NVIDIA container",
        "WHEEL103",
        {
            "packages": {"flashinfer-python": "latest"},
            "image": {"ready": "nvcr.io/nvidia/pytorch:24.08-py3"},
            "index": {"extra": ["https://flashinfer.ai/whl/cu124/torch2.5"]},
        },
        [
            "FAIL: flashinfer-python latest is built without the C++11 ABI (the page https://flashinfer.ai/whl/cu124/torch2.5: made for the official wheels of torch 2.5), and torch 2.5.0a0 (cu126) with the C++11 ABI: its symbols are not found."
        ],
    ),
    (
        "a torch of one's own",
        "WHEEL103",
        {
            "packages": {
                "torch": {"version": "2.5.0", "from": "source"},
                "flash-attn": "2.7.4+cu12torch2.5cxx11abiTRUE",
            }
        },
        ["SKIP: no data on the C++11 ABI of torch 2.5.0, so flash-attn was not compared."],
    ),
    (
        "conda builds are not read",
        "WHEEL103",
        {
            "packages": {
                "torch": {"version": "2.2.0", "from": "conda"},
                "flash-attn": "2.5.5+cu118torch2.2cxx11abiTRUE",
            }
        },
        ["SKIP: no data on the C++11 ABI of torch 2.2.0, so flash-attn was not compared."],
    ),
    (
        "torchtext and a later torch",
        "WHEEL104",
        {"packages": {"torch": "2.4.0", "torchtext": "0.18.0"}},
        [
            "FAIL: torchtext 0.18.0 cannot be loaded with torch 2.4.0: it needs symbols or layouts of torch 2.3.0 to 2.3.1."
        ],
    ),
    (
        "torchtext and its torch",
        "WHEEL104",
        {"packages": {"torch": "2.3.1", "torchtext": "0.18.0"}},
        ["PASS: torchtext 0.18.0 finds every symbol that it needs of torch 2.3.1: it can be loaded."],
    ),
    ("a torchtext without binary", "WHEEL104", {"packages": {"torch": "2.4.0", "torchtext": "0.6.0"}}, []),
    (
        "a package whose METADATA names no torch",
        "WHEEL104",
        {"packages": {"torch": "2.8.0", "sgl-kernel": "0.3.21"}},
        [
            "FAIL: sgl-kernel 0.3.21 cannot be loaded with torch 2.8.0: it needs symbols or layouts of torch 2.9.0 to 2.9.1."
        ],
    ),
    (
        "a package whose project says the same",
        "WHEEL104",
        {"packages": {"torch": "2.8.0", "torchcodec": "0.10.0"}},
        [],
    ),
    (
        "the same with the torch that it was made for",
        "WHEEL104",
        {"packages": {"torch": "2.10.0", "torchcodec": "0.10.0"}},
        ["PASS: torchcodec 0.10.0 finds every symbol that it needs of torch 2.10.0: it can be loaded."],
    ),
    (
        "the same on Windows, whose wheel was not read",
        "WHEEL104",
        {"platform": "windows/amd64", "packages": {"torch": "2.8.0", "sgl-kernel": "0.3.21"}},
        [
            "WARN: sgl-kernel 0.3.21 cannot be loaded with torch 2.8.0: it needs symbols or layouts of torch 2.9.0 to 2.9.1, as its wheel for Linux on amd64 says; that for windows/amd64 was not read."
        ],
    ),
    (
        "a package that works without its kernels",
        "WHEEL104",
        {"packages": {"torch": "2.9.1", "mooncake-transfer-engine": "0.3.13"}},
        [
            "WARN: mooncake-transfer-engine 0.3.13 cannot be loaded with torch 2.9.1: it needs symbols or layouts of torch 2.11.0 to 2.13.0. Its transfer engine and store do not use torch and work; its process group is not loaded."
        ],
    ),
    (
        "a build of torch with the other C++ ABI than the one on PyPI",
        "WHEEL104",
        {"packages": {"torch": "2.6.0+cu126", "sgl-kernel": "0.3.21"}},
        [],
    ),
    (
        "a torch that no symbols are known of",
        "WHEEL104",
        {"packages": {"torch": "2.99.0", "sgl-kernel": "0.3.21"}},
        [],
    ),
    (
        "METADATA that pins torch",
        "WHEEL104",
        {"packages": {"torch": "2.4.0", "torchtext": "0.17.2"}},
        [],
    ),
    (
        "somebody else's builds",
        "WHEEL104",
        {
            "packages": {
                "torch": "2.8.0",
                "sgl-kernel": {"version": "0.3.21", "index": "https://pypi.a.example/simple"},
            }
        },
        [],
    ),
    (
        "a defective wheel",
        "WHEEL105",
        {
            "packages": {
                "torch": "1.9.0+cu111",
                "mmcv-full": {
                    "version": "1.3.10",
                    "find_links": "https://download.openmmlab.com/mmcv/dist/cu111/torch1.9.0/index.html",
                },
            }
        },
        [
            "FAIL: The wheel of mmcv-full 1.3.10 for cu111 and torch 1.9 is defective: it lies in the cu111 folder and is linked against libcudart.so.10.2."
        ],
    ),
    (
        "a defective local version",
        "WHEEL105",
        {"packages": {"llama-cpp-python": "0.3.16+cuda12.1.sm86.ampere"}},
        [
            "FAIL: The wheel of llama-cpp-python 0.3.16+cuda12.1.sm86.ampere is defective: it says CUDA 12.1 and is linked against CUDA 13 (cublas64_13.dll)."
        ],
    ),
    (
        "another local version",
        "WHEEL105",
        {"packages": {"llama-cpp-python": "0.3.16+cuda11.8.sm86.ampere"}},
        [],
    ),
    (
        "its neighbour",
        "WHEEL105",
        {
            "packages": {
                "torch": "1.9.0+cu111",
                "mmcv-full": {
                    "version": "1.3.9",
                    "find_links": "https://download.openmmlab.com/mmcv/dist/cu111/torch1.9.0/index.html",
                },
            }
        },
        [],
    ),
    (
        "the same version of another folder",
        "WHEEL105",
        {
            "packages": {
                "torch": "1.9.0+cu102",
                "mmcv-full": {
                    "version": "1.3.10",
                    "find_links": "https://download.openmmlab.com/mmcv/dist/cu102/torch1.9.0/index.html",
                },
            }
        },
        [],
    ),
    (
        "glibc too old",
        "WHEEL106",
        {"os": "Ubuntu 20.04", "packages": {"pyg-lib": "0.5.0+pt28cu128"}},
        ["FAIL: pyg-lib 0.5.0+pt28cu128 needs glibc 2.33, and Ubuntu 20.04 has 2.31."],
    ),
    (
        "glibc new enough",
        "WHEEL106",
        {"os": "Ubuntu 22.04", "packages": {"pyg-lib": "0.5.0+pt28cu128"}},
        ["PASS: pyg-lib 0.5.0+pt28cu128 needs glibc 2.33; Ubuntu 22.04 has 2.35."],
    ),
    (
        "glibc of the base image",
        "WHEEL106",
        {
            "image": {"base": "nvidia/cuda:12.4.1-cudnn-devel-ubuntu20.04"},
            "packages": {"flash-attn": "2.8.3+cu12torch2.5cxx11abiFALSE"},
        },
        [
            "FAIL: flash-attn 2.8.3+cu12torch2.5cxx11abifalse needs glibc 2.32, and nvidia/cuda:12.4.1-cudnn-devel-ubuntu20.04 has 2.31."
        ],
    ),
    (
        "the wheel that a setup.py takes",
        "WHEEL106",
        {"glibc": "2.31", "packages": {"torch": "2.5.1", "flash-attn": "2.8.3"}},
        ["FAIL: flash-attn 2.8.3 needs glibc 2.32, and the system has 2.31."],
    ),
    (
        "a torch without such a wheel",
        "WHEEL106",
        {"glibc": "2.31", "packages": {"torch": "2.3.1", "flash-attn": "2.8.3"}},
        [],
    ),
    ("glibc not stated", "WHEEL106", {"packages": {"pyg-lib": "0.5.0+pt28cu128"}}, []),
    (
        "a name for CUDA 11 beside CUDA 12",
        "WHEEL107",
        {"packages": {"torch": "2.5.0+cu124", "spconv-cu118": "2.3.8"}},
        ["FAIL: spconv-cu118 is made for CUDA 11; torch 2.5.0 (cu124) is CUDA 12."],
    ),
    (
        "a name for another CUDA 12",
        "WHEEL107",
        {"packages": {"torch": "2.5.0+cu124", "spconv-cu120": "2.3.6"}},
        ["PASS: spconv-cu120 has the CUDA major version of torch 2.5.0 (cu124)."],
    ),
    (
        "the one build on PyPI is for another CUDA major",
        "WHEEL102",
        {"packages": {"torch": PYTORCH_CU118, "xformers": "0.0.28.post3"}},
        [
            "FAIL: xformers 0.0.28.post3 on PyPI is built for CUDA 12, and PyPI has no other build of it; the stack has torch 2.5.1 (cu118)."
        ],
    ),
    (
        "the one build on PyPI is for CUDA, beside ROCm",
        "WHEEL102",
        {"packages": {"torch": "2.5.1+rocm6.2", "xformers": "0.0.28.post3"}},
        [
            "FAIL: xformers 0.0.28.post3 on PyPI is built for CUDA 12, and PyPI has no other build of it; the stack has torch 2.5.1 (rocm6.2)."
        ],
    ),
    (
        "the one build on PyPI is for another minor of the major",
        "WHEEL102",
        {"packages": {"torch": "2.5.1+cu124", "xformers": "0.0.28.post3"}},
        [
            "PASS: xformers 0.0.28.post3 on PyPI is built for CUDA 12, the CUDA major version of torch 2.5.1 (cu124)."
        ],
    ),
    (
        "a build of PyPI of which only the major is known",
        "WHEEL102",
        {"packages": {"torch": PYTORCH_CU118, "vllm": "0.7.3"}},
        [
            "FAIL: vllm 0.7.3 on PyPI is built for CUDA 12, and PyPI has no other build of it; the stack has torch 2.5.1 (cu118)."
        ],
    ),
    (
        "a build of PyPI that works in part",
        "WHEEL102",
        {"packages": {"torch": "2.11.0+cu130", "xformers": "0.0.35"}},
        [
            "WARN: xformers 0.0.35 on PyPI is built for CUDA 12, and PyPI has no other build of it; the stack has torch 2.11.0 (cu130). Its attention uses the operators of torch and works; its own operators are not loaded, with a warning."
        ],
    ),
    (
        "a build of PyPI beside a torch that is not stated",
        "WHEEL102",
        {"packages": {"torch": "2.9.0", "xformers": "0.0.33"}},
        [
            "WARN: xformers 0.0.33 on PyPI is built for CUDA 13, and PyPI has no other build of it; the stack has torch 2.9.0 (cu128), which follows from the wheel of torch 2.9.0 on PyPI for linux/amd64 and is not stated."
        ],
    ),
    (
        "a build of the index of PyTorch",
        "WHEEL102",
        {
            "packages": {"torch": PYTORCH_CU118, "xformers": "0.0.28.post3"},
            "index": {"extra": ["https://download.pytorch.org/whl/cu118"]},
        },
        [],
    ),
    (
        "a build of PyPI beside a CPU torch",
        "WHEEL102",
        {"packages": {"torch": "2.5.1+cpu", "xformers": "0.0.28.post3"}},
        [],
    ),
    (
        "libraries of another major",
        "WHEEL107",
        {"packages": {"torch": "2.5.0+cu124", "nvidia-nccl-cu11": "2.21.5"}},
        ["WARN: nvidia-nccl-cu11 is made for CUDA 11; torch 2.5.0 (cu124) is CUDA 12."],
    ),
    (
        "a name for CUDA beside a CPU torch",
        "WHEEL107",
        {"packages": {"torch": "2.5.0+cpu", "spconv-cu124": "2.3.8"}},
        ["WARN: spconv-cu124 is made for CUDA 12; torch 2.5.0 (cpu) is no CUDA build."],
    ),
    (
        "no wheel for this Python",
        "WHEEL109",
        {"python": "3.12", "packages": {"spconv-cu120": "2.3.6"}},
        [
            "FAIL: There is no wheel of spconv-cu120 2.3.6 for Python 3.12: it has wheels for 3.7, 3.8, 3.9, 3.10, 3.11."
        ],
    ),
    (
        "a wheel for this Python",
        "WHEEL109",
        {"python": "3.11.2", "packages": {"spconv-cu120": "2.3.6"}},
        ["PASS: spconv-cu120 2.3.6 has a wheel for Python 3.11."],
    ),
    (
        "no wheel for Windows",
        "WHEEL109",
        {"python": "3.10", "platform": "windows/amd64", "packages": {"triton": "3.1.0"}},
        ["FAIL: There is no wheel of triton 3.1.0 for Windows."],
    ),
    (
        "no wheel for arm64",
        "WHEEL109",
        {
            "python": "3.10",
            "platform": "linux/arm64",
            "packages": {
                "torch": {"version": "2.9.1+cu126", "index": "https://download.pytorch.org/whl/cu126"},
                "spconv-cu126": "2.3.8",
                "xformers": "0.0.33.post2",
                "vllm": "0.9.2",
            },
        },
        [
            "FAIL: There is no wheel of spconv-cu126 2.3.8 for Linux on arm64.",
            "WARN: There is no wheel of vllm 0.9.2 for Linux on arm64; an installer would compile its source archive.",
            "WARN: There is no wheel of xformers 0.0.33.post2 for Linux on arm64; an installer would compile its source archive.",
        ],
    ),
    (
        "wheels for arm64, one for each Python or one for all",
        "WHEEL109",
        {
            "python": "3.10",
            "platform": "linux/arm64",
            "packages": {
                "triton": "3.5.0",
                "vllm": "0.10.2",
                "torchtext": "0.15.2",
                "bitsandbytes": "0.46.0",
            },
        },
        [
            "PASS: torchtext 0.15.2 has a wheel for Python 3.10.",
            "PASS: triton 3.5.0 has a wheel for Python 3.10.",
            "PASS: vllm 0.10.2 has a wheel for Python 3.10.",
        ],
    ),
    (
        "a wheel for the stable ABI serves a Python that came later",
        "WHEEL109",
        {"python": "3.15", "packages": {"triton": "3.9.0", "xformers": "0.0.34"}},
        [
            "PASS: triton 3.9.0 has a wheel for Python 3.15.",
            "PASS: xformers 0.0.34 has a wheel for Python 3.15.",
        ],
    ),
    (
        "an old wheel for four Pythons",
        "WHEEL109",
        {"python": "3.12", "packages": {"vllm": "0.4.2"}},
        [
            "WARN: There is no wheel of vllm 0.4.2 for Python 3.12: it has wheels for 3.8, 3.9, 3.10, 3.11; an installer would compile its source archive."
        ],
    ),
    (
        "the same where nothing may be compiled",
        "WHEEL109",
        {"python": "3.12", "packages": {"vllm": "0.4.2"}, "source_builds": "forbid"},
        ["FAIL: There is no wheel of vllm 0.4.2 for Python 3.12: it has wheels for 3.8, 3.9, 3.10, 3.11."],
    ),
    (
        "other Pythons on arm64 than on amd64",
        "WHEEL109",
        {"python": "3.9", "platform": "linux/arm64", "packages": {"torchtext": "0.14.0"}},
        ["FAIL: There is no wheel of torchtext 0.14.0 for Python 3.9: it has wheels for 3.10."],
    ),
    (
        "the index of PyTorch may have what PyPI has not",
        "WHEEL109",
        {
            "python": "3.11",
            "platform": "windows/amd64",
            "packages": {"xformers": "0.0.28.post2"},
            "index": {"extra": ["https://download.pytorch.org/whl/cu124"]},
        },
        [
            "WARN: PyPI has no wheel of xformers 0.0.28.post2 for Windows; what the index of PyTorch has of it is not known."
        ],
    ),
    (
        "somebody else's wheels for arm64",
        "WHEEL109",
        {
            "python": "3.10",
            "platform": "linux/arm64",
            "packages": {
                "xformers": {"version": "0.0.33.post2", "index": "https://pypi.a.example/jp6/cu126"}
            },
        },
        [],
    ),
    (
        "an older torchtext for Windows",
        "WHEEL109",
        {"python": "3.9", "platform": "windows/amd64", "packages": {"torchtext": "0.11.2"}},
        ["PASS: torchtext 0.11.2 has a wheel for Python 3.9."],
    ),
    (
        "a wheel for Windows",
        "WHEEL109",
        {"python": "3.10", "platform": "windows/amd64", "packages": {"xformers": "0.0.30"}},
        ["PASS: xformers 0.0.30 has a wheel for Python 3.10."],
    ),
    (
        "a wheel of another index",
        "WHEEL109",
        {"python": "3.13", "packages": {"xformers": "0.0.22.post2+cu118"}},
        [],
    ),
    ("Python not stated", "WHEEL109", {"packages": {"spconv-cu120": "2.3.6"}}, []),
    (
        "FlashAttention on Turing",
        "WHEEL108",
        {"packages": {"flash-attn": "2.7.4.post1"}, "gpus": ["T4"]},
        [
            "FAIL: flash-attn 2.7.4.post1 has no kernels for T4 (7.5): FlashAttention 2 serves Ampere, Ada and Hopper (8.0 to 9.0); its wheels before 2.8 were made with CUDA 12.4 or older, which knows nothing later."
        ],
    ),
    (
        "FlashAttention on Ada",
        "WHEEL108",
        {"packages": {"flash-attn": "2.7.4.post1"}, "gpus": ["L4"]},
        ["PASS: flash-attn 2.7.4.post1 serves every GPU of the stack."],
    ),
    (
        "older wheels on Blackwell",
        "WHEEL108",
        {"packages": {"flash-attn": "2.7.4.post1+cu12torch2.6cxx11abiFALSE"}, "gpus": ["RTX 5090"]},
        [
            "FAIL: flash-attn 2.7.4.post1+cu12torch2.6cxx11abiFALSE has no kernels for RTX 5090 (12.0): FlashAttention 2 serves Ampere, Ada and Hopper (8.0 to 9.0); its wheels before 2.8 were made with CUDA 12.4 or older, which knows nothing later."
        ],
    ),
    (
        "a build of others for Blackwell",
        "WHEEL108",
        {"packages": {"flash-attn": "2.7.4.post1+cu128torch2.7cxx11abiTRUE"}, "gpus": ["RTX 5090"]},
        ["PASS: flash-attn 2.7.4.post1+cu128torch2.7cxx11abiTRUE serves every GPU of the stack."],
    ),
    (
        "a source build on Blackwell",
        "WHEEL108",
        {"packages": {"flash-attn": {"version": "2.7.4.post1", "from": "source"}}, "gpus": ["RTX 5090"]},
        ["PASS: flash-attn 2.7.4.post1 serves every GPU of the stack."],
    ),
]


@pytest.mark.parametrize(
    ("code", "fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    assert lines(code, **fields) == expected


@pytest.mark.parametrize(
    ("name", "torch", "hint"),
    [
        ("nvidia-cudnn-cu11", "2.5.1+cu124", "take NVIDIA's CUDA libraries for CUDA 12"),
        ("spconv-cu118", "2.5.1+cu124", "take spconv for CUDA 12"),
        ("spconv-cu118", "2.5.1+cpu", "leave spconv-cu118 out"),
    ],
)
def test_what_to_take_instead_of_a_name_for_another_cuda(name: str, torch: str, hint: str) -> None:
    (verdict,) = verdicts("WHEEL107", packages={"torch": torch, name: "1.0"})
    assert verdict.hint == hint
