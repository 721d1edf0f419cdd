"""Packages that call functions of the driver: a case that fires, twins that do not, every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import said

PACKAGES = {"torch": "2.7.1", "sgl-kernel": "0.2.7"}
CASES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    (
        "a driver of the floor of CUDA 12",
        {"driver": "535.86.10", "packages": PACKAGES},
        [
            (
                "FAIL",
                "sgl-kernel 0.2.7 calls functions of the driver that came with CUDA 12.4; the driver 535.86.10 is older: it is not imported: undefined symbol cuGreenCtxDestroy.",
            )
        ],
    ),
    (
        "the same by the CUDA that nvidia-smi prints",
        {"driver_cuda": "12.2", "packages": PACKAGES},
        [
            (
                "FAIL",
                "sgl-kernel 0.2.7 calls functions of the driver that came with CUDA 12.4; the driver of CUDA 12.2 is older: it is not imported: undefined symbol cuGreenCtxDestroy.",
            )
        ],
    ),
    (
        "a driver of that CUDA",
        {"driver": "550.54.15", "packages": PACKAGES},
        [
            (
                "PASS",
                "sgl-kernel 0.2.7 calls functions of the driver that came with CUDA 12.4, and the driver has them.",
            )
        ],
    ),
    ("another release", {"driver": "535.86.10", "packages": PACKAGES | {"sgl-kernel": "0.2.6"}}, []),
]


@pytest.mark.parametrize(("stated", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_messages(stated: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert said("DRIVER106", **stated) == expected
