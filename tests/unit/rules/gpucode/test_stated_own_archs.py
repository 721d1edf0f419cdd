"""The rule about lists of architectures in a setup.py: a case that fires, a twin that does not, every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import said_with_hints


def _source(
    name: str, version: str, toolkit: str, gpu: str, torch: str = "2.8.0", **fields: Any
) -> dict[str, Any]:
    packages = {"torch": torch, name: {"version": version, "from": "source"}}
    return {"packages": packages, "toolkit": toolkit, "gpus": [gpu], "python": "3.12", **fields}


LATER = "take a later toolkit or version of the package"
OLD = "sm_53 sm_62 sm_70 sm_72 sm_80 sm_87 sm_90"
CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        "a list that ends before the GPU",
        _source("mamba-ssm", "2.2.4", "12.8", "RTX 5090"),
        [
            (
                "FAIL",
                f"mamba-ssm 2.2.4 is compiled for {OLD} with CUDA 12.8, and none of it runs on RTX 5090 (12.0).",
                LATER,
            )
        ],
    ),
    (
        "the twin: a later version with the same nvcc",
        _source("mamba-ssm", "2.3.2.post1", "12.8", "RTX 5090"),
        [("PASS", "mamba-ssm 2.3.2.post1 serves RTX 5090 (12.0) natively by sm_120.", "")],
    ),
    (
        "an nvcc that adds too little",
        _source("flash-attn", "2.8.3", "12.6", "B200"),
        [
            (
                "FAIL",
                "flash-attn 2.8.3 is compiled for sm_80 sm_90 with CUDA 12.6, and none of it runs on B200 (10.0).",
                LATER,
            )
        ],
    ),
    (
        "an nvcc that dropped what the list asks for",
        _source("causal-conv1d", "1.5.2", "13.0", "H100", torch="2.9.1+cu130"),
        [
            (
                "FAIL",
                "causal-conv1d 1.5.2 does not build with CUDA 13.0: its setup.py asks for sm_53 sm_62 sm_70 sm_72, which that nvcc does not know.",
                "take a toolkit that knows them, or another version of the package",
            )
        ],
    ),
    (
        "a variable states another list, which ARCH107 judges",
        _source("flash-attn", "2.8.3", "12.6", "B200", env={"FLASH_ATTN_CUDA_ARCHS": "90"}),
        [],
    ),
    ("a version that no row names", _source("flash-attn", "1.0.9", "12.6", "B200"), []),
    ("no toolkit", {"packages": {"torch": "2.8.0", "flash-attn": {"version": "2.8.3", "from": "source"}}}, []),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_messages(fields: dict[str, Any], said: list[tuple[str, str, str]]) -> None:
    assert said_with_hints("ARCH109", **fields) == said


def test_an_entry_that_nvcc_does_not_know_is_left_out_by_flash_attn() -> None:
    fields = _source("flash-attn", "2.8.3", "12.6", "B200", env={"FLASH_ATTN_CUDA_ARCHS": "80;100"})
    assert said_with_hints("ARCH107", **fields) == [
        (
            "FAIL",
            "FLASH_ATTN_CUDA_ARCHS=80;100: flash-attn is compiled without code for B200 (10.0), for nvcc does not know sm_100.",
            "take a later toolkit and add 100 to FLASH_ATTN_CUDA_ARCHS",
        )
    ]
    good = _source("flash-attn", "2.8.3", "12.6", "H100", env={"FLASH_ATTN_CUDA_ARCHS": "90;100"})
    assert [each[0] for each in said_with_hints("ARCH107", **good)] == ["PASS"]
