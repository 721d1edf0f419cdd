"""Targeted builds as built: literal facts of the probes in, verdicts out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines

SM90: dict[str, Any] = {"id": "torch-sm90-avx512", "variant": {"isa": "avx512", "blas": "cublas"}}
CPU: dict[str, Any] = {"id": "torch-cpu-avx2", "variant": {"isa": "avx2", "blas": "openblas"}}
AVX512 = "-mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma"
CPU_FLAGS = ["avx2", "avx512bw", "avx512dq", "avx512f", "avx512vl", "f16c", "fma"]


def built(*flags: str, cuda: str | None = "12.8", **settings: str) -> dict[str, Any]:
    return {
        "torch_build": {
            "version": "2.8.0",
            "file": "torch/__init__.py",
            "cuda": cuda,
            "hip": None,
            "arch_flags": list(flags) or None,
            "settings": settings,
            "cpu_capability": "AVX512",
        },
        "system": {"cpu": {"flags": CPU_FLAGS}},
    }


def library(*codes: str, name: str = "libtorch_cuda.so") -> dict[str, Any]:
    row = {"path": f"torch/lib/{name}", "groups": [{"codes": list(codes), "fatbins": 3}]}
    return {"libraries": {"libraries": [row] if codes else [], "binaries": 9, "skipped": []}}


NOT_IMPORTED = {"torch_build": {"import_error": {"type": "ImportError", "message": "no"}}, "system": {}}

CASES: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    (
        "VARIANT301",
        built("sm_90"),
        SM90,
        ["PASS: torch-sm90-avx512: torch has sm_90 alone, as its name says."],
    ),
    (
        "VARIANT301",
        built("sm_80", "sm_90"),
        SM90,
        ["FAIL: torch-sm90-avx512: the name says sm_90 alone, and torch was built with sm_80 sm_90."],
    ),
    (
        "VARIANT301",
        built("sm_86"),
        SM90,
        ["FAIL: torch-sm90-avx512: the name says sm_90 alone, and torch was built with sm_86."],
    ),
    (
        "VARIANT301",
        built("sm_90", "compute_90"),
        SM90,
        [
            "WARN: torch-sm90-avx512: torch has sm_90 compute_90: PTX beside the one SM of the name, for newer GPUs."
        ],
    ),
    (
        "VARIANT301",
        built(cuda=None),
        SM90,
        ["FAIL: torch-sm90-avx512: the name says sm_90 alone, and torch was built with no GPU code."],
    ),
    ("VARIANT301", built(), SM90, ["SKIP: torch 2.8.0 tells no list of GPU code."]),
    (
        "VARIANT301",
        built(cuda=None),
        CPU,
        ["PASS: torch-cpu-avx2 was built without a GPU, as its name says."],
    ),
    (
        "VARIANT301",
        built("sm_90"),
        CPU,
        ["FAIL: torch-cpu-avx2: the name says cpu, and torch was built for CUDA or ROCm 12.8."],
    ),
    (
        "VARIANT301",
        NOT_IMPORTED,
        SM90,
        ["SKIP: torch does not import, so what it was built for is not known."],
    ),
    (
        "VARIANT302",
        library("sm_90", "sm_90a"),
        SM90,
        ["PASS: torch-sm90-avx512: torch/lib/libtorch_cuda.so holds sm_90 sm_90a, as its name says."],
    ),
    (
        "VARIANT302",
        library("sm_90", "sm_80"),
        SM90,
        [
            "FAIL: torch-sm90-avx512: the name says sm_90 alone, and torch/lib/libtorch_cuda.so has code for more: sm_80 sm_90."
        ],
    ),
    (
        "VARIANT302",
        library("sm_86"),
        SM90,
        [
            "FAIL: torch-sm90-avx512: the name says sm_90 alone, and torch/lib/libtorch_cuda.so has no code for it: sm_86."
        ],
    ),
    (
        "VARIANT302",
        library("sm_86", "sm_89"),
        SM90 | {"id": "torch-sm86"},
        ["PASS: torch-sm86: torch/lib/libtorch_cuda.so holds sm_86 sm_89, as its name says."],
    ),
    (
        "VARIANT302",
        library(),
        SM90,
        ["SKIP: no GPU code of libtorch_cuda.so was read, so torch-sm90-avx512 was not held against it."],
    ),
    ("VARIANT302", library(), CPU, ["PASS: torch-cpu-avx2 has no libtorch_cuda.so, as a CPU build."]),
    (
        "VARIANT302",
        library("sm_90"),
        CPU,
        ["FAIL: torch-cpu-avx2: the name says cpu, and torch/lib/libtorch_cuda.so is there."],
    ),
    (
        "VARIANT303",
        built("sm_90", CXX_FLAGS=f"-O2 -fPIC {AVX512}"),
        SM90,
        [
            "PASS: torch-sm90-avx512: torch's CXX_FLAGS has the flags of avx512.",
            "PASS: torch-sm90-avx512: torch takes its AVX512 kernels on this CPU.",
        ],
    ),
    (
        "VARIANT303",
        built("sm_90", CXX_FLAGS="-O2 -fPIC"),
        SM90,
        [
            "WARN: torch-sm90-avx512: torch's CXX_FLAGS names no instruction set, and avx512 is promised: unless the compiler's wrapper adds it, this is a build for any CPU.",
            "PASS: torch-sm90-avx512: torch takes its AVX512 kernels on this CPU.",
        ],
    ),
    (
        "VARIANT303",
        built("sm_90", CXX_FLAGS="-O2 -mavx2 -mfma"),
        SM90,
        [
            "FAIL: torch-sm90-avx512: torch's CXX_FLAGS has no -mavx512f, which avx512 promises.",
            "PASS: torch-sm90-avx512: torch takes its AVX512 kernels on this CPU.",
        ],
    ),
    (
        "VARIANT303",
        built("sm_90", CXX_FLAGS="-O2 -march=native"),
        SM90,
        [
            "SKIP: torch-sm90-avx512: no data on what -march=native switches on.",
            "PASS: torch-sm90-avx512: torch takes its AVX512 kernels on this CPU.",
        ],
    ),
    (
        "VARIANT303",
        built(cuda=None, CXX_FLAGS=f"-mavx2 -mfma -mf16c {AVX512}"),
        CPU,
        [
            "FAIL: torch-cpu-avx2: torch's CXX_FLAGS has -mavx512bw -mavx512dq -mavx512f -mavx512vl beyond avx2: CPUs that avx2 promises stop there.",
            "PASS: torch-cpu-avx2: torch takes its AVX512 kernels on this CPU.",
        ],
    ),
    (
        "VARIANT303",
        built("sm_90") | {"system": {"cpu": {"flags": ["avx2", "fma"]}}},
        SM90,
        [
            "SKIP: torch-sm90-avx512: torch does not tell its compiler flags.",
            "SKIP: torch-sm90-avx512: this CPU has no avx512f avx512dq avx512vl avx512bw, so what torch does with avx512 was not seen.",
        ],
    ),
    (
        "VARIANT303",
        {
            "torch_build": built("sm_90")["torch_build"] | {"cpu_capability": "DEFAULT"},
            "system": {"cpu": {"flags": CPU_FLAGS}},
        },
        SM90,
        [
            "SKIP: torch-sm90-avx512: torch does not tell its compiler flags.",
            "FAIL: torch-sm90-avx512: this CPU has avx512, and torch takes its DEFAULT kernels.",
        ],
    ),
    (
        "VARIANT303",
        {
            "torch_build": built("sm_90")["torch_build"] | {"cpu_capability": None},
            "system": {"cpu": {"flags": CPU_FLAGS}},
        },
        SM90,
        [
            "SKIP: torch-sm90-avx512: torch does not tell its compiler flags.",
            "SKIP: torch-sm90-avx512: torch does not tell which CPU kernels it takes.",
        ],
    ),
    (
        "VARIANT303",
        NOT_IMPORTED,
        SM90,
        ["SKIP: torch does not import, so what it was built for is not known."],
    ),
    (
        "VARIANT304",
        built("sm_90"),
        SM90,
        ["PASS: torch-sm90-avx512: torch was built with cublas, as promised (CUDA 12.8)."],
    ),
    (
        "VARIANT304",
        built(cuda=None),
        SM90,
        ["FAIL: torch-sm90-avx512: the build promises cublas, and torch was built with no CUDA."],
    ),
    (
        "VARIANT304",
        built(cuda=None, BLAS_INFO="open"),
        CPU,
        ["PASS: torch-cpu-avx2: torch was built with openblas, as promised (open)."],
    ),
    (
        "VARIANT304",
        built(cuda=None, BLAS_INFO="mkl"),
        CPU,
        ["FAIL: torch-cpu-avx2: the build promises openblas, and torch was built with mkl."],
    ),
    ("VARIANT304", built(cuda=None), CPU, ["SKIP: torch-cpu-avx2: torch does not tell its BLAS."]),
    (
        "VARIANT304",
        NOT_IMPORTED,
        CPU,
        ["SKIP: torch does not import, so what it was built for is not known."],
    ),
]


@pytest.mark.parametrize(("code", "facts", "fields", "expected"), CASES)
def test_what_was_built_keeps_the_promise(
    code: str, facts: dict[str, Any], fields: dict[str, Any], expected: list[str]
) -> None:
    assert lines(code, facts, **fields) == expected
