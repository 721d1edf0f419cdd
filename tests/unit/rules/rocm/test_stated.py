"""The rules about ROCm: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines, verdicts

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "in the list",
        "ROCM101",
        {"packages": {"torch": "2.5.0+rocm6.2"}, "gpus": ["gfx90a"]},
        ["PASS: torch has code for gfx90a."],
    ),
    (
        "not in the list",
        "ROCM101",
        {"packages": {"torch": "2.5.0+rocm6.2"}, "gpus": ["RX 6700 XT"]},
        [
            "FAIL: torch 2.5.0 (rocm6.2) has no code for gfx1031 (RX 6700 XT): the first kernel ends in 'invalid device function'."
        ],
    ),
    (
        "in the list of torch 1.12",
        "ROCM101",
        {"packages": {"torch": "1.12.1+rocm5.1.1"}, "gpus": ["gfx1030"]},
        ["PASS: torch has code for gfx1030."],
    ),
    (
        "before ROCm 4.3",
        "ROCM101",
        {"packages": {"torch": "1.10.1+rocm4.2"}, "gpus": ["gfx1030"]},
        [
            "WARN: torch 1.10.1 (rocm4.2) has no code for gfx1030: the first kernel ends in 'invalid device function'. This rests on knowledge that no primary source confirms, so it is a warning."
        ],
    ),
    (
        "before every row",
        "ROCM101",
        {"packages": {"torch": "1.9.1+rocm4.2"}, "gpus": ["gfx1030"]},
        ["SKIP: no data on the gfx targets of torch 1.9.1 (rocm4.2): the tables begin with torch 1.10."],
    ),
    (
        "the torch of AMD's image",
        "ROCM101",
        {
            "image": {"ready": "rocm/pytorch:rocm7.2_ubuntu24.04_py3.12_pytorch_release_2.8.0"},
            "gpus": ["gfx1151"],
        },
        [
            "SKIP: no data on the gfx targets of the torch that the image rocm/pytorch:rocm7.2_ubuntu24.04_py3.12_pytorch_release_2.8.0 brings."
        ],
    ),
    (
        "by the known override",
        "ROCM101",
        {
            "packages": {"torch": "2.5.0+rocm6.2"},
            "gpus": ["gfx1031"],
            "env": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
        },
        [
            "WARN: gfx1031 runs as gfx1030 by HSA_OVERRIDE_GFX_VERSION=10.3.0: a configuration that AMD does not support (https://github.com/ROCm/rocBLAS/issues/1339 (AMD: gfx1030 ISA identical to gfx1031 in all but name), https://github.com/ROCm/ROCm/issues/2353)."
        ],
    ),
    (
        "by the wrong override",
        "ROCM101",
        {
            "packages": {"torch": "2.5.0+rocm6.2"},
            "gpus": ["gfx1031"],
            "env": {"HSA_OVERRIDE_GFX_VERSION": "9.0.0"},
        },
        ["FAIL: HSA_OVERRIDE_GFX_VERSION=9.0.0 makes gfx1031 pass for gfx900, another instruction set."],
    ),
    (
        "to a target without code",
        "ROCM101",
        {
            "packages": {"torch": "2.5.0+rocm6.2"},
            "gpus": ["gfx1031"],
            "env": {"HSA_OVERRIDE_GFX_VERSION": "10.3.2"},
        },
        [
            "FAIL: torch 2.5.0 (rocm6.2) has no code for gfx1032, which gfx1031 passes for by HSA_OVERRIDE_GFX_VERSION=10.3.2: the first kernel ends in 'invalid device function'."
        ],
    ),
    (
        "needless override",
        "ROCM101",
        {
            "packages": {"torch": "2.7.0+rocm6.3"},
            "gpus": ["gfx1101"],
            "env": {"HSA_OVERRIDE_GFX_VERSION": "11.0.0"},
        },
        [
            "WARN: HSA_OVERRIDE_GFX_VERSION=11.0.0 is not needed: torch has code for gfx1101, and the override hides it."
        ],
    ),
    (
        "an override that restates",
        "ROCM101",
        {
            "packages": {"torch": "2.5.0+rocm6.2"},
            "gpus": ["gfx1030"],
            "env": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
        },
        ["PASS: torch has code for gfx1030; HSA_OVERRIDE_GFX_VERSION=10.3.0 restates it."],
    ),
    (
        "a nightly before the target came",
        "ROCM101",
        {"packages": {"torch": "2.10.0.dev20250929+rocm7.0"}, "gpus": ["gfx1151"]},
        [
            "FAIL: torch 2.10.0.dev20250929 (rocm7.0) has no code for gfx1151: the first kernel ends in 'invalid device function'."
        ],
    ),
    (
        "the release with the target",
        "ROCM101",
        {"packages": {"torch": "2.10.0+rocm7.0"}, "gpus": ["gfx1151"]},
        ["PASS: torch has code for gfx1151."],
    ),
    (
        "Polaris with an official wheel",
        "ROCM101",
        {
            "packages": {"torch": "2.6.0+rocm6.2.4"},
            "gpus": ["gfx803"],
            "env": {"HSA_OVERRIDE_GFX_VERSION": "8.0.3"},
        },
        [
            "FAIL: torch 2.6.0 (rocm6.2.4) has no code for gfx803: the first kernel ends in 'invalid device function'."
        ],
    ),
    (
        "Polaris with a build of one's own",
        "ROCM101",
        {
            "rocm": "6.4",
            "packages": {"torch": {"version": "2.6.0", "from": "source"}},
            "gpus": ["gfx803"],
            "env": {"PYTORCH_ROCM_ARCH": "gfx803", "HSA_OVERRIDE_GFX_VERSION": "8.0.3"},
        },
        ["PASS: torch is built for gfx803, which serves gfx803."],
    ),
    (
        "one's own for another target",
        "ROCM101",
        {
            "rocm": "6.4",
            "packages": {"torch": {"version": "2.6.0", "from": "source"}},
            "gpus": ["gfx803"],
            "env": {"PYTORCH_ROCM_ARCH": "gfx900;gfx906"},
        },
        ["FAIL: torch is built for gfx900, gfx906, and gfx803 is gfx803."],
    ),
    (
        "one's own without a list",
        "ROCM101",
        {"rocm": "6.4", "packages": {"torch": {"version": "2.6.0", "from": "source"}}, "gpus": ["gfx803"]},
        ["SKIP: the gfx list of the own build is not stated, so the GPUs were not held against it."],
    ),
    (
        "a list that is not verified",
        "ROCM101",
        {"packages": {"torch": "2.12.0+rocm7.2"}, "gpus": ["gfx1031"]},
        [
            "WARN: torch 2.12.0 (rocm7.2) has no code for gfx1031: the first kernel ends in 'invalid device function'. This rests on knowledge that no primary source confirms, so it is a warning."
        ],
    ),
    (
        "a torch without a row",
        "ROCM101",
        {"packages": {"torch": "9.0.0+rocm9.0"}, "gpus": ["gfx90a"]},
        [
            "SKIP: no data on the gfx targets of torch 9.0.0 (rocm9.0): the tables of stackcheck end with torch 2.14 and were checked on 2026-11-20."
        ],
    ),
    ("an NVIDIA GPU", "ROCM101", {"packages": {"torch": "2.5.0+rocm6.2"}, "gpus": ["T4"]}, []),
    (
        "the code of a wheel that does not exist",
        "ROCM101",
        {"packages": {"torch": "2.5.1+rocm6.3"}, "gpus": ["MI300X"]},
        ["SKIP: there is no torch 2.5.1+rocm6.3 whose gfx targets could be compared."],
    ),
    (
        "a target that no wheel of the release has",
        "ROCM101",
        {"packages": {"torch": "2.5.1+rocm6.3"}, "gpus": ["gfx1031"]},
        [
            "FAIL: torch 2.5.1 (rocm6.3) has no code for gfx1031: the first kernel ends in 'invalid device function'."
        ],
    ),
    ("a build for CUDA", "ROCM101", {"packages": {"torch": "2.5.0+cu124"}, "gpus": ["MI300X"]}, []),
    ("the build of PyPI", "ROCM101", {"packages": {"torch": "2.9.1"}, "gpus": ["MI300X"]}, []),
    (
        "no wheel for the platform",
        "ROCM101",
        {"packages": {"torch": "2.8.0+rocm6.4"}, "gpus": ["RX 9070 XT"], "platform": "windows/amd64"},
        ["SKIP: PyTorch has no ROCm wheel for windows/amd64 whose gfx targets could be compared."],
    ),
    (
        "a ROCm version without wheels",
        "ROCM102",
        {"packages": {"torch": "2.5.0+rocm6.0"}},
        ["FAIL: There is no wheel of torch 2.5.0 for ROCm 6.0: torch 2.5.0 has wheels for ROCm 6.1, 6.2."],
    ),
    (
        "not quite the tag",
        "ROCM102",
        {"packages": {"torch": "2.6.0+rocm6.2"}},
        ["FAIL: There is no wheel of torch 2.6.0 for ROCm 6.2: torch 2.6.0 has wheels for ROCm 6.1, 6.2.4."],
    ),
    (
        "a ROCm version with wheels",
        "ROCM102",
        {"packages": {"torch": "2.6.0"}, "rocm": "6.2.4"},
        ["PASS: torch 2.6.0 has wheels for ROCm 6.1, 6.2.4."],
    ),
    (
        "a ROCm version as people say it",
        "ROCM102",
        {"packages": {"torch": "2.6.0"}, "rocm": "6.2"},
        ["PASS: torch 2.6.0 has wheels for ROCm 6.1, 6.2.4."],
    ),
    (
        "numbers, not texts",
        "ROCM102",
        {"packages": {"torch": "2.14.0+rocm7.14"}},
        ["PASS: torch 2.14.0 has wheels for ROCm 7.2, 7.14."],
    ),
    (
        "a list that is not verified",
        "ROCM102",
        {"packages": {"torch": "2.12.0+rocm6.4"}},
        [
            "WARN: There is no wheel of torch 2.12.0 for ROCm 6.4: torch 2.12.0 has wheels for ROCm 7.1, 7.2. This rests on knowledge that no primary source confirms, so it is a warning."
        ],
    ),
    (
        "no list",
        "ROCM102",
        {"packages": {"torch": "2.15.0+rocm7.2"}},
        ["SKIP: no data on the ROCm builds of torch 2.15.0."],
    ),
    (
        "no row",
        "ROCM102",
        {"packages": {"torch": "9.0.0+rocm9.0"}},
        [
            "SKIP: no data on torch 9.0.0: the tables of stackcheck end with torch 2.15.0 and were checked on 2026-11-20."
        ],
    ),
    (
        "no wheel for the platform: another rule says so",
        "ROCM102",
        {"packages": {"torch": "2.8.0+rocm6.4"}, "platform": "windows/amd64"},
        [],
    ),
    (
        "not decimal",
        "ROCM103",
        {"env": {"HSA_OVERRIDE_GFX_VERSION": "gfx1030"}},
        ["FAIL: HSA_OVERRIDE_GFX_VERSION=gfx1030 is not three decimals: ROCr then finds no GPU."],
    ),
    (
        "too large a number",
        "ROCM103",
        {"env": {"HSA_OVERRIDE_GFX_VERSION": "10.3.256"}},
        ["FAIL: HSA_OVERRIDE_GFX_VERSION=10.3.256 is not three decimals: ROCr then finds no GPU."],
    ),
    (
        "decimal",
        "ROCM103",
        {"env": {"HSA_OVERRIDE_GFX_VERSION": "9.0.10"}},
        ["PASS: HSA_OVERRIDE_GFX_VERSION=9.0.10 is read as gfx90a."],
    ),
    (
        "on Windows",
        "ROCM103",
        {"os": "Windows 11", "env": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}},
        ["WARN: HSA_OVERRIDE_GFX_VERSION has no effect on Windows."],
    ),
    (
        "preferred without kernels",
        "ROCM104",
        {
            "packages": {"torch": "2.5.0+rocm6.2"},
            "gpus": ["gfx1030"],
            "env": {"TORCH_BLAS_PREFER_HIPBLASLT": "1"},
        },
        ["WARN: hipBLASLt has no kernels for gfx1030, and TORCH_BLAS_PREFER_HIPBLASLT=1 prefers it."],
    ),
    (
        "switched off",
        "ROCM104",
        {
            "packages": {"torch": "2.5.0+rocm6.2"},
            "gpus": ["gfx1030"],
            "env": {"TORCH_BLAS_PREFER_HIPBLASLT": "0"},
        },
        ["PASS: hipBLASLt is switched off for gfx1030."],
    ),
    (
        "with kernels",
        "ROCM104",
        {
            "packages": {"torch": "2.5.0+rocm6.2"},
            "gpus": ["gfx942"],
            "env": {"TORCH_BLAS_PREFER_HIPBLASLT": "1"},
        },
        [],
    ),
    (
        "CUDA libraries",
        "ROCM105",
        {"packages": {"torch": "2.5.0+rocm6.2", "nvidia-cudnn-cu12": "9.1.0.70"}},
        ["WARN: nvidia-cudnn-cu12 are libraries of the CUDA build of torch, in a stack for ROCm."],
    ),
    ("none", "ROCM105", {"packages": {"torch": "2.5.0+rocm6.2"}}, []),
]


@pytest.mark.parametrize(
    ("code", "fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    assert lines(code, **fields) == expected


def test_a_rocm_wheel_that_does_not_exist_is_said_once_and_with_what_exists() -> None:
    fields = {"packages": {"torch": "2.4.1+rocm5.7"}}
    assert lines("CUDA101", **fields) == []
    (verdict,) = verdicts("ROCM102", **fields)
    assert verdict.hint == (
        "take torch 2.4.1+rocm6.1 (tags of this release: rocm6.0, rocm6.1), or torch 2.3.1+rocm5.7"
    )


def test_a_release_that_is_not_known_meets_a_target_that_none_before_it_had() -> None:
    def said_of(gpu: str, torch: str) -> list[str]:
        return lines("ROCM101", packages={"torch": torch}, gpus=[gpu])

    (said,) = said_of("gfx803", "9.0.0+rocm9.0")
    assert said == (
        "WARN: torch 9.0.0 (rocm9.0) is not known, and no release up to 2.14 for ROCm has code for gfx803."
    )
    assert said_of("gfx942", "9.0.0+rocm9.0")[0].startswith("SKIP: no data on the gfx targets")
    assert said_of("gfx803", "1.9.0+rocm4.2")[0].startswith("SKIP: no data on the gfx targets")
