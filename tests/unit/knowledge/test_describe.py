"""What `stackcheck tables VERSION` prints."""

from __future__ import annotations

from datetime import date

import pytest

from stackcheck import knowledge
from stackcheck.knowledge.describe import view

TODAY = date(2026, 12, 20)


def lines(version: str) -> list[str]:
    return (view(version, knowledge.load(), TODAY) or "").splitlines()


def test_a_torch_release_shows_builds_companions_and_the_age_of_each_row() -> None:
    found = lines("2.5.0+cu124")
    assert found[:10] == [
        "torch 2.5.0, released 2024-10-17",
        "  CUDA builds: 11.8 12.1 12.4",
        "  ROCm builds: 6.1 6.2",
        "  on PyPI for linux/amd64: CUDA 12.4 build, Python 3.9 3.10 3.11 3.12 3.13",
        "  on PyPI for linux/arm64: CPU build, Python 3.9 3.10 3.11 3.12",
        "  on PyPI for windows/amd64: CPU build, Python 3.9 3.10 3.11 3.12",
        "  on PyPI for macos/arm64: CPU build, Python 3.9 3.10 3.11 3.12",
        "  Linux wheels need glibc 2.17",
        "  torchvision: 0.20.0",
        "  torchaudio: 2.5.0",
    ]
    assert "  torch 2.5.0+cu124 (linux/amd64): sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90" in found
    assert "  checked 2026-11-20, 30 days ago" in found
    assert "    checked 2026-11-20, 30 days ago, not verified" in found


def test_a_companion_and_a_toolkit_are_known_by_their_number() -> None:
    assert lines("0.15.0")[:3] == [
        "torchvision 0.15.0, withdrawn: Contains an incorrect torch dependency",
        "  requires torch==2.0.0+cu117",
        "  fits torch 2.0.0",
    ]
    assert lines("12.4.1")[:5] == [
        "CUDA 12.4",
        "  nvcc knows sm_50 sm_52 sm_53 sm_60 sm_61 sm_62 sm_70 sm_72 sm_75 sm_80 sm_86 sm_87 sm_89 sm_90 sm_90a",
        "  came with driver 550.54.14 (Linux), 551.61 (Windows)",
        "  runs on any Linux driver from 525.60.13 on (minor-version compatibility)",
        "  gcc up to 13",
    ]
    assert lines("2.11.0")[0] == "torch 2.11.0, released 2026-03-23"
    assert "torchaudio 2.11.0" in lines("2.11.0"), "torch and torchaudio share numbers: both are shown"


@pytest.mark.parametrize("version", ["9.9", "12.7", "no version"])
def test_nothing_known_is_none(version: str) -> None:
    assert view(version, knowledge.load(), TODAY) is None
