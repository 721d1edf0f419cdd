"""The published image chain and the published gfx803 recipe: their verdicts are exactly these."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcheck import rules
from stackcheck.images.dockersteps import steps
from stackcheck.images.layercache import forecast, keep
from stackcheck.intake import catalog
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.registry import judge_all
from stackcheck.steps.claiming import claimed

MATRICES = Path(__file__).parents[3] / "matrices"
SHIPPED = {stack.id: stack for stack in catalog.load([MATRICES])}
BAD = (Outcome.WARN, Outcome.FAIL, Outcome.SKIP, Outcome.ERROR)
CHAINS = {
    "pytorch-clean-runner": ["pytorch-clean", "pytorch-clean-base", "pytorch-clean-training"],
    "rocm-gfx803-audio": ["rocm-gfx803-base", "rocm-gfx803-torch", "rocm-gfx803-vision"],
}
GOOD = [name for top, below in CHAINS.items() for name in (*below, top)]


def said(stack_id: str, *outcomes: Outcome, **changes: object) -> list[tuple[str, str, str]]:
    """Return (outcome, code, message) of a stack's verdicts before any build."""
    stack = SHIPPED[stack_id].model_copy(update=changes)
    early = rules.before_build(Level.STATED)
    verdicts = judge_all(early, claimed(stack))
    return [(v.outcome.name, v.code, v.message) for v in verdicts if v.outcome in (outcomes or BAD)]


def test_the_published_chain_has_exactly_these_findings() -> None:
    assert said("pytorch-clean-published") == [
        (
            "WARN",
            "BUILD101",
            "torch 2.6.0 from source: cmake>=4 breaks it (protobuf, psimd, FP16, NNPACK, ittapi, gloo and ideep in third_party ask for a CMake older than 3.5), and the stack states no cmake.",
        ),
        (
            "FAIL",
            "IMAGE101",
            "nvidia/cuda:12.4.1-cudnn9-devel-ubuntu22.04 does not exist: images of CUDA 12.4 spell cuDNN `cudnn`.",
        ),
        (
            "WARN",
            "TORCH101",
            "torchvision 0.20.0 belongs to torch==2.5.0, and the stack builds it from source against torch 2.6.0, which needs torchvision 0.21.0: a combination that nobody tests.",
        ),
    ]
    assert SHIPPED["pytorch-clean-published"].expect_codes == ("IMAGE101",)


def test_as_wheels_the_published_pair_fails() -> None:
    wheels = {name: "2.6.0" if name != "torchvision" else "0.20.0" for name in ("torch", "torchvision")}
    stack = SHIPPED["pytorch-clean-wheels"]
    packages = type(stack).model_validate({"id": "s", "packages": wheels}).packages
    assert said(stack.id, packages=packages) == [
        ("FAIL", "TORCH101", "torchvision 0.20.0 requires torch==2.5.0; the stack has 2.6.0.")
    ]


def test_the_wheels_are_not_broken_on_l4() -> None:
    passed = {code: message for _, code, message in said("pytorch-clean-wheels", Outcome.PASS)}
    assert passed["ARCH101"] == (
        "torch 2.6.0+cu124 (linux/amd64) serves T4 (7.5) natively by sm_75, L4 (8.9) by sm_86, A100 (8.0) natively by sm_80, H100 (9.0) natively by sm_90."
    )


def test_the_wheels_are_not_native_on_l4_which_is_why_the_chain_compiles() -> None:
    assert said("pytorch-clean-wheels", arch_mode="native") == [
        (
            "FAIL",
            "ARCH101",
            "torch 2.6.0+cu124 (linux/amd64) has sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90. That is not native for L4 (8.9), which the stack asks for: L4 (8.9) by sm_86.",
        )
    ]


def test_the_chain_compiles_for_each_gpu() -> None:
    passed = {code: message for _, code, message in said("pytorch-clean", Outcome.PASS)}
    assert passed["ARCH103"] == (
        "The arch list serves T4 (7.5) natively by sm_75, A100 (8.0) natively by sm_80, A10 (8.6) natively by sm_86, L4 (8.9) natively by sm_89, H100 (9.0) natively by sm_90."
    )
    missing = tuple(each for each in SHIPPED["pytorch-clean"].arch_list if each != "8.9")
    assert said("pytorch-clean", arch_list=missing) == [
        (
            "FAIL",
            "ARCH103",
            "The arch list '7.5;8.0;8.6;9.0' is not native for L4 (8.9), as the stack asks: L4 (8.9) by sm_86.",
        )
    ]


