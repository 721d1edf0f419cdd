"""The rule about wheels with a GPU library for each CUDA version: a case that fires, a twin that does not, every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines, verdicts

ALL_OF_046 = "11.8, 12.0, 12.1, 12.2, 12.3, 12.4, 12.5, 12.6, 12.8"


def _with(torch: str, bitsandbytes: Any, **fields: Any) -> dict[str, Any]:
    return {"packages": {"torch": torch, "bitsandbytes": bitsandbytes}, **fields}


CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "no library for CUDA 13",
        _with("2.9.1+cu130", "0.46.0"),
        [
            f"FAIL: bitsandbytes 0.46.0 has no library for CUDA 13.0 of torch 2.9.1 (cu130), so its GPU functions fail: its wheel carries libraries for CUDA {ALL_OF_046}."
        ],
    ),
    (
        "the first with CUDA 13",
        _with("2.9.1+cu130", "0.48.0"),
        ["PASS: bitsandbytes 0.48.0 carries the library for CUDA 13.0 of torch 2.9.1 (cu130)."],
    ),
    (
        "a minor version that is missing counts, before 0.50",
        _with("2.8.0", "0.43.3", cuda="12.8"),
        [
            "FAIL: bitsandbytes 0.43.3 has no library for CUDA 12.8 of torch 2.8.0 (cu128), so its GPU functions fail: its wheel carries libraries for CUDA 11.7, 11.8, 12.0, 12.1, 12.2, 12.3, 12.4, 12.5."
        ],
    ),
    (
        "the nearest is taken from 0.50 on",
        _with("2.8.0+cu129", "0.50.2"),
        [
            "PASS: bitsandbytes 0.50.2 has no library for CUDA 12.9 of torch 2.8.0 (cu129), and loads the one for 12.8."
        ],
    ),
    (
        "but none of another major",
        _with("1.8.0+cu102", "0.50.2"),
        [
            "FAIL: bitsandbytes 0.50.2 has no library for CUDA 10.2 of torch 1.8.0 (cu102), so its GPU functions fail: its wheel carries libraries for CUDA 11.8, 12.1, 12.4, 12.6, 12.8, 13.0, 13.2."
        ],
    ),
    (
        "no ROCm before 0.49",
        _with("2.8.0+rocm6.4", "0.48.2"),
        [
            "FAIL: bitsandbytes 0.48.2 has no library for ROCm 6.4 of torch 2.8.0 (rocm6.4), so its GPU functions fail: its wheel carries none for ROCm."
        ],
    ),
    (
        "ROCm from 0.49 on",
        _with("2.8.0+rocm6.4", "0.49.0"),
        ["PASS: bitsandbytes 0.49.0 carries the library for ROCm 6.4 of torch 2.8.0 (rocm6.4)."],
    ),
    (
        "a torch whose CUDA version is not stated",
        _with("2.9.1", "0.45.0"),
        [
            "WARN: bitsandbytes 0.45.0 has no library for CUDA 12.8 of torch 2.9.1 (cu128), so its GPU functions fail: its wheel carries libraries for CUDA 11.7, 11.8, 12.0, 12.1, 12.2, 12.3, 12.4, 12.5, 12.6 (that torch is cu128 follows from the wheel of torch 2.9.1 on PyPI for linux/amd64 and is not stated)."
        ],
    ),
    (
        "the variable names one of the same major",
        _with("2.8.0+cu129", "0.46.0", env={"BNB_CUDA_VERSION": "128"}),
        ["PASS: BNB_CUDA_VERSION=128 makes bitsandbytes 0.46.0 load its library for CUDA 12.8."],
    ),
    (
        "the variable names one that is not there",
        _with("2.8.0+cu128", "0.46.0", env={"BNB_CUDA_VERSION": "129"}),
        [
            "FAIL: BNB_CUDA_VERSION=129 asks for a library for CUDA 12.9, which bitsandbytes 0.46.0 does not carry."
        ],
    ),
    (
        "the variable names one of another major",
        _with("2.9.1+cu130", "0.46.0", env={"BNB_CUDA_VERSION": "128"}),
        [
            "WARN: BNB_CUDA_VERSION=128 makes bitsandbytes 0.46.0 load a library for CUDA 12 beside torch 2.9.1 (cu130): it needs libcudart and libcublas of CUDA 12, which that torch does not bring."
        ],
    ),
    (
        "the CUDA of the host, which an old release asks for",
        {"toolkit": "12.2", "packages": {"torch": "2.0.1", "bitsandbytes": "0.39.1"}},
        [
            "FAIL: bitsandbytes 0.39.1 has no library for CUDA 12.2 of the toolkit that the stack states, so its GPU functions fail: its wheel carries libraries for CUDA 11.0, 11.1, 11.2, 11.3, 11.4, 11.5, 11.6, 11.7, 11.8, 12.0, 12.1."
        ],
    ),
    (
        "the CUDA of the host, which it carries",
        {"toolkit": "11.8", "packages": {"torch": "2.0.1", "bitsandbytes": "0.39.1"}},
        ["PASS: bitsandbytes 0.39.1 carries the library for CUDA 11.8 of the toolkit that the stack states."],
    ),
    (
        "a release after the table",
        _with("2.9.1+cu130", "9.0.0"),
        [
            "SKIP: no data on the GPU libraries of bitsandbytes 9.0.0 for linux/amd64: the tables of stackcheck end with bitsandbytes 0.50.2 and were checked on 2026-11-30."
        ],
    ),
    ("a CPU torch", _with("2.9.1+cpu", "0.46.0"), []),
    ("a build of one's own", _with("2.9.1+cu130", {"version": "0.46.0", "from": "source"}), []),
    (
        "a wheel of somebody else",
        _with("2.9.1+cu130", {"version": "0.46.0", "index": "https://a.example/simple"}),
        [],
    ),
    (
        "the index of PyTorch has no builds of its own",
        _with("2.8.0+cu128", "0.46.0", index={"extra": ["https://download.pytorch.org/whl/cu128"]}),
        ["PASS: bitsandbytes 0.46.0 carries the library for CUDA 12.8 of torch 2.8.0 (cu128)."],
    ),
    (
        "other files on Windows",
        _with("2.4.0+cu124", "0.43.1", platform="windows/amd64"),
        [
            "FAIL: bitsandbytes 0.43.1 has no library for CUDA 12.4 of torch 2.4.0 (cu124), so its GPU functions fail: its wheel carries libraries for CUDA 11.7, 11.8, 12.0, 12.1, 12.2, 12.3."
        ],
    ),
]


@pytest.mark.parametrize(
    ("fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(fields: dict[str, Any], expected: list[str]) -> None:
    assert lines("WHEEL110", **fields) == expected


@pytest.mark.parametrize(
    ("torch", "bitsandbytes", "hint"),
    [
        ("2.9.1+cu130", "0.46.0", "take bitsandbytes 0.48.0 or later"),
        (
            "2.8.0+cu128",
            "0.43.3",
            "take bitsandbytes 0.45.3 or later, or set BNB_CUDA_VERSION=125, which loads the one for 12.5",
        ),
        (
            "2.0.0+cu117",
            "0.46.0",
            "take bitsandbytes 0.45.5, or set BNB_CUDA_VERSION=118, which loads the one for 11.8",
        ),
        (
            "1.8.0+cu110",
            "0.45.5",
            "take bitsandbytes 0.42.0, or set BNB_CUDA_VERSION=118, which loads the one for 11.8",
        ),
        ("1.8.0+cu102", "0.46.0", "take torch for another CUDA version, or build bitsandbytes from source"),
    ],
)
def test_the_way_out(torch: str, bitsandbytes: str, hint: str) -> None:
    (verdict,) = verdicts("WHEEL110", **_with(torch, bitsandbytes))
    assert verdict.hint == hint
