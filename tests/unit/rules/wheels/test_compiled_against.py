"""What wheels were compiled against where their names leave it out, and CUDA that is looked for on the system."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import said

EXL = "https://github.com/turboderp/exllamav2/releases/expanded_assets/v0.0.20"
NUNCHAKU = "https://github.com/nunchaku-tech/nunchaku/releases/expanded_assets/v1.0.2"


def _torch(version: str) -> dict[str, str]:
    return {"version": version, "index": f"https://download.pytorch.org/whl/{version.partition('+')[2]}"}


def _exllama(torch: str) -> dict[str, Any]:
    packages = {"torch": _torch(torch), "exllamav2": {"version": "0.0.20+cu121", "find_links": EXL}}
    return {"platform": "windows/amd64", "python": "3.11", "packages": packages}


def _nunchaku(torch: str) -> dict[str, Any]:
    packages = {"torch": _torch(torch), "nunchaku": {"version": "1.0.2+torch2.9", "find_links": NUNCHAKU}}
    return {"platform": "windows/amd64", "python": "3.13", "packages": packages}


def _in_container(name: str, version: str) -> dict[str, Any]:
    page = f"https://github.com/Dao-AILab/{name}/releases/expanded_assets/v{version.partition('+')[0]}"
    packages = {name: {"version": version, "find_links": page}}
    return {"image": {"ready": "nvcr.io/nvidia/pytorch:23.06-py3"}, "packages": packages}


def _on_arm(toolkit: str) -> dict[str, Any]:
    packages = {"torch": "2.9.1", "sgl-kernel": "0.3.21"}
    return {"platform": "linux/arm64", "accelerator": "cuda", "toolkit": toolkit, "packages": packages}


def _cupy(name: str, **fields: Any) -> dict[str, Any]:
    return {"accelerator": "cuda", "packages": {"torch": "2.1.2", name: "12.3.0"}, **fields}


CASES: list[tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = [
    (
        "a torch that the name leaves out",
        "WHEEL101",
        _exllama("2.2.1+cu121"),
        [
            (
                "FAIL",
                "exllamav2 0.0.20+cu121 is made for torch 2.3 (a row of the tables by release notes of v0.0.20, quoted in https://github.com/turboderp-org/exllamav2/issues/434); the stack has torch 2.2.1.",
            )
        ],
    ),
    (
        "the twin: that torch",
        "WHEEL101",
        _exllama("2.3.0+cu121"),
        [
            (
                "PASS",
                "exllamav2 is made for torch 2.3, as a row of the tables by release notes of v0.0.20, quoted in https://github.com/turboderp-org/exllamav2/issues/434 says.",
            )
        ],
    ),
    (
        "a CUDA that the name leaves out",
        "WHEEL102",
        _nunchaku("2.9.0+cu130"),
        [
            (
                "FAIL",
                "nunchaku 1.0.2+torch2.9 is made for cu128 (a row of the tables by https://github.com/nunchux-ai/nunchaku/issues/773 (its release-build.yaml); https://github.com/nunchux-ai/nunchaku/issues/774); the stack has torch 2.9.0 (cu130), as the local version of torch says.",
            )
        ],
    ),
    (
        "the twin: that CUDA",
        "WHEEL102",
        _nunchaku("2.9.0+cu128"),
        [("PASS", "nunchaku 1.0.2+torch2.9 is made for cu128, the CUDA version of torch 2.9.0 (cu128).")],
    ),
    (
        "CUDA of another major on the system",
        "WHEEL107",
        _cupy("cupy-cuda11x", cuda="12.1", toolkit="12.2"),
        [
            (
                "FAIL",
                "cupy-cuda11x looks for the libraries of CUDA 11 on the system, and the stack says CUDA 12.2; torch 2.1.2 (cu121) brings those of CUDA 12 alone.",
            )
        ],
    ),
    (
        "the same without torch",
        "WHEEL107",
        {"toolkit": "13.0", "packages": {"cupy-cuda12x": "13.6.0"}},
        [
            (
                "FAIL",
                "cupy-cuda12x looks for the libraries of CUDA 12 on the system, and the stack says CUDA 13.0.",
            )
        ],
    ),
    (
        "a CUDA that neither torch for the CPU nor the toolkit brings",
        "WHEEL111",
        _on_arm("13.0"),
        [
            (
                "FAIL",
                "sgl-kernel 0.3.21 names the libraries of CUDA 12; torch 2.9.1 (cpu) brings no CUDA 12: it is not imported: libcudart.so.12 and libnvrtc.so.12 are not found.",
            )
        ],
    ),
    (
        "the twin: a toolkit that has it",
        "WHEEL111",
        _on_arm("12.9"),
        [("PASS", "sgl-kernel 0.3.21 names the libraries of CUDA 12, and torch 2.9.1 (cpu) has these.")],
    ),
    ("the twin without torch", "WHEEL107", {"toolkit": "12.8", "packages": {"cupy-cuda12x": "13.6.0"}}, []),
    (
        "a wheel of a release beside the state before it in NVIDIA's container",
        "WHEEL101",
        _in_container("causal-conv1d", "1.0.2+cu122torch2.1cxx11abiTRUE"),
        [
            (
                "WARN",
                "causal-conv1d 1.0.2+cu122torch2.1cxx11abiTRUE is made for torch 2.1 (the local version of causal-conv1d 1.0.2+cu122torch2.1cxx11abitrue), and torch 2.1.0a0 (cu121) of NVIDIA's container is a state before that release: its interface may be another one.",
            )
        ],
    ),
    (
        "the twin: a system that has them",
        "WHEEL107",
        _cupy("cupy-cuda11x", cuda="12.1", toolkit="11.8"),
        [("WARN", "cupy-cuda11x is made for CUDA 11; torch 2.1.2 (cu121) is CUDA 12.")],
    ),
]


@pytest.mark.parametrize(
    ("code", "stated", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_messages(code: str, stated: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert said(code, **stated) == expected
