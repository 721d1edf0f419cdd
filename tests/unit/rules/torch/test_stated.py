"""torch, torchvision and torchaudio against each other: each case with its twin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import said_with_hints


def on_index(version: str) -> dict[str, str]:
    """Return a package on PyTorch's index of its tag."""
    return {"version": version, "index": f"https://download.pytorch.org/whl/{version.partition('+')[2]}"}


JETSON = "https://developer.download.nvidia.com/compute/redist/jp/v512/pytorch/torch-2.1.0a0+41361538.nv23.06-cp38-cp38-linux_aarch64.whl"
OWN_VISION = (
    "https://github.com/a/b/releases/download/v0/torchvision-0.16.2+c6f3977-cp38-cp38-linux_aarch64.whl"
)

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        "TORCH101",
        {"packages": {"torch": "2.6.0", "torchvision": "0.20.0"}},
        [
            (
                "FAIL",
                "torchvision 0.20.0 requires torch==2.5.0; the stack has 2.6.0.",
                "take torchvision 0.21.0",
            )
        ],
    ),
    (
        "TORCH101",
        {"packages": {"torch": "2.5.0", "torchvision": "0.20.0"}},
        [("PASS", "torchvision 0.20.0 requires torch==2.5.0; the stack has 2.5.0.", "")],
    ),
    (
        "TORCH101",
        {"packages": {"torch": "2.5.0+cu124", "torchvision": "0.20.1+cu124"}},
        [
            (
                "FAIL",
                "torchvision 0.20.1 requires torch==2.5.1; the stack has 2.5.0+cu124.",
                "take torchvision 0.20.0",
            )
        ],
    ),
    (
        "TORCH101",
        {
            "packages": {
                name: {"version": version, "from": "conda"}
                for name, version in (("torch", "2.0.1"), ("torchvision", "0.13.1"))
            }
        },
        [
            (
                "FAIL",
                "torchvision 0.13.1 was released for torch 1.12; conda's pytorch is 2.0.1: no channel has a build of the two for each other.",
                "take torchvision=0.15.2 beside pytorch=2.0.1, from the same channel; `conda search --info torchvision=0.13.1` prints which pytorch each build requires",
            )
        ],
    ),
    (
        "TORCH101",
        {
            "packages": {
                name: {"version": version, "from": "conda"}
                for name, version in (("torch", "1.13.1"), ("torchvision", "0.15.2"))
            }
        },
        [
            (
                "WARN",
                "torchvision 0.15.2 was released for torch 2.0; conda's pytorch is 1.13.1: the channel pytorch has no build of the two for each other, conda-forge may have one.",
                "take torchvision=0.14.1 beside pytorch=1.13.1, from the same channel; `conda search --info torchvision=0.15.2` prints which pytorch each build requires",
            )
        ],
    ),
    (
        "TORCH101",
        {
            "packages": {
                name: {"version": version, "from": "conda"}
                for name, version in (("torch", "2.0.0"), ("torchvision", "0.15.2"))
            }
        },
        [("PASS", "torchvision 0.15.2 was released for torch 2.0; conda's pytorch is 2.0.0.", "")],
    ),
    (
        "TORCH101",
        {"packages": {"torch": "2.15.0", "torchvision": "0.29.1"}},
        [("PASS", "torchvision 0.29.1 requires torch>=2.14.0; the stack has 2.15.0.", "")],
    ),
    (
        "TORCH101",
        {"packages": {"torch": "2.13.0", "torchvision": "0.29.2"}},
        [
            (
                "FAIL",
                "torchvision 0.29.2 requires torch>=2.14.0; the stack has 2.13.0.",
                "take torchvision 0.28.0",
            )
        ],
    ),
    (
        "TORCH101",
        {"packages": {"torch": "2.0.0+cu117", "torchvision": "0.15.0+cu117"}},
        [
            ("PASS", "torchvision 0.15.0 requires torch==2.0.0+cu117; the stack has 2.0.0+cu117.", ""),
            (
                "WARN",
                "torchvision 0.15.0 was withdrawn from the index: Contains an incorrect torch dependency.",
                "take torchvision 0.15.1",
            ),
        ],
    ),
    (
        "TORCH101",
        {"packages": {"torch": "2.5.0", "torchvision": "0.99.0"}},
        [
            (
                "SKIP",
                "no data on torchvision 0.99.0: the tables of stackcheck end with torchvision 0.29.2 and were checked on 2026-11-20.",
                "`stackcheck tables refresh` reads newer releases from the package index",
            )
        ],
    ),
    (
        "TORCH101",
        {"packages": {"torch": ">=2.5", "torchvision": "0.20.0"}},
        [("PASS", "torchvision 0.20.0 requires torch==2.5.0; the stack has 2.5.0.", "")],
    ),
    (
        "TORCH101",
        {"packages": {"torch": ">=2.5", "torchvision": "0.20.0"}, "platform": "windows/amd64"},
        [
            (
                "SKIP",
                "torchvision 0.20.0 was not held against torch: which torch the stack gets is not known.",
                "pin torch, or let the pins be resolved (without --offline)",
            )
        ],
    ),
    (
        "TORCH101",
        {"packages": {"torch": "2.6.0", "torchvision": {"version": "0.20.0", "from": "source"}}},
        [
            (
                "WARN",
                "torchvision 0.20.0 belongs to torch==2.5.0, and the stack builds it from source against torch 2.6.0, which needs torchvision 0.21.0: a combination that nobody tests.",
                "take torchvision 0.21.0",
            )
        ],
    ),
    (
        "TORCH101",
        {"packages": {"torch": "2.6.0", "torchvision": {"version": "0.21.0", "from": "source"}}},
        [("PASS", "torchvision 0.21.0, built from source, belongs to torch 2.6.0.", "")],
    ),
    (
        "TORCH101",
        {"packages": {"torch": "2.6.0", "torchvision": {"version": "99.0", "from": "source"}}},
        [],
    ),
    (
        "TORCH102",
        {"packages": {"torch": "2.0.1", "torchaudio": "2.0.1+cu118"}},
        [("FAIL", "torchaudio 2.0.1 requires torch==2.0.0; the stack has 2.0.1.", "take torchaudio 2.0.2")],
    ),
    (
        "TORCH102",
        {"packages": {"torch": "2.0.1", "torchaudio": "2.0.2"}},
        [("PASS", "torchaudio 2.0.2 requires torch==2.0.1; the stack has 2.0.1.", "")],
    ),
    (
        "TORCH102",
        {"packages": {"torch": "2.13.0", "torchaudio": "2.11.0"}},
        [
            (
                "PASS",
                "torchaudio 2.11.0 requires torch>=2.11.0 by the symbols that its libraries use (METADATA names none); the stack has 2.13.0.",
                "",
            )
        ],
    ),
    (
        "TORCH102",
        {"packages": {"torch": "2.13.0", "torchaudio": "2.10.0"}},
        [
            (
                "FAIL",
                "torchaudio 2.10.0 requires torch==2.10.0; the stack has 2.13.0.",
                "take torchaudio 2.11.1",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": "1.9.0+cu111", "torchaudio": "0.10.0.dev20210902+rocm4.1"}},
        [
            (
                "FAIL",
                "torch is a cu111 build (the local version of torch says so), torchaudio a rocm4.1 build (the local version of torchaudio). torchaudio looks for HIP libraries that this torch does not have.",
                "take torchaudio with the tag cu111, or torch with the tag rocm4.1",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": "2.5.0+cu124", "torchvision": "0.20.0+cu118"}},
        [
            (
                "FAIL",
                "torch is a cu124 build (the local version of torch says so), torchvision a cu118 build (the local version of torchvision). torchvision refuses another CUDA major version when it is imported.",
                "take torchvision with the tag cu124, or torch with the tag cu118",
            )
        ],
    ),
    (
        "TORCH103",
        {
            "packages": {
                "torch": "2.0.1",
                "torchvision": {
                    "version": "0.15.2+cu118",
                    "index": "https://download.pytorch.org/whl/cu118",
                },
            },
            "platform": "linux/amd64",
        },
        [
            (
                "FAIL",
                "torch is a cu117 build (the wheel of torch 2.0.1 on PyPI for linux/amd64 says so), torchvision a cu118 build (the local version of torchvision). torchvision before 0.16 refuses another CUDA major.minor version when it is imported.",
                "take torchvision with the tag cu117, or torch with the tag cu118",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": "2.5.0+cu124", "torchvision": "0.20.0+cu121"}},
        [
            (
                "WARN",
                "torch is a cu124 build (the local version of torch says so), torchvision a cu121 build (the local version of torchvision). Inside one CUDA major version torchvision loads, but nobody tests the two together.",
                "take torchvision with the tag cu124, or torch with the tag cu121",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": "2.5.0+cu124", "torchaudio": "2.5.0+cu121"}},
        [
            (
                "FAIL",
                "torch is a cu124 build (the local version of torch says so), torchaudio a cu121 build (the local version of torchaudio). torchaudio refuses another CUDA major.minor version when it is imported.",
                "take torchaudio with the tag cu124, or torch with the tag cu121",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": "1.12.1+cu116", "torchaudio": "0.12.1+cu113"}},
        [
            (
                "WARN",
                "torch is a cu116 build (the local version of torch says so), torchaudio a cu113 build (the local version of torchaudio). Inside one CUDA major version torchaudio loads, but nobody tests the two together.",
                "take torchaudio with the tag cu116, or torch with the tag cu113",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": "2.5.0+cu124", "torchvision": "0.20.0+cpu"}},
        [
            (
                "FAIL",
                "torch is a cu124 build (the local version of torch says so), torchvision a cpu build (the local version of torchvision). torchvision has no GPU operators.",
                "take torchvision with the tag cu124, or torch with the tag cpu",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": "2.5.0+cpu", "torchvision": "0.20.0+cu124"}},
        [
            (
                "FAIL",
                "torch is a cpu build (the local version of torch says so), torchvision a cu124 build (the local version of torchvision). torchvision looks for CUDA libraries that this torch does not have.",
                "take torchvision with the tag cpu, or torch with the tag cu124",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": "2.5.0+cu124", "torchvision": "0.20.0+cu124"}},
        [("PASS", "torch and torchvision are both cu124 builds.", "")],
    ),
    (
        "TORCH103",
        {
            "packages": {
                "torch": "2.5.0",
                "torchvision": {"version": "0.20.0", "index": "https://download.pytorch.org/whl/cu118"},
            },
            "index": {"url": "https://download.pytorch.org/whl/cu124"},
        },
        [
            (
                "FAIL",
                "torch is a cu124 build (the index https://download.pytorch.org/whl/cu124 says so), torchvision a cu118 build (the index https://download.pytorch.org/whl/cu118). torchvision refuses another CUDA major version when it is imported.",
                "take torchvision with the tag cu124, or torch with the tag cu118",
            )
        ],
    ),
    ("TORCH103", {"packages": {"torch": "2.5.0", "torchvision": "0.20.0"}}, []),
    (
        "TORCH103",
        {
            "packages": {
                "torch": on_index("2.5.1+cu118"),
                "torchvision": "0.20.1",
                "torchaudio": "2.5.1",
            }
        },
        [
            (
                "FAIL",
                "torch is a cu118 build (the local version of torch says so), torchvision a cu124 build (the wheel of torchvision 0.20.1 on PyPI for linux/amd64). torchvision refuses another CUDA major version when it is imported.",
                "take torchvision with the tag cu118, or torch with the tag cu124",
            ),
            (
                "FAIL",
                "torch is a cu118 build (the local version of torch says so), torchaudio a cu124 build (the wheel of torchaudio 2.5.1 on PyPI for linux/amd64). torchaudio refuses another CUDA major.minor version when it is imported.",
                "take torchaudio with the tag cu118, or torch with the tag cu124",
            ),
        ],
    ),
    (
        "TORCH103",
        {
            "packages": {
                "torch": "2.5.1",
                "torchvision": on_index("0.20.1+cu118"),
            }
        },
        [
            (
                "FAIL",
                "torch is a cu124 build (the wheel of torch 2.5.1 on PyPI for linux/amd64 says so), torchvision a cu118 build (the local version of torchvision). torchvision refuses another CUDA major version when it is imported.",
                "take torchvision with the tag cu124, or torch with the tag cu118",
            )
        ],
    ),
    (
        "TORCH103",
        {
            "packages": {
                "torch": on_index("2.5.1+rocm6.2"),
                "torchvision": "0.20.1",
            }
        },
        [
            (
                "FAIL",
                "torch is a rocm6.2 build (the local version of torch says so), torchvision a cu124 build (the wheel of torchvision 0.20.1 on PyPI for linux/amd64). torchvision looks for CUDA libraries that this torch does not have.",
                "take torchvision with the tag rocm6.2, or torch with the tag cu124",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": on_index("2.6.0+cu126"), "torchvision": "0.21.0"}, "platform": "linux/arm64"},
        [
            (
                "FAIL",
                "torch is a cu126 build (the local version of torch says so), torchvision a cpu build (the wheel of torchvision 0.21.0 on PyPI for linux/arm64). torchvision has no GPU operators.",
                "take torchvision with the tag cu126, or torch with the tag cpu",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": on_index("2.7.1+cu128"), "torchvision": "0.22.1"}},
        [
            (
                "WARN",
                "torch is a cu128 build (the local version of torch says so), torchvision a cu126 build (the wheel of torchvision 0.22.1 on PyPI for linux/amd64). Inside one CUDA major version torchvision loads, but nobody tests the two together.",
                "take torchvision with the tag cu128, or torch with the tag cu126",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": on_index("2.7.1+cu126"), "torchvision": "0.22.1"}},
        [("PASS", "torch and torchvision are both cu126 builds.", "")],
    ),
    (
        "TORCH103",
        {
            "packages": {"torch": "2.5.1+cu118", "torchvision": "0.20.1"},
            "index": {"extra": ["https://download.pytorch.org/whl/cu118"]},
        },
        [("PASS", "torch and torchvision are both cu118 builds.", "")],
    ),
    (
        "TORCH103",
        {
            "packages": {"torch": on_index("2.5.1+cu118"), "torchvision": "0.20.1"},
            "index": {"extra": ["https://wheels.example.org/simple"]},
        },
        [],
    ),
    (
        "TORCH103",
        {
            "packages": {
                "torch": on_index("2.5.1+cu118"),
                "torchvision": {"version": "0.20.1", "from": "source"},
            },
        },
        [],
    ),
    (
        "TORCH103",
        {
            "packages": {"torch": on_index("2.5.1+cu118"), "torchvision": "0.20.1"},
            "image": {"ready": "somebody/torch:1"},
        },
        [],
    ),
    (
        "TORCH103",
        {
            "packages": {
                "torch": {"version": "2.5.1", "from": "source"},
                "torchvision": on_index("0.20.1+cu118"),
            }
        },
        [],
    ),
    ("TORCH103", {"packages": {"torch": on_index("1.9.1+cu111"), "torchaudio": "0.9.1"}}, []),
    ("TORCH103", {"packages": {"torch": on_index("2.5.1+cu118"), "torchvision": "0.19.1"}}, []),
    ("TORCH103", {"packages": {"torch": "2.5.1+cu118", "torchvision": "0.20.1"}}, []),
    ("TORCH103", {"packages": {"torch": "2.0.1", "torchvision": "0.15.1+cu118"}}, []),
    (
        "TORCH103",
        {"packages": {"torch": "2.15.0", "torchaudio": "2.11.0"}},
        [
            (
                "WARN",
                "torchaudio 2.11.0 on PyPI is a cu130 build, and torch a cu132 build (the wheel of torch 2.15.0 on PyPI for linux/amd64). torchaudio refuses another CUDA major.minor version when it is imported.",
                "take torchaudio with the tag cu132, or torch with the tag cu130",
            )
        ],
    ),
    (
        "TORCH103",
        {"packages": {"torch": "2.13.0", "torchaudio": "2.11.0"}},
        [("PASS", "torchaudio 2.11.0 on PyPI is a cu130 build, as torch is.", "")],
    ),
    (
        "TORCH102",
        {"packages": {"torch": "2.10.0", "torchaudio": "2.11.0"}},
        [
            (
                "FAIL",
                "torchaudio 2.11.0 requires torch>=2.11.0 by the symbols that its libraries use (METADATA names none); the stack has 2.10.0.",
                "take torchaudio 2.10.0",
            )
        ],
    ),
    (
        "TORCH101",
        {"packages": {"torch": {"url": JETSON}, "torchvision": "0.16.0"}},
        [
            (
                "FAIL",
                "torchvision 0.16.0 requires torch==2.1.0; the stack has 2.1.0a0+41361538.nv23.6.",
                "take torch 2.1.0, or the torchvision that was built for torch 2.1.0a0",
            )
        ],
    ),
    (
        "TORCH101",
        {"packages": {"torch": {"url": JETSON}, "torchvision": {"version": "0.16.0", "from": "source"}}},
        [
            (
                "PASS",
                "torchvision 0.16.0, built from source, belongs to torch 2.1.0a0+41361538.nv23.6.",
                "",
            )
        ],
    ),
    (
        "TORCH101",
        {"packages": {"torch": {"url": JETSON}, "torchvision": {"url": OWN_VISION}}},
        [
            (
                "SKIP",
                "no data on the wheels of github.com, which may be where torchvision comes from.",
                "",
            )
        ],
    ),
]


@pytest.mark.parametrize(("code", "fields", "expected"), CASES)
def test_verdict_and_words(code: str, fields: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert said_with_hints(code, **fields) == expected
