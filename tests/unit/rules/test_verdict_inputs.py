"""Small definitions that used to be judged wrong, each with the right answer, named by the symptom."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck import knowledge, rules
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.registry import judge_all

H: dict[str, Any] = {"python": "3.11", "platform": "linux/amd64", "accelerator": "cuda"}


def source(version: str) -> dict[str, str]:
    return {"version": version, "from": "source"}


def judged(outcome: Outcome, **fields: Any) -> dict[str, str]:
    """Return code -> message of what has one outcome."""
    facts = definition_facts(Stack.model_validate({"id": "case", **fields}), knowledge.load())
    verdicts = judge_all(rules.before_build(Level.STATED), facts)
    return {each.code: each.message for each in verdicts if each.outcome is outcome}


ORIN = {"platform": "linux/arm64", "accelerator": "cuda", "python": "3.10"}
WITH_DETECTRON = {"torch": "2.5.1", "detectron2": source("0.6")}
WITH_FLASH = {"torch": "2.11.0", "flash-attn": source("2.8.3")}
DEVEL = "nvidia/cuda:12.8.1-devel-ubuntu24.04"
CU126 = "https://download.pytorch.org/whl/cu126"

FAILS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "torchcodec_of_another_torch": (
        "NEEDS102",
        "libraries miss symbols",
        {**H, "packages": {"torch": "2.8.0", "torchcodec": "0.10.0"}},
    ),
    "server_wheel_on_a_jetson": (
        "ARCH101",
        "made for servers",
        {**ORIN, "gpus": ["AGX Orin"], "packages": {"torch": {"version": "2.9.1+cu126", "index": CU126}}},
    ),
    "arch_list_below_the_toolkit_of_the_image": (
        "ARCH104",
        "nvcc of CUDA 13.0 does not know sm_70",
        {
            **H,
            "image": {"ready": "nvcr.io/nvidia/pytorch:25.08-py3"},
            "arch_list": ["7.0"],
            "packages": {"torchsparse": source("2.1.0")},
        },
    ),
    "torch_of_the_image_on_a_newer_gpu": (
        "ARCH101",
        "RTX 5090",
        {**H, "image": {"ready": "pytorch/pytorch:2.3.1-cuda12.1-cudnn8-devel"}, "gpus": ["RTX 5090"]},
    ),
    "compiler_below_what_torch_needs": (
        "TOOLKIT102",
        "gcc 9 or later",
        {**H, "packages": WITH_DETECTRON, "toolkit": "12.4", "host_compiler": "gcc 7.5"},
    ),
    "setuptools_without_pkg_resources_and_an_old_torch": (
        "BUILD101",
        "imports pkg_resources",
        {**H, "packages": {"torch": "2.1.2", "detectron2": source("0.6"), "setuptools": "82.0.0"}},
    ),
    "image_and_toolkit_contradict": (
        "IMAGE108",
        "12.8",
        {**H, "packages": WITH_FLASH, "image": {"base": DEVEL}, "toolkit": "13.0"},
    ),
    "a_range_that_nothing_of_torch_accepts": (
        "NEEDS101",
        "triton >=3.1",
        {**H, "packages": {"torch": "2.4.0", "triton": ">=3.1"}},
    ),
    "a_numpy_range_without_numpy_1": (
        "NUMPY101",
        "admits no NumPy 1",
        {**H, "packages": {"torch": "2.2.2", "numpy": ">=2.0"}},
    ),
    "a_nightly_for_a_cuda_that_cannot_know_the_gpu": (
        "ARCH101",
        "has no code for RTX 5090",
        {**H, "packages": {"torch": "2.6.0.dev20241112+cu121"}, "gpus": ["RTX 5090"]},
    ),
    "a_gpu_that_no_rocm_wheel_serves": (
        "ROCM101",
        "gfx1031",
        {
            "platform": "linux/amd64",
            "accelerator": "rocm",
            "rocm": "6.0",
            "gpus": ["RX 6700 XT"],
            "packages": {"torch": ">=2.0"},
        },
    ),
    "an_override_to_another_instruction_set_whatever_the_wheel": (
        "ROCM103",
        "another instruction set",
        {
            "platform": "linux/amd64",
            "accelerator": "rocm",
            "rocm": "6.1",
            "gpus": ["gfx1010"],
            "index": {"find_links": ["https://repo.radeon.com/rocm/manylinux/rocm-rel-6.1/"]},
            "packages": {"torch": "latest"},
            "env": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
        },
    ),
    "an_override_to_another_instruction_set_of_an_open_torch": (
        "ROCM101",
        "another instruction set",
        {
            "platform": "linux/amd64",
            "accelerator": "rocm",
            "rocm": "6.1",
            "gpus": ["gfx1010"],
            "packages": {"torch": "latest"},
            "env": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
        },
    ),
    "an_import_that_a_later_torchvision_has_not": (
        "NEEDS102",
        "torchvision.transforms.functional_tensor",
        {**H, "packages": {"torch": "2.6.0", "torchvision": "0.21.0", "basicsr": source("1.4.2")}},
    ),
    "a_toolkit_below_the_floor_of_a_package": (
        "BUILD104",
        "below CUDA 11.6",
        {**H, "packages": {"torch": "2.0.1", "mamba-ssm": source("2.2.4")}, "toolkit": "11.5"},
    ),
    "a_variable_of_one_package_without_the_gpu": (
        "ARCH107",
        "flash-attn is compiled without code for B200 (10.0)",
        {
            **H,
            "packages": {"torch": "2.9.1", "flash-attn": source("2.8.3")},
            "env": {"FLASH_ATTN_CUDA_ARCHS": "80;90"},
            "gpus": ["B200"],
            "toolkit": "12.8",
        },
    ),
    "a_variable_of_one_package_that_nvcc_does_not_know": (
        "ARCH107",
        "asks for sm_70",
        {
            **H,
            "packages": {"torch": "2.11.0", "transformer-engine": source("2.9.0")},
            "env": {"NVTE_CUDA_ARCHS": "70;80;90"},
            "toolkit": "13.0",
        },
    ),
    "a_wheel_for_the_other_abi_of_the_same_torch": (
        "WHEEL103",
        "C++11 ABI",
        {
            **H,
            "index": {"find_links": ["https://shi-labs.com/natten/wheels/"]},
            "packages": {"torch": "2.6.0", "natten": "0.17.5+torch260cu126"},
        },
    ),
}

SOUND: dict[str, tuple[str, dict[str, Any]]] = {
    "torchcodec_of_this_torch": ("NEEDS102", {**H, "packages": {"torch": "2.8", "torchcodec": "0.7"}}),
    "torchao_works_in_part": ("NEEDS102", {**H, "packages": {"torch": "2.9.1", "torchao": "0.17.0"}}),
    "thor_runs_what_servers_run": (
        "ARCH101",
        {
            **ORIN,
            "gpus": ["11.0"],
            "packages": {
                "torch": {"version": "2.9.1+cu130", "index": "https://download.pytorch.org/whl/cu130"}
            },
        },
    ),
    "nvcc_is_never_asked_for_a_gpu_that_torch_leaves_out": (
        "ARCH105",
        {**H, "packages": WITH_DETECTRON, "toolkit": "12.4", "gpus": ["B200"]},
    ),
    "numpy_2_cannot_be_installed_on_python_38": (
        "NUMPY101",
        {**H, "python": "3.8", "packages": {"torch": "2.1.0", "numpy": "latest"}},
    ),
    "digits_of_a_local_version_are_a_release_that_exists": (
        "WHEEL101",
        {**H, "packages": {"torch": "2.0.1+cu118", "natten": "0.15.1+torch200cu118"}},
    ),
    "setuptools_82_and_a_torch_that_does_not_mind": (
        "BUILD101",
        {**H, "packages": {"torch": "2.2.2", "detectron2": source("0.6"), "setuptools": "82.0.0"}},
    ),
    "a_setuptools_range_with_an_older_one": (
        "BUILD101",
        {**H, "packages": {"torch": "2.1.2", "detectron2": source("0.6"), "setuptools": ">=60"}},
    ),
    "a_toolkit_at_the_floor_of_a_package": (
        "BUILD104",
        {**H, "packages": {"torch": "2.0.1", "mamba-ssm": source("2.2.4")}, "toolkit": "11.8"},
    ),
    "a_variable_of_one_package_with_the_gpu": (
        "ARCH107",
        {
            **H,
            "packages": {"torch": "2.9.1", "transformer-engine-torch": source("2.9.0")},
            "env": {"NVTE_CUDA_ARCHS": "80;90a"},
            "gpus": ["A100", "H100"],
            "toolkit": "12.8",
        },
    ),
    "a_word_that_is_no_capability": (
        "ARCH107",
        {
            **H,
            "packages": {"torch": "2.9.1", "ctranslate2": source("4.5.0")},
            "env": {"CMAKE_CUDA_ARCHITECTURES": "all-major"},
            "gpus": ["A100"],
        },
    ),
    "a_triton_range_that_torch_accepts": (
        "NEEDS101",
        {**H, "packages": {"torch": "2.4.0", "triton": ">=3.0,<3.2"}},
    ),
    "a_wheel_for_another_build_with_the_same_abi": (
        "WHEEL103",
        {
            **H,
            "index": {"find_links": ["https://shi-labs.com/natten/wheels/"]},
            "packages": {"torch": "2.5.1+cu121", "natten": "0.17.5+torch250cu124"},
        },
    ),
}


@pytest.mark.parametrize("symptom", FAILS)
def test_what_breaks_is_named(symptom: str) -> None:
    code, words, fields = FAILS[symptom]
    assert words in judged(Outcome.FAIL, **fields).get(code, "")


@pytest.mark.parametrize("symptom", SOUND)
def test_what_works_is_left_alone(symptom: str) -> None:
    code, fields = SOUND[symptom]
    assert code not in judged(Outcome.FAIL, **fields)


def test_the_same_stack_with_and_without_its_cuda_gets_the_same_answer() -> None:
    fields = {**H, "packages": WITH_DETECTRON, "toolkit": "12.4", "gpus": ["B200"]}
    assert judged(Outcome.FAIL, **fields).keys() == judged(Outcome.FAIL, **fields, cuda="12.4").keys()


def test_a_range_that_accepts_proves_nothing() -> None:
    fields = {**H, "packages": {"torch": "2.4.0", "triton": ">=3.0,<3.2"}}
    assert "NEEDS101" not in judged(Outcome.PASS, **fields)


def test_an_image_for_another_cuda_than_an_assumed_torch_warns() -> None:
    assert "IMAGE102" in judged(Outcome.WARN, **H, packages=WITH_FLASH, image={"base": DEVEL})


def test_a_jetson_with_the_cpu_wheel_of_pypi_fails_for_that() -> None:
    assert "CUDA103" in judged(Outcome.FAIL, **ORIN, gpus=["Jetson Orin Nano"], packages={"torch": "2.7.1"})


def test_torchao_and_transformers_warn() -> None:
    assert "NEEDS102" in judged(Outcome.WARN, **H, packages={"torch": "2.9.1", "torchao": "0.17.0"})
    assert "NEEDS102" in judged(Outcome.WARN, **H, packages={"torch": "2.0.1", "transformers": "4.57.1"})
