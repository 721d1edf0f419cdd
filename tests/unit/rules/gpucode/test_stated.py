"""Architectures of builds and arch lists against GPUs, torch and nvcc: each case with its twin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import SOURCE, lines, said_with_hints

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        "ARCH101",
        {"packages": {"torch": "1.13.1+cu117"}, "gpus": ["H100"]},
        [
            (
                "FAIL",
                "torch 1.13.1+cu117 (linux/amd64) has sm_37 sm_50 sm_60 sm_70 sm_75 sm_80 sm_86. Nothing of that runs on H100 (9.0). The stack states no platform: Linux on both machines was tried.",
                "take torch 2.0.0+cu118: it has sm_37 sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90",
            )
        ],
    ),
    (
        "ARCH101",
        {
            "packages": {"torch": "2.5.0+cu124"},
            "gpus": ["T4", "A100", "A10", "L4", "H100"],
            "platform": "linux/amd64",
        },
        [
            (
                "PASS",
                "torch 2.5.0+cu124 (linux/amd64) serves T4 (7.5) natively by sm_75, A100 (8.0) natively by sm_80, A10 (8.6) natively by sm_86, L4 (8.9) by sm_86, H100 (9.0) natively by sm_90.",
                "",
            )
        ],
    ),
    (
        "ARCH101",
        {
            "packages": {"torch": "2.5.0+cu124"},
            "gpus": ["L4", "H100"],
            "arch_mode": "native",
            "platform": "linux/amd64",
        },
        [
            (
                "FAIL",
                "torch 2.5.0+cu124 (linux/amd64) has sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90. That is not native for L4 (8.9), which the stack asks for: L4 (8.9) by sm_86.",
                "no official build for linux/amd64 serves all of these GPUs: split the stack, or build torch",
            )
        ],
    ),
    (
        "ARCH101",
        {
            "packages": {"torch": "2.5.0+cu124"},
            "gpus": ["A100", "H100"],
            "arch_mode": "native",
            "platform": "linux/amd64",
        },
        [
            (
                "PASS",
                "torch 2.5.0+cu124 (linux/amd64) serves A100 (8.0) natively by sm_80, H100 (9.0) natively by sm_90.",
                "",
            )
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "2.7.0+cu128"}, "gpus": ["GTX 1080 Ti"]},
        [
            (
                "FAIL",
                "torch 2.7.0+cu128 (linux/amd64) has sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 compute_120. Nothing of that runs on GTX 1080 Ti (6.1). The stack states no platform: Linux on both machines was tried.",
                "take torch 2.7.0+cu126: it has sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90",
            )
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "2.5.0+cu124"}, "gpus": ["B100"]},
        [
            (
                "WARN",
                "torch 2.5.0+cu124 (linux/amd64) has sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90. Nothing of that runs on B100 (10.0). The stack states no platform: Linux on both machines was tried. This rests on knowledge that no primary source confirms, so it is a warning.",
                "take torch 2.7.0+cu128: it has sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 compute_120",
            )
        ],
    ),
    (
        "ARCH103",
        {"arch_list": ["9.0"], "gpus": ["B100"]},
        [
            (
                "WARN",
                "Nothing built for the arch list '9.0' runs on B100 (10.0). This rests on knowledge that no primary source confirms, so it is a warning.",
                "make the arch list '9.0;10.0'",
            )
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "1.9.0+cu111"}, "gpus": ["H100"]},
        [
            (
                "FAIL",
                "torch 1.9.0+cu111 (linux/amd64) has sm_37 sm_50 sm_60 sm_70 sm_75 sm_80 sm_86. Nothing of that runs on H100 (9.0). The stack states no platform: Linux on both machines was tried.",
                "take torch 2.0.0+cu118: it has sm_37 sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90",
            )
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "1.9.0+cu111"}, "gpus": ["RTX 4090"]},
        [("PASS", "torch 1.9.0+cu111 (linux/amd64) serves RTX 4090 (8.9) by sm_86.", "")],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "2.15.0+cu130"}, "gpus": ["V100"], "platform": "linux/amd64"},
        [
            (
                "WARN",
                "torch 2.15.0+cu130 (linux/amd64) has sm_75 sm_80 sm_86 sm_90 sm_100 sm_120. Nothing of that runs on V100 (7.0). This rests on knowledge that no primary source confirms, so it is a warning.",
                "take torch 2.14.1+cu126: it has sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90",
            )
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "2.5.1+cu118"}, "gpus": ["RTX 5090"]},
        [
            (
                "FAIL",
                "torch 2.5.1+cu118 (linux/amd64) has sm_37 sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90. Nothing of that runs on RTX 5090 (12.0). The stack states no platform: Linux on both machines was tried.",
                "take torch 2.7.0+cu128: it has sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 compute_120",
            )
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "2.5.1+cu118"}, "gpus": ["RTX 5090"], "platform": "windows/amd64"},
        [
            (
                "WARN",
                "torch 2.5.1+cu118 (windows/amd64) serves RTX 5090 (12.0) by compiling compute_37, which the driver does at first use. The CUDA libraries of that build may have no code for it.",
                "take torch 2.7.1+cu128: it has sm_50 sm_60 sm_61 sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120",
            )
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "2.7.1+cu118"}, "gpus": ["A100"], "platform": "windows/amd64"},
        [
            (
                "SKIP",
                "no data on the arch list of torch 2.7.1+cu118 for windows/amd64, so its GPUs were not checked.",
                "",
            )
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": {"version": "2.5.0", "from": "conda"}}, "cuda": "12.4", "gpus": ["A100"]},
        [("SKIP", "no data on the arch lists of conda builds, which differ from those of the wheels.", "")],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "9.0.0+cu140"}, "gpus": ["A100"]},
        [
            (
                "SKIP",
                "no data on torch 9.0.0: the tables of stackcheck end with torch 2.15.0 and were checked on 2026-11-20.",
                "`stackcheck tables refresh` reads newer releases from the package index",
            )
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": ">=2.5"}, "cuda": "12.4", "gpus": ["A100"]},
        [
            (
                "SKIP",
                "the GPUs were not held against torch: which torch the stack gets is not known.",
                "pin torch, or let the pins be resolved (without --offline)",
            )
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "2.11.0+cu130"}, "gpus": ["Jetson AGX Orin"], "platform": "linux/arm64"},
        [
            (
                "FAIL",
                "torch 2.11.0+cu130 (linux/arm64) is made for servers and has no code for Jetson AGX Orin (8.7): "
                "binaries for cards run on higher minors among cards; between cards and Tegra they are not "
                "compatible.",
                "take torch from NVIDIA's index for Jetson (developer.download.nvidia.com/compute/redist/jp), or "
                "from pypi.jetson-ai-lab.io",
            ),
        ],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "2.11.0+cu130"}, "gpus": ["11.0"], "platform": "linux/arm64"},
        [("PASS", "torch 2.11.0+cu130 (linux/arm64) serves a GPU of 11.0 natively by sm_110.", "")],
    ),
    (
        "ARCH101",
        {"packages": {"torch": "2.9.1+cu130"}, "gpus": ["12.1"], "platform": "linux/amd64"},
        [("PASS", "torch 2.9.1+cu130 (linux/amd64) serves a GPU of 12.1 by sm_120.", "")],
    ),
    ("ARCH101", {"packages": {"torch": "2.5.0+cpu"}, "gpus": ["A100"]}, []),
    (
        "ARCH102",
        {"arch_list": ["sm_90"], "packages": {"torch": "2.5.0"}},
        [
            (
                "FAIL",
                "torch refuses 'sm_90' in the arch list 'sm_90': `Unknown CUDA arch`.",
                "write '9.0' instead of 'sm_90'",
            )
        ],
    ),
    (
        "ARCH102",
        {"env": {"TORCH_CUDA_ARCH_LIST": "7.5;8.0;8.6;8.9;9.0"}, "packages": {"torch": "2.5.0"}},
        [("PASS", "torch accepts the arch list '7.5;8.0;8.6;8.9;9.0'.", "")],
    ),
    (
        "ARCH102",
        {"env": {"TORCH_CUDA_ARCH_LIST": "8.0,9.0"}, "packages": {"torch": "2.5.0"}},
        [
            (
                "FAIL",
                "torch refuses '8.0,9.0' in the arch list '8.0,9.0': `Unknown CUDA arch`.",
                "separate by semicolons: '8.0;9.0'",
            )
        ],
    ),
    (
        "ARCH102",
        {"env": {"TORCH_CUDA_ARCH_LIST": "8.0;9.0;"}, "packages": {"torch": "2.5.0"}},
        [
            (
                "FAIL",
                "torch refuses '' in the arch list '8.0;9.0;': `Unknown CUDA arch`.",
                "remove the separator that has nothing before or behind it",
            )
        ],
    ),
    (
        "ARCH102",
        {"env": {"TORCH_CUDA_ARCH_LIST": "Hopper Ampere+Tegra"}, "packages": {"torch": "2.5.0"}},
        [("PASS", "torch accepts the arch list 'Hopper Ampere+Tegra'.", "")],
    ),
    (
        "ARCH102",
        {"env": {"TORCH_CUDA_ARCH_LIST": "12.0"}, "packages": {"torch": "2.5.0"}},
        [
            (
                "FAIL",
                "torch refuses '12.0' in the arch list '12.0': `Unknown CUDA arch`.",
                "this torch does not know 12.0: take a newer torch, or leave it out",
            )
        ],
    ),
    (
        "ARCH102",
        {"env": {"TORCH_CUDA_ARCH_LIST": "native"}, "packages": {"torch": "2.9.0"}},
        [("PASS", "torch accepts the arch list 'native'.", "")],
    ),
    (
        "ARCH102",
        {"env": {"TORCH_CUDA_ARCH_LIST": "native"}, "packages": {"torch": "2.5.0"}},
        [
            (
                "FAIL",
                "torch refuses 'native' in the arch list 'native': `Unknown CUDA arch`.",
                "take one of 3.5 3.7 5.0 5.2 5.3 6.0 6.1 6.2 7.0 7.2 7.5 8.0 8.6 8.7 8.9 9.0 9.0a",
            )
        ],
    ),
    (
        "ARCH102",
        {"arch_list": ["13.0"]},
        [
            (
                "WARN",
                "torch 2.15.0 does not know '13.0' of the arch list; the torch that the stack will use may know it.",
                "this torch does not know 13.0: take a newer torch, or leave it out",
            )
        ],
    ),
    (
        "ARCH103",
        {"arch_list": ["9.0"], "gpus": ["L40S"]},
        [
            (
                "FAIL",
                "Nothing built for the arch list '9.0' runs on L40S (8.9).",
                "make the arch list '9.0;8.9'",
            )
        ],
    ),
    (
        "ARCH103",
        {"arch_list": ["8.0", "9.0"], "gpus": ["L40S", "H100"]},
        [("PASS", "The arch list serves L40S (8.9) by sm_80, H100 (9.0) natively by sm_90.", "")],
    ),
    (
        "ARCH103",
        {"arch_list": ["8.0", "9.0"], "gpus": ["L40S", "H100"], "arch_mode": "native"},
        [
            (
                "FAIL",
                "The arch list '8.0;9.0' is not native for L40S (8.9), as the stack asks: L40S (8.9) by sm_80.",
                "make the arch list '8.0;9.0;8.9'",
            )
        ],
    ),
    (
        "ARCH103",
        {"arch_list": ["9.0a"], "gpus": ["B200"]},
        [
            (
                "FAIL",
                "Nothing built for the arch list '9.0a' runs on B200 (10.0).",
                "make the arch list '9.0a;10.0'",
            )
        ],
    ),
    (
        "ARCH103",
        {"arch_list": ["9.0+PTX"], "gpus": ["B200"]},
        [("PASS", "The arch list serves B200 (10.0) by compiling compute_90.", "")],
    ),
    (
        "ARCH104",
        {"arch_list": ["8.6"], "toolkit": "11.0"},
        [
            (
                "FAIL",
                "nvcc of CUDA 11.0 does not know sm_86: `Unsupported gpu architecture`.",
                "take CUDA toolkit 11.1, or leave sm_86 out",
            )
        ],
    ),
    ("ARCH104", {"arch_list": ["8.6"], "toolkit": "11.1"}, [("PASS", "nvcc of CUDA 11.1 knows sm_86.", "")]),
    (
        "ARCH104",
        {"arch_list": ["10.1"], "toolkit": "13.0", "packages": {"torch": "2.8.0"}},
        [
            (
                "FAIL",
                "nvcc of CUDA 13.0 does not know sm_101: `Unsupported gpu architecture`.",
                "take CUDA toolkit 12.9, or leave sm_101 out",
            )
        ],
    ),
    (
        "ARCH104",
        {"arch_list": ["7.0"], "toolkit": "13.3", "packages": {"torch": "2.8.0"}},
        [
            (
                "FAIL",
                "nvcc of CUDA 13.3 does not know sm_70: `Unsupported gpu architecture`.",
                "take CUDA toolkit 12.9, or leave sm_70 out",
            )
        ],
    ),
    (
        "ARCH104",
        {"arch_list": ["8.0"], "toolkit": "10.2", "packages": {"torch": "1.7.0"}},
        [
            (
                "WARN",
                "nvcc of CUDA 10.2 does not know sm_80: `Unsupported gpu architecture`. This rests on knowledge that no primary source confirms, so it is a warning.",
                "take CUDA toolkit 11.0, or leave sm_80 out",
            )
        ],
    ),
    (
        "ARCH104",
        {"arch_list": ["8.6"], "toolkit": "12.7"},
        [
            (
                "SKIP",
                "no data on the CUDA toolkit 12.7: the tables of stackcheck end with CUDA 13.5 and were checked on 2026-11-20.",
                "`stackcheck tables refresh` reads newer releases from the package index",
            )
        ],
    ),
    (
        "ARCH105",
        {"packages": {"mmcv": SOURCE}, "toolkit": "11.0", "gpus": ["RTX 3090"]},
        [
            (
                "FAIL",
                "nvcc of CUDA 11.0 cannot build mmcv for RTX 3090 (8.6): `Unsupported gpu architecture`.",
                'take CUDA toolkit 11.1, or state arch_list = ["8.0"], which runs there',
            )
        ],
    ),
    (
        "ARCH105",
        {"packages": {"mmcv": SOURCE}, "toolkit": "11.1", "gpus": ["RTX 3090"]},
        [("PASS", "nvcc of CUDA 11.1 can build for the GPUs of the stack.", "")],
    ),
    (
        "ARCH105",
        {
            "packages": {"torch": "1.7.1+cu110", "mmcv": SOURCE},
            "cuda": "11.0",
            "toolkit": "11.0",
            "gpus": ["RTX 3090"],
        },
        [("PASS", "nvcc of CUDA 11.0 can build for the GPUs of the stack.", "")],
    ),
    (
        "ARCH106",
        {"arch_list": ["8.9"], "env": {"TORCH_CUDA_ARCH_LIST": "9.0"}},
        [
            (
                "WARN",
                "arch_list says '8.9', TORCH_CUDA_ARCH_LIST says '9.0'; builds read the variable.",
                "remove TORCH_CUDA_ARCH_LIST from env, or give both the same entries",
            )
        ],
    ),
    (
        "ARCH106",
        {"arch_list": ["8.9", "9.0"], "env": {"TORCH_CUDA_ARCH_LIST": "9.0 8.9"}},
        [("PASS", "arch_list and TORCH_CUDA_ARCH_LIST agree.", "")],
    ),
]


@pytest.mark.parametrize(("code", "fields", "expected"), CASES)
def test_verdict_and_words(code: str, fields: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert said_with_hints(code, **fields) == expected


@pytest.mark.parametrize(
    ("cuda", "gpu", "found"),
    [
        ("12.6", "RTX 5090", "torch 2.17.0.dev20261101 (cu126) has no code for RTX 5090 (12.0)"),
        ("13.0", "V100", "torch 2.17.0.dev20261101 (cu130) has no code for V100 (7.0)"),
    ],
)
def test_what_nvcc_cannot_make_no_nightly_has(cuda: str, gpu: str, found: str) -> None:
    tag = f"cu{cuda.replace('.', '')}"
    said = lines("ARCH101", packages={"torch": f"2.17.0.dev20261101+{tag}"}, gpus=[gpu])
    assert [line.partition(": ")[2].startswith(found) for line in said] == [True]
    assert said[0].startswith("FAIL: ")
    twin = lines("ARCH101", packages={"torch": f"2.17.0.dev20261101+{tag}"}, gpus=["H100"])
    assert [line.split(":")[0] for line in twin] == ["SKIP"]