def test_the_published_gfx803_recipe_has_exactly_these_findings() -> None:
    assert said("rocm-gfx803-published") == [
        (
            "FAIL",
            "BUILD101",
            "torch 2.6.0 from source does not build with cmake latest: protobuf, psimd, FP16, NNPACK, ittapi, gloo and ideep in third_party ask for a CMake older than 3.5.",
        ),
        (
            "WARN",
            "ENV101",
            "ROC_ENABLE_PRE_VEGA='1': no effect on PyTorch: only the OpenCL runtime read it, and ROCm 6.0 removed it.",
        ),
        (
            "WARN",
            "ENV101",
            "PYTHONPATH='/pytorch': a source tree of torch is imported instead of, or beside, the installed one: two torches in a process abort with `RpcBackendOptions is already registered`.",
        ),
        ("WARN", "PIN101", "1 of 4 packages is not pinned: cmake (latest)."),
    ]
    passed = {code: message for _, code, message in said("rocm-gfx803-published", Outcome.PASS)}
    assert passed["ROCM101"] == "torch is built for gfx803, which serves RX 580 (gfx803)."
    assert passed["ROCM103"] == "HSA_OVERRIDE_GFX_VERSION=8.0.3 is read as gfx803."
    assert passed["ROCM104"] == "hipBLASLt is switched off for RX 580 (gfx803)."


def test_a_wrong_override_is_found() -> None:
    env = SHIPPED["rocm-gfx803-audio"].env | {"HSA_OVERRIDE_GFX_VERSION": "9.0.0"}
    assert said("rocm-gfx803-audio", env=env) == [
        ("FAIL", "ROCM101", "torch is built for gfx803, and RX 580 (gfx803) is gfx900.")
    ]
    env |= {"HSA_OVERRIDE_GFX_VERSION": "gfx803"}
    assert ("FAIL", "ROCM103") in [(o, c) for o, c, _ in said("rocm-gfx803-audio", env=env)]


@pytest.mark.parametrize("stack_id", GOOD)
def test_every_tier_of_the_good_chains_is_without_findings(stack_id: str) -> None:
    assert said(stack_id) == []
    assert said(stack_id, Outcome.PASS)


@pytest.mark.parametrize("top", CHAINS)
def test_the_chains_stand_in_order(top: str) -> None:
    assert [tier.id for tier in SHIPPED[top].below] == CHAINS[top]


TORCH = (MATRICES / "rocm-gfx803/torch/Dockerfile").read_text(encoding="utf-8")
WHEEL = "RUN python setup.py bdist_wheel"


def rebuilds_torch(changed: str) -> bool:
    """Tell whether the hours of torch's wheel are spent again after a change of its Dockerfile."""
    told = forecast(keep(steps(TORCH, {})), steps(changed, {}))
    return any(each.rebuilt for each in told if each.step.text.startswith(WHEEL))


@pytest.mark.parametrize(
    ("old", "new", "rebuilt"),
    [
        ("# The seven", "# Seven", False),
        ("RUN rm -rf /pytorch\n", "RUN rm -rf /pytorch /root/.cache\n", False),
        ("RUN rm -rf /pytorch\n", "RUN rm -rf /pytorch\nENV AFTER=1\nRUN true\n", False),
        ("MINIMUM=3.5 ", "MINIMUM=3.10 ", True),
        ("release/2.6", "release/2.7", True),
        ("WORKDIR /pytorch\n", "WORKDIR /pytorch\nRUN true\n", True),
        ("FROM rocm-gfx803-base:6.4", "FROM rocm-gfx803-base:6.3", True),
        ("ENV CMAKE", "ARG JOBS=8\nENV CMAKE", True),
        ("ENV CMAKE", "LABEL of=me\nENV CMAKE", False),
    ],
)
def test_which_change_of_the_recipe_builds_torch_again(old: str, new: str, *, rebuilt: bool) -> None:
    changed = TORCH.replace(old, new, 1)
    assert changed != TORCH
    assert rebuilds_torch(changed) is rebuilt
