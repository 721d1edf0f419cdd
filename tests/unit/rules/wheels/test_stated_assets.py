"""The rule about wheels that sdists fetch: a case that fires, a twin that does not, every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import said_with_hints

NEED = "Compiling needs nvcc of CUDA 12, a C++ compiler and an installed torch, and 9 GB of memory for each of MAX_JOBS; the stack states no such toolkit."
FILE = "flash_attn-2.8.3+cu12torch2.11cxx11abiTRUE-cp312-cp312-linux_x86_64.whl"


def _with(torch: str, cuda: str, flash: Any, **fields: Any) -> dict[str, Any]:
    return {"packages": {"torch": torch, "flash-attn": flash}, "cuda": cuda, "python": "3.12", **fields}


def _mamba(torch: str, cuda: str, version: str) -> dict[str, Any]:
    return {"packages": {"torch": torch, "mamba-ssm": version}, "cuda": cuda, "python": "3.12"}


CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        "no wheel for a later torch",
        _with("2.11.0", "12.8", "2.8.3"),
        [
            (
                "WARN",
                f"flash-attn 2.8.3 compiles unless an asset of the name {FILE} exists, and the build of its project makes none. {NEED}",
                "take a torch of 2.4, 2.5, 2.6, 2.7, 2.8, or build in an image with nvcc of CUDA 12",
            )
        ],
    ),
    (
        "another release has one",
        _with("2.2.2", "12.1", "2.8.3"),
        [
            (
                "WARN",
                f"flash-attn 2.8.3 compiles unless an asset of the name flash_attn-2.8.3+cu12torch2.2cxx11abiFALSE-cp312-cp312-linux_x86_64.whl exists, and the build of its project makes none. {NEED}",
                "take flash-attn==2.7.4.post1, which has one for torch 2.2, or build in an image with nvcc of CUDA 12",
            )
        ],
    ),
    (
        "another release has one that was uploaded later",
        _with("2.10.0", "12.8", "2.8.2"),
        [
            (
                "WARN",
                f"flash-attn 2.8.2 compiles unless an asset of the name flash_attn-2.8.2+cu12torch2.10cxx11abiTRUE-cp312-cp312-linux_x86_64.whl exists, and the build of its project makes none. {NEED}",
                "take flash-attn==2.8.1, which has one for torch 2.10, or build in an image with nvcc of CUDA 12",
            )
        ],
    ),
    (
        "the twin: a torch that it has a wheel for",
        _with("2.8.0", "12.8", "2.8.3"),
        [
            (
                "PASS",
                "flash-attn 2.8.3 fetches flash_attn-2.8.3+cu12torch2.8cxx11abiTRUE-cp312-cp312-linux_x86_64.whl, which its project makes.",
                "",
            )
        ],
    ),
    (
        "the digits of 2.6.3 are the minor version",
        _with("2.4.1", "12.1", "2.6.3"),
        [
            (
                "PASS",
                "flash-attn 2.6.3 fetches flash_attn-2.6.3+cu123torch2.4cxx11abiFALSE-cp312-cp312-linux_x86_64.whl, which its project makes.",
                "",
            )
        ],
    ),
    (
        "nvcc is there",
        _with("2.11.0", "12.8", "2.8.3", toolkit="12.8"),
        [("PASS", "flash-attn 2.8.3 is compiled or fetched; the stack has nvcc of CUDA 12.8.", "")],
    ),
    (
        "the stack asks for compiling",
        _with("2.8.0", "12.8", "2.8.3", env={"FLASH_ATTENTION_FORCE_BUILD": "TRUE"}),
        [
            (
                "WARN",
                f"flash-attn 2.8.3 compiles, for FLASH_ATTENTION_FORCE_BUILD is set. {NEED}",
                "unset FLASH_ATTENTION_FORCE_BUILD, or build in an image with nvcc of CUDA 12",
            )
        ],
    ),
    (
        "what a project makes is not known",
        _mamba("2.5.1", "12.4", "2.2.4"),
        [
            (
                "SKIP",
                "mamba-ssm 2.2.4 compiles unless an asset of the name mamba_ssm-2.2.4+cu12torch2.5cxx11abiFALSE-cp312-cp312-linux_x86_64.whl exists, which was not asked.",
                "look at https://github.com/state-spaces/mamba/releases/download/v2.2.4/; compiling needs nvcc of CUDA 12, a C++ compiler and an installed torch",
            )
        ],
    ),
    (
        "a name with the whole version of torch",
        {"packages": {"torch": "2.14.1+cu130", "transformer-engine-torch": "2.20.2"}, "python": "3.12"},
        [
            (
                "SKIP",
                "transformer-engine-torch 2.20.2 compiles unless an asset of the name transformer_engine_torch-2.20.2+cu13torch2.14.1+cu130cxx11abiTRUE-cp312-cp312-linux_x86_64.whl exists, which was not asked.",
                "look at https://github.com/NVIDIA/TransformerEngine/releases/download/v2.20.2/; compiling needs nvcc of CUDA 13, a C++ compiler and an installed torch",
            )
        ],
    ),
    (
        "one that was uploaded after the build of the release",
        _with("2.9.1", "12.8", "2.8.3"),
        [
            (
                "PASS",
                "flash-attn 2.8.3 fetches flash_attn-2.8.3+cu12torch2.9cxx11abiTRUE-cp312-cp312-linux_x86_64.whl, which its project makes.",
                "",
            )
        ],
    ),
    (
        "and for that Python alone",
        {**_with("2.9.1", "12.8", "2.8.3"), "python": "3.11", "toolkit": "12.8"},
        [("PASS", "flash-attn 2.8.3 is compiled or fetched; the stack has nvcc of CUDA 12.8.", "")],
    ),
    (
        "a name that leaves out the CUDA of torch",
        _with("2.9.1+cu130", "13.0", "2.8.3"),
        [
            (
                "FAIL",
                "flash-attn 2.8.3 fetches flash_attn-2.8.3+cu12torch2.9cxx11abiTRUE-cp312-cp312-linux_x86_64.whl, which is compiled for CUDA 12, beside a torch of CUDA 13: its libraries of CUDA 12 are not there.",
                "set FLASH_ATTENTION_FORCE_BUILD=TRUE with nvcc of CUDA 13, or take a torch of CUDA 12",
            )
        ],
    ),
    (
        "the releases of mamba-ssm",
        _mamba("2.10.0+cu130", "13.0", "2.3.2.post1"),
        [
            (
                "PASS",
                "mamba-ssm 2.3.2.post1 fetches mamba_ssm-2.3.2.post1+cu13torch2.10cxx11abiTRUE-cp312-cp312-linux_x86_64.whl, which its project makes.",
                "",
            )
        ],
    ),
    ("a version that no row names", _with("2.9.1", "12.8", "2.4.2"), []),
    ("a wheel that is named", _with("2.9.1", "12.8", "2.8.3+cu12torch2.9cxx11abiTRUE"), []),
    ("a source build is stated", _with("2.9.1", "12.8", {"version": "2.8.3", "from": "source"}), []),
    ("a CPU torch", {"packages": {"torch": "2.9.1+cpu", "flash-attn": "2.8.3"}}, []),
]


@pytest.mark.parametrize(("fields", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_messages(fields: dict[str, Any], said: list[tuple[str, str, str]]) -> None:
    assert said_with_hints("WHEEL112", **fields) == said
