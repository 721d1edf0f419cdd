"""The code of the library that is loaded: a case that fires, a twin that does not, every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import said

CU128 = {"version": "2.8.0+cu128", "index": "https://download.pytorch.org/whl/cu128"}
CU126 = {"version": "2.8.0+cu126", "index": "https://download.pytorch.org/whl/cu126"}


def _on(gpu: str, torch: Any, version: str, platform: str = "linux/amd64") -> dict[str, Any]:
    packages = {"torch": torch, "bitsandbytes": version}
    return {"platform": platform, "accelerator": "cuda", "gpus": [gpu], "packages": packages}


CASES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    (
        "a GPU that the library for another CUDA version has",
        _on("V100", CU128, "0.46.1"),
        [
            (
                "FAIL",
                "The library of bitsandbytes 0.46.1 for CUDA 12.8 has sm_75 sm_80 sm_86 sm_89 sm_90 sm_100 sm_120. Nothing of that runs on V100 (7.0).",
            )
        ],
    ),
    (
        "the twin: the next release",
        _on("V100", CU128, "0.47.0"),
        [("PASS", "bitsandbytes 0.47.0 serves V100 (7.0) natively by sm_70.")],
    ),
    (
        "the library for another CUDA version",
        _on("V100", CU126, "0.46.1"),
        [("PASS", "bitsandbytes 0.46.1 serves V100 (7.0) natively by sm_70.")],
    ),
    (
        "a Jetson, which runs no code for cards",
        _on(
            "8.7",
            {"version": "2.8.0+cu126", "index": "https://pypi.jetson-ai-lab.io/jp6/cu126"},
            "0.46.1",
            "linux/arm64",
        ),
        [
            (
                "FAIL",
                "The library of bitsandbytes 0.46.1 for CUDA 12.6 has sm_75 sm_80 sm_90. Nothing of that runs on a GPU of 8.7.",
            )
        ],
    ),
    (
        "a CUDA version that is not stated",
        _on("V100", "2.8.0", "0.46.1"),
        [
            (
                "WARN",
                "The library of bitsandbytes 0.46.1 for CUDA 12.8 has sm_75 sm_80 sm_86 sm_89 sm_90 sm_100 sm_120. Nothing of that runs on V100 (7.0). That torch is for CUDA 12.8 is not stated.",
            )
        ],
    ),
    ("a version that was not read", _on("V100", CU128, "0.42.0"), []),
]


@pytest.mark.parametrize(("stated", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_messages(stated: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert said("ARCH110", **stated) == expected
