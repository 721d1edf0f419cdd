"""Python, glibc and NumPy against the wheels: each case with its twin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import said_with_hints

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        "PYTHON101",
        {"packages": {"torch": "1.13.1"}, "python": "3.12"},
        [
            (
                "FAIL",
                "torch 1.13.1 has wheels for Python 3.7, 3.8, 3.9, 3.10, 3.11, not for 3.12.",
                "take Python 3.11, or torch 2.2.0",
            )
        ],
    ),
    (
        "PYTHON101",
        {"packages": {"torch": "1.13.1+cu117"}, "python": "3.11.2", "platform": "windows/amd64"},
        [
            (
                "FAIL",
                "torch 1.13.1 has wheels for windows/amd64 for Python 3.7, 3.8, 3.9, 3.10, not for 3.11.",
                "take Python 3.10, or torch 2.0.0",
            )
        ],
    ),
    (
        "PYTHON101",
        {"packages": {"torch": "1.13.1+cu117"}, "python": "3.11.2", "platform": "linux/amd64"},
        [("PASS", "torch 1.13.1 has wheels for linux/amd64 for Python 3.7, 3.8, 3.9, 3.10, 3.11.", "")],
    ),
    (
        "PYTHON101",
        {"packages": {"torch": "9.9.9"}, "python": "3.11"},
        [
            (
                "SKIP",
                "no data on torch 9.9.9: the tables of stackcheck end with torch 2.15.0 and were checked on 2026-11-20.",
                "`stackcheck tables refresh` reads newer releases from the package index",
            )
        ],
    ),
    (
        "PYTHON101",
        {"packages": {"torch": "1.7.1"}, "python": "3.8", "platform": "macos/arm64"},
        [("SKIP", "torch 1.7.1 has no wheel for macos/arm64 at all, so Python was not compared.", "")],
    ),
    (
        "PYTHON102",
        {"packages": {"torchvision": "0.20.0"}, "python": "3.13"},
        [
            (
                "FAIL",
                "torchvision 0.20.0 has wheels for Python 3.9, 3.10, 3.11, 3.12, not for 3.13.",
                "take a Python that torch and torchvision both have: 3.9, 3.10, 3.11, 3.12",
            )
        ],
    ),
    (
        "PYTHON102",
        {"packages": {"torchvision": "0.20.0"}, "python": "3.12"},
        [("PASS", "torchvision 0.20.0 has wheels for Python 3.9, 3.10, 3.11, 3.12.", "")],
    ),
    (
        "PYTHON102",
        {"packages": {"torchvision": "0.29.2"}, "python": "3.15"},
        [("PASS", "torchvision 0.29.2 has wheels for Python 3.", "")],
    ),
    (
        "GLIBC101",
        {"packages": {"torch": "2.7.1"}, "os": "CentOS 7.9"},
        [
            (
                "FAIL",
                "The wheel of torch 2.7.1 needs glibc 2.28, the system has 2.17.",
                "take a newer system, or torch 2.6.0",
            )
        ],
    ),
    (
        "GLIBC101",
        {"packages": {"torch": "2.7.1"}, "os": "Gentoo"},
        [
            (
                "SKIP",
                "no data on the glibc of Gentoo, so torch's need was not compared.",
                "state `glibc`, or the distribution and its version as `os`",
            )
        ],
    ),
    (
        "GLIBC101",
        {"packages": {"torch": "2.7.1"}, "image": {"base": "python:3.11-slim"}, "read_from": ["Dockerfile"]},
        [
            (
                "SKIP",
                "no data on the glibc of python:3.11-slim, so torch's need was not compared.",
                "take a tag that names the system, such as one with -bookworm, or state `glibc` in a definition",
            )
        ],
    ),
    (
        "GLIBC101",
        {"packages": {"torch": "2.7.1"}, "os": "Linux", "image": {"base": "amazonlinux:2"}},
        [
            (
                "FAIL",
                "The wheel of torch 2.7.1 needs glibc 2.28, the system has 2.26.",
                "take a newer system, or torch 2.6.0",
            )
        ],
    ),
    (
        "GLIBC101",
        {"packages": {"torch": "2.8.0"}, "image": {"base": "python:3.13-slim-trixie"}},
        [
            (
                "PASS",
                "The wheel of torch 2.8.0 needs glibc 2.28, glibc 2.41 (python:3.13-slim-trixie) is there.",
                "",
            )
        ],
    ),
    ("GLIBC101", {"packages": {"torch": "2.7.1"}}, []),
    (
        "GLIBC101",
        {"packages": {"torch": "2.6.0"}, "glibc": "2.17"},
        [("PASS", "The wheel of torch 2.6.0 needs glibc 2.17, glibc 2.17 is there.", "")],
    ),
    (
        "GLIBC101",
        {"packages": {"torch": "2.7.1"}, "image": {"base": "nvidia/cuda:11.8.0-devel-ubuntu18.04"}},
        [
            (
                "FAIL",
                "The wheel of torch 2.7.1 needs glibc 2.28, the system has 2.27.",
                "take a newer system, or torch 2.6.0",
            )
        ],
    ),
    (
        "GLIBC101",
        {"packages": {"torch": "2.7.1"}, "image": {"base": "python:3.11-slim-bookworm"}},
        [
            (
                "PASS",
                "The wheel of torch 2.7.1 needs glibc 2.28, glibc 2.36 (python:3.11-slim-bookworm) is there.",
                "",
            )
        ],
    ),
    (
        "GLIBC101",
        {"packages": {"torch": "2.6.0+cu126"}, "glibc": "2.17"},
        [
            (
                "FAIL",
                "The wheel of torch 2.6.0 needs glibc 2.28, the system has 2.17.",
                "take a newer system, or a build of torch 2.6.0 for another CUDA version",
            )
        ],
    ),
    (
        "GLIBC101",
        {"packages": {"torch": {"version": "2.5.1", "from": "conda"}}, "glibc": "2.17"},
        [
            (
                "FAIL",
                "The conda build of torch 2.5.1 needs glibc 2.27, the system has 2.17.",
                "take a newer system",
            )
        ],
    ),
    (
        "GLIBC101",
        {"packages": {"torch": {"version": "2.5.0", "from": "conda"}}, "glibc": "2.17"},
        [("SKIP", "no data on the glibc that the conda build of torch 2.5.0 needs.", "")],
    ),
    (
        "NUMPY101",
        {"platform": "windows/amd64", "packages": {"torch": "2.4.0", "numpy": "2.0.1"}},
        [
            (
                "FAIL",
                "torch 2.4.0 for Windows was compiled against NumPy 1; with numpy 2.0.1 no array can be exchanged (`Numpy is not available`).",
                'state numpy = "<2" (1.26.4 is the last), or take torch 2.4.1 or later instead of 2.4.0',
            )
        ],
    ),
    ("NUMPY101", {"platform": "windows/amd64", "packages": {"torch": "2.4.1", "numpy": "2.0.1"}}, []),
    ("NUMPY101", {"platform": "linux/amd64", "packages": {"torch": "2.4.0", "numpy": "2.0.1"}}, []),
    (
        "NUMPY101",
        {"platform": "windows/amd64", "packages": {"torch": "2.2.2", "numpy": "2.0.1"}},
        [
            (
                "FAIL",
                "torch 2.2.2 was compiled against NumPy 1; with numpy 2.0.1 no array can be exchanged (`Numpy is not available`).",
                'state numpy = "<2" (1.26.4 is the last), or take torch 2.4.1 or later instead of 2.2.2',
            )
        ],
    ),
    (
        "NUMPY101",
        {"packages": {"torch": "2.2.2+cpu", "numpy": "2.0.0"}},
        [
            (
                "FAIL",
                "torch 2.2.2 was compiled against NumPy 1; with numpy 2.0.0 no array can be exchanged (`Numpy is not available`).",
                'state numpy = "<2" (1.26.4 is the last), or take torch 2.3.0 or later instead of 2.2.2',
            )
        ],
    ),
    (
        "NUMPY101",
        {"packages": {"torch": "2.2.2+cpu", "numpy": "1.26.4"}},
        [("PASS", "torch 2.2.2 was compiled against NumPy 1; the stack has numpy 1.26.4.", "")],
    ),
    (
        "NUMPY101",
        {"packages": {"torch": "2.2.2+cpu", "numpy": ">=1.21"}},
        [
            (
                "WARN",
                "torch 2.2.2 was compiled against NumPy 1, and the stack's numpy >=1.21 admits NumPy 2.",
                'state numpy = "<2" (1.26.4 is the last), or take torch 2.3.0 or later instead of 2.2.2',
            )
        ],
    ),
    (
        "NUMPY101",
        {"packages": {"torch": "2.2.2+cpu", "numpy": "<2"}},
        [("PASS", "torch 2.2.2 was compiled against NumPy 1; numpy <2 keeps below 2.", "")],
    ),
    ("NUMPY101", {"packages": {"torch": "2.3.0", "numpy": "2.0.0"}}, []),
]


@pytest.mark.parametrize(("code", "fields", "expected"), CASES)
def test_verdict_and_words(code: str, fields: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert said_with_hints(code, **fields) == expected
