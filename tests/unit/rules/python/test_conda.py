"""The rules about conda packages: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "mkl without the symbol",
        "CONDA101",
        {"packages": {"torch": {"version": "2.0.1", "from": "conda"}, "mkl": "2024.1"}},
        ["FAIL: conda's torch 2.0.1 cannot be imported with mkl 2024.1: undefined symbol: iJIT_NotifyEvent."],
    ),
    (
        "a Python long after the release",
        "PYTHON101",
        {"python": "3.12", "packages": {"torch": {"version": "1.7.1", "from": "conda"}}},
        [
            "WARN: conda's torch 1.7.1 for Python 3.12: the wheels of torch 1.7.1 end with Python 3.9, and no channel is known to build it for one so much newer."
        ],
    ),
    (
        "the next Python, for which conda-forge may have built it again",
        "PYTHON101",
        {"python": "3.10", "packages": {"torch": {"version": "1.7.1", "from": "conda"}}},
        [],
    ),
    (
        "mkl with the symbol",
        "CONDA101",
        {"packages": {"torch": {"version": "2.0.1", "from": "conda"}, "mkl": "2024.0"}},
        ["PASS: mkl 2024.0 still has what conda's torch 2.0.1 imports."],
    ),
    (
        "the newest mkl",
        "CONDA101",
        {"packages": {"torch": {"version": "2.0.1", "from": "conda"}, "mkl": "latest"}},
        ["FAIL: conda's torch 2.0.1 cannot be imported with mkl latest: undefined symbol: iJIT_NotifyEvent."],
    ),
    (
        "a range with both",
        "CONDA101",
        {"packages": {"torch": {"version": "2.0.1", "from": "conda"}, "mkl": ">=2023"}},
        ["WARN: mkl >=2023 admits 2024.1 and later, with which conda's torch 2.0.1 cannot be imported."],
    ),
    (
        "torch as a range",
        "CONDA101",
        {"packages": {"torch": {"version": "==1.12.*", "from": "conda"}, "mkl": "2024.0"}},
        ["PASS: mkl 2024.0 still has what conda's torch ==1.12.* imports."],
    ),
    (
        "a later torch",
        "CONDA101",
        {"packages": {"torch": {"version": "2.5.1", "from": "conda"}, "mkl": "2024.1"}},
        [],
    ),
    ("pip's torch brings its own", "CONDA101", {"packages": {"torch": "2.0.1", "mkl": "2024.1"}}, []),
    (
        "two installers",
        "CONDA102",
        {"packages": {"torch": {"version": "2.0.1", "from": "conda"}, "torchvision": "0.15.2"}},
        ["WARN: torchvision would be installed by pip beside torch of conda."],
    ),
    (
        "one installer",
        "CONDA102",
        {
            "packages": {
                "torch": {"version": "2.0.1", "from": "conda"},
                "torchvision": {"version": "0.15.2", "from": "conda"},
            }
        },
        ["PASS: torch and its companions come from one installer."],
    ),
    ("torch alone", "CONDA102", {"packages": {"torch": {"version": "2.0.1", "from": "conda"}}}, []),
]


@pytest.mark.parametrize(
    ("code", "fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    assert lines(code, **fields) == expected
