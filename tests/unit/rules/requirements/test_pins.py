"""The rules about pins: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcheck.model.resolution import LockedPackage
from tests.unit.rules.harness import lines, resolved, said_with_hints

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "pinned",
        "PIN101",
        {"packages": {"torch": "2.5.0", "numpy": "1.26.4"}},
        ["PASS: All 2 packages are pinned."],
    ),
    (
        "a range and latest",
        "PIN101",
        {"packages": {"torch": "2.5.0", "numpy": ">=1.26", "torch-geometric": "latest"}},
        ["WARN: 2 of 3 packages are not pinned: numpy (>=1.26), torch-geometric (latest)."],
    ),
    (
        "a marker that holds on another platform, where none is stated",
        "PIN101",
        {"packages": {"torch": "2.5.0", "windows-curses": "latest; sys_platform == 'win32'"}},
        ["PASS: The package is pinned."],
    ),
    (
        "the same marker where it holds",
        "PIN101",
        {
            "platform": "windows/amd64",
            "packages": {"torch": "2.5.0", "windows-curses": "latest; sys_platform == 'win32'"},
        },
        ["WARN: 1 of 2 packages is not pinned: windows-curses (latest)."],
    ),
    (
        "a marker that hangs on a Python that is not stated",
        "PIN101",
        {"packages": {"torch": "2.5.0", "tomli": "latest; python_version < '3.11'"}},
        ["WARN: 1 of 2 packages is not pinned: tomli (latest)."],
    ),
    (
        "a library that torch asks for by an extra of cuda-toolkit, in a range that leaves it out",
        "NVPIN101",
        {"packages": {"torch": "2.13.0", "nvidia-cublas": ">=13.3.0.5"}},
        ["FAIL: nvidia-cublas >=13.3.0.5 is not the 13.1.1.3 that torch 2.13.0 (cu130) pins."],
    ),
    (
        "a newer one that is pinned",
        "NVPIN101",
        {"packages": {"torch": "2.13.0", "nvidia-cublas": "13.3.0.5"}},
        [
            "WARN: nvidia-cublas 13.3.0.5 is newer than the 13.1.1.3 that torch 2.13.0 (cu130) pins, of the same major version: it works where it is meant, and a resolver refuses it."
        ],
    ),
    (
        "the one that the extra asks for",
        "NVPIN101",
        {"packages": {"torch": "2.13.0", "nvidia-cublas": "13.1.1.3"}},
        ["PASS: nvidia-cublas 13.1.1.3 is what torch 2.13.0 (cu130) pins."],
    ),
    (
        "a library that torch asks for by a range, in another one",
        "NVPIN101",
        {"packages": {"torch": "2.12.1", "nvidia-cublas": ">=13.3.0.5"}},
        ["FAIL: nvidia-cublas >=13.3.0.5 is not what torch 2.12.1 (cu130) requires (>=13.1.0.3,<=13.1.1.3)."],
    ),
    (
        "one in that range",
        "NVPIN101",
        {"packages": {"torch": "2.12.1", "nvidia-cublas": "13.1.0.9"}},
        ["PASS: nvidia-cublas 13.1.0.9 is what torch 2.12.1 (cu130) requires."],
    ),
    (
        "one above that range of the same major version",
        "NVPIN101",
        {"packages": {"torch": "2.12.1", "nvidia-cublas": "13.3.0.5"}},
        [
            "WARN: nvidia-cublas 13.3.0.5 is newer than what torch 2.12.1 (cu130) requires (>=13.1.0.3,<=13.1.1.3), of the same major version: it works where it is meant, and a resolver refuses it."
        ],
    ),
    (
        "a version in that range",
        "NVPIN101",
        {"packages": {"torch": "2.12.1", "nvidia-cublas": "13.1.0.3"}},
        ["PASS: nvidia-cublas 13.1.0.3 is what torch 2.12.1 (cu130) requires."],
    ),
    (
        "the same where the stack overrides the requirement",
        "NVPIN101",
        {
            "packages": {"torch": "2.13.0", "nvidia-cublas": ">=13.3.0.5"},
            "overrides": ["nvidia-cublas>=13.3.0.5"],
        },
        [],
    ),
    ("nothing stated", "PIN101", {}, []),
    (
        "newest torchaudio beside an older torch",
        "PIN102",
        {"packages": {"torch": "2.5.0", "torchaudio": "latest"}},
        [
            "FAIL: torchaudio is not pinned, and the newest on PyPI, 2.11.1, is made for torch 2.11 and later; the stack has torch 2.5.0 (cu124)."
        ],
    ),
    (
        "newest torchaudio in an NVIDIA container",
        "PIN102",
        {"packages": {"torchaudio": "latest"}, "image": {"ready": "nvcr.io/nvidia/pytorch:25.02-py3"}},
        [
            "FAIL: torchaudio is not pinned, and the newest on PyPI, 2.11.1, is made for torch 2.11 and later; the stack has torch 2.7.0a0 (cu128)."
        ],
    ),
    (
        "an open range is the newest too",
        "PIN102",
        {"packages": {"torch": "2.5.0", "torchaudio": ">=2.5"}},
        [
            "FAIL: torchaudio is not pinned, and the newest on PyPI, 2.11.1, is made for torch 2.11 and later; the stack has torch 2.5.0 (cu124)."
        ],
    ),
    (
        "newest torchaudio beside a torch with its stable ABI",
        "PIN102",
        {"packages": {"torch": "2.13.0", "torchaudio": "latest"}},
        ["PASS: The newest torchaudio uses the stable ABI, which torch 2.13.0 has."],
    ),
    (
        "the torchaudio of an image that brings both",
        "PIN102",
        {
            "packages": {"torchaudio": ">=2.0"},
            "image": {"ready": "pytorch/pytorch:2.5.1-cuda12.4-cudnn9-devel"},
        },
        [
            "PASS: pytorch/pytorch:2.5.1-cuda12.4-cudnn9-devel brings torchaudio beside its torch, and pip keeps it."
        ],
    ),
    ("pinned torchaudio", "PIN102", {"packages": {"torch": "2.5.0", "torchaudio": "2.5.0"}}, []),
    (
        "a PyTorch index has its own newest",
        "PIN102",
        {
            "packages": {"torch": "2.5.0+cu124", "torchaudio": "latest"},
            "index": {"url": "https://download.pytorch.org/whl/cu124"},
        },
        [],
    ),
]


@pytest.mark.parametrize(
    ("code", "fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    assert lines(code, **fields) == expected


@pytest.mark.parametrize(("taken", "outcomes"), [("2.6.0", []), ("2.11.1", ["FAIL"])])
def test_a_torchaudio_that_something_else_holds_back_is_judged_by_what_is_taken(
    taken: str, outcomes: list[str]
) -> None:
    locked = (
        LockedPackage("torch", Version("2.6.0"), "torch-2.6.0-cp312-cp312-manylinux1_x86_64.whl"),
        LockedPackage("torchaudio", Version(taken), f"torchaudio-{taken}-cp312-cp312-manylinux1_x86_64.whl"),
    )
    found = resolved("PIN102", *locked, packages={"torch": "2.6.0", "vllm": "0.8.5.post1"})
    assert [each.outcome.name for each in found] == outcomes


@pytest.mark.parametrize(("with_torch", "outcomes"), [(True, ["WARN"]), (False, [])])
def test_what_others_draw_in_is_not_held_against_a_torch_that_was_left_out(
    with_torch: bool, outcomes: list[str]
) -> None:
    torch = LockedPackage("torch", Version("2.8.0"), "torch-2.8.0-cp312-cp312-manylinux_2_28_x86_64.whl")
    nccl = LockedPackage("nvidia-nccl-cu12", Version("2.32.3"), "nvidia_nccl_cu12-2.32.3-py3-none-any.whl")
    locked = (torch, nccl) if with_torch else (nccl,)
    found = resolved("NVPIN101", *locked, packages={"torch": "2.8.0"})
    assert [each.outcome.name for each in found] == outcomes


@pytest.mark.parametrize(
    ("numpy", "hint"),
    [
        ({"version": ">=1.26"}, "pin them; `stackcheck lock` prints the versions that are chosen today"),
        (
            {"version": ">=1.26", "from": "conda"},
            "pin those of conda as name=version; `conda env export --no-builds`, in an environment that works, "
            "prints its versions",
        ),
    ],
)
def test_a_hint_says_where_the_version_to_pin_can_be_read(numpy: dict[str, str], hint: str) -> None:
    assert said_with_hints("PIN101", packages={"torch": "2.5.0", "numpy": numpy})[0][2] == hint
