"""The rules about building from source: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.early_cases import said

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
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
        {"packages": {"mmcv": "2.2.0", "setuptools": "82.0.0", "apex": {"version": "0.1", "from": "source"}}},
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
    assert said(code, **fields) == expected
