"""Targeted builds against their names: each case with its twin, every message as the user sees it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import said_with_hints

SM90: dict[str, Any] = {
    "id": "pytorch-py313-sm90-avx512",
    "python": "3.13",
    "platform": "linux/amd64",
    "accelerator": "cuda",
    "cuda": "12.8",
    "gpus": ["H100"],
    "arch_list": ["9.0"],
    "packages": {"torch": {"version": "2.8.0", "from": "source"}},
    "variant": {"isa": "avx512", "blas": "cublas"},
}
CPU: dict[str, Any] = {
    "id": "pytorch-py313-cpu-avx2",
    "python": "3.13",
    "accelerator": "cpu",
    "variant": {"isa": "avx2", "blas": "openblas"},
}
RENAME = "give the build the name of what it is, or build what the name says"
AVX512 = "-mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma"

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        "VARIANT101",
        SM90,
        [
            (
                "PASS",
                "pytorch-py313-sm90-avx512 is what its name says: Python 3.13, the instruction set avx512, the platform linux/amd64, the arch list sm_90.",
                "",
            )
        ],
    ),
    (
        "VARIANT101",
        SM90 | {"python": "3.12", "arch_list": ["8.6", "9.0"]},
        [
            (
                "FAIL",
                "pytorch-py313-sm90-avx512: the name says Python 3.13, the definition 3.12.",
                RENAME,
            ),
            (
                "FAIL",
                "pytorch-py313-sm90-avx512: the name says SM90 alone, the arch list makes sm_86 sm_90.",
                RENAME,
            ),
        ],
    ),
    (
        "VARIANT101",
        SM90 | {"arch_list": ["9.0+PTX"]},
        [
            (
                "WARN",
                "pytorch-py313-sm90-avx512: the name says SM90 alone, the arch list adds PTX for newer GPUs.",
                "leave +PTX out of a build for one SM",
            )
        ],
    ),
    (
        "VARIANT101",
        SM90 | {"platform": "linux/arm64", "variant": {"isa": "avx2"}},
        [
            (
                "FAIL",
                "pytorch-py313-sm90-avx512: the name says the instruction set avx512, the definition avx2.",
                RENAME,
            ),
            (
                "FAIL",
                "pytorch-py313-sm90-avx512: the name says the platform linux/amd64, the definition linux/arm64.",
                RENAME,
            ),
        ],
    ),
    (
        "VARIANT101",
        CPU | {"accelerator": "cuda"},
        [("FAIL", "pytorch-py313-cpu-avx2: the name says the accelerator cpu, the definition cuda.", RENAME)],
    ),
    (
        "VARIANT101",
        {"id": "torch-cuda13_0-sm90", "cuda": "12.8", "variant": {}},
        [("FAIL", "torch-cuda13_0-sm90: the name says CUDA 13.0, the definition 12.8.", RENAME)],
    ),
    (
        "VARIANT101",
        {"id": "torch-sm90", "variant": {}},
        [("SKIP", "torch-sm90 names no Python, CUDA, SM or instruction set that the stack states.", "")],
    ),
    ("VARIANT101", {"id": "pytorch-py313-sm90-avx512", "python": "3.12"}, []),
    (
        "VARIANT102",
        SM90 | {"gpus": ["H100", "L40S"], "arch_list": ["sm_90"]},
        [
            (
                "FAIL",
                "A build for SM90 alone does not run on L40S (8.9).",
                "take the SM89 build for L40S",
            )
        ],
    ),
    (
        "VARIANT102",
        SM90 | {"gpus": ["H100", "H200"], "arch_list": []},
        [("PASS", "sm_90 runs on H100 (9.0), H200 (9.0).", "")],
    ),
    (
        "VARIANT102",
        SM90 | {"gpus": ["H100", "B100"], "arch_list": []},
        [("WARN", "A build for SM90 alone does not run on B100 (10.0).", "take the SM100 build for B100")],
    ),
    ("VARIANT102", SM90 | {"gpus": ["L40S"]}, []),
    (
        "ARCH103",
        SM90 | {"gpus": ["H100", "L40S"]},
        [
            (
                "FAIL",
                "Nothing built for the arch list '9.0' runs on L40S (8.9).",
                "make the arch list '9.0;8.9'",
            )
        ],
    ),
    (
        "ARCH102",
        SM90 | {"arch_list": [], "env": {"TORCH_CUDA_ARCH_LIST": "sm_90"}},
        [
            (
                "FAIL",
                "torch refuses 'sm_90' in the arch list 'sm_90': `Unknown CUDA arch`.",
                "write '9.0' instead of 'sm_90'",
            )
        ],
    ),
    (
        "VARIANT103",
        SM90 | {"id": "torch-sm120", "cuda": "12.6", "arch_list": ["12.0"]},
        [
            (
                "FAIL",
                "SM120 needs CUDA 12.8 or newer: nvcc of CUDA 12.6 does not know sm_120.",
                "take CUDA 12.8 or newer",
            )
        ],
    ),
    (
        "VARIANT103",
        SM90 | {"id": "torch-sm120", "cuda": "12.8"},
        [("PASS", "CUDA 12.8 knows SM120.", "")],
    ),
    (
        "VARIANT103",
        SM90 | {"id": "torch-sm101", "cuda": "13.0"},
        [
            (
                "FAIL",
                "SM101 needs CUDA 12.9 or older: nvcc of CUDA 13.0 does not know sm_101.",
                "take CUDA 12.9 or older",
            )
        ],
    ),
    ("VARIANT103", SM90 | {"toolkit": "12.8"}, []),
    (
        "VARIANT104",
        SM90
        | {"id": "torch-sm110-avx2", "arch_list": ["11.0"], "cuda": "13.0", "packages": {"torch": "2.10.0"}},
        [
            (
                "WARN",
                "torch-sm110-avx2 serves no machine: sm_110 runs on parts of Arm boards alone (Jetson T5000, Jetson AGX Thor, Jetson T4000), and the build is for linux/amd64.",
                "leave the variant out of the matrix",
            )
        ],
    ),
    (
        "VARIANT104",
        SM90 | {"id": "torch-sm121-avx2", "arch_list": ["12.1"], "packages": {"torch": "2.10.0"}},
        [
            (
                "WARN",
                "torch-sm121-avx2 serves no machine: sm_121 runs on parts of Arm boards alone (NVIDIA GB10, DGX Spark), and the build is for linux/amd64.",
                "leave the variant out of the matrix",
            )
        ],
    ),
    (
        "VARIANT104",
        SM90 | {"id": "t", "arch_list": ["12.1"], "platform": "linux/arm64", "packages": {"torch": "2.10.0"}},
        [("PASS", "t serves machines with NVIDIA GB10, DGX Spark.", "")],
    ),
    (
        "VARIANT105",
        SM90 | {"env": {"CXXFLAGS": "-mavx512f -mavx512dq -mfma"}},
        [
            (
                "WARN",
                "pytorch-py313-sm90-avx512: CXXFLAGS has -mavx512f without -mavx512vl -mavx512bw: less than builds named avx512 use.",
                f"state '{AVX512}'",
            )
        ],
    ),
    (
        "VARIANT105",
        SM90 | {"env": {"CXXFLAGS": f"-O2 {AVX512} -mf16c"}},
        [("PASS", "pytorch-py313-sm90-avx512: CXXFLAGS has the flags of avx512.", "")],
    ),
    (
        "VARIANT105",
        SM90 | {"env": {"CXXFLAGS": "-march=x86-64-v4"}},
        [("PASS", "pytorch-py313-sm90-avx512: CXXFLAGS has the flags of avx512.", "")],
    ),
    (
        "VARIANT105",
        SM90 | {"env": {"CXXFLAGS": "-march=native"}},
        [("SKIP", "pytorch-py313-sm90-avx512: no data on what -march=native switches on.", "")],
    ),
    (
        "VARIANT105",
        CPU | {"env": {"CXXFLAGS": "-mavx2 -mfma -mf16c -mavx512f"}},
        [
            (
                "FAIL",
                "pytorch-py313-cpu-avx2: CXXFLAGS has -mavx512f beyond avx2: CPUs that avx2 promises stop there.",
                "state '-mavx2 -mfma -mf16c'",
            )
        ],
    ),
    (
        "VARIANT105",
        CPU | {"env": {"CXXFLAGS": "-O2"}},
        [
            (
                "FAIL",
                "pytorch-py313-cpu-avx2: CXXFLAGS has no -mavx2, which avx2 promises.",
                "state '-mavx2 -mfma -mf16c'",
            )
        ],
    ),
    (
        "VARIANT105",
        CPU | {"variant": {"isa": "avx10"}},
        [
            (
                "SKIP",
                "no data on the instruction set avx10; known: avx2 avx512 avx512bf16 avx512vnni armv8_2 armv9.",
                "",
            )
        ],
    ),
    (
        "VARIANT106",
        CPU | {"env": {"BLAS": "MKL"}},
        [
            (
                "FAIL",
                "pytorch-py313-cpu-avx2 promises openblas, and the build is told to take MKL.",
                "set BLAS to OpenBLAS",
            )
        ],
    ),
    (
        "VARIANT106",
        CPU | {"env": {"BLAS": "OpenBLAS"}},
        [("PASS", "pytorch-py313-cpu-avx2 is told to take openblas, as it promises.", "")],
    ),
    (
        "VARIANT106",
        CPU | {"variant": {"blas": "cublas"}},
        [
            (
                "FAIL",
                "pytorch-py313-cpu-avx2 promises cuBLAS, and is a build for cpu.",
                "promise the BLAS that the build has",
            )
        ],
    ),
    (
        "VARIANT106",
        SM90,
        [("PASS", "pytorch-py313-sm90-avx512 is told to take cublas, as it promises.", "")],
    ),
    ("VARIANT106", CPU, []),
]


@pytest.mark.parametrize(("code", "fields", "expected"), CASES)
def test_a_targeted_build_keeps_its_promise(
    code: str, fields: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    assert said_with_hints(code, **fields) == expected
