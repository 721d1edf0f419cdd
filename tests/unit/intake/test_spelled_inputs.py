"""Inputs of people, each with the right answer: ranges, short versions, mirrors, the NumPy that is drawn in."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcheck import knowledge, rules
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.rules.registry import judge_all

BASE: dict[str, Any] = {"id": "s", "python": "3.11", "platform": "linux/amd64", "accelerator": "cuda"}
PYPI = "https://pypi.org/simple"


def resolution(**versions: str) -> Resolution:
    locked = (
        LockedPackage(
            name.replace("_", "-"),
            Version(version),
            f"{name}-{version}-cp311-cp311-linux_x86_64.whl",
            index=PYPI,
        )
        for name, version in versions.items()
    )
    return Resolution(tuple(locked), "3.11", "x86_64-manylinux_2_28", "0.13.8", "")


def judged(took: Resolution | None = None, **fields: Any) -> dict[str, list[Verdict]]:
    stack = Stack.model_validate({**BASE, **fields})
    facts = definition_facts(stack, knowledge.load(), resolution=took)
    found: dict[str, list[Verdict]] = {}
    for verdict in judge_all(rules.before_build(Level.STATED), facts):
        found.setdefault(verdict.code, []).append(verdict)
    return found


def outcome(found: dict[str, list[Verdict]], code: str) -> Outcome:
    (verdict,) = found[code]
    return verdict.outcome


def test_a_range_that_resolves_to_a_torch_the_gpu_and_the_driver_do_not_run() -> None:
    stated: dict[str, Any] = {
        "gpus": ["GTX 1080 Ti"],
        "driver": "535.104.05",
        "packages": {"torch": ">=2.4", "numpy": "<2"},
    }
    found = judged(resolution(torch="2.15.0", nvidia_cuda_runtime="13.2.86", numpy="1.26.4"), **stated)
    assert outcome(found, "ARCH101") is Outcome.FAIL
    assert outcome(found, "DRIVER101") is Outcome.FAIL
    offline = judged(**stated)
    assert outcome(offline, "ARCH101") is Outcome.SKIP
    assert outcome(offline, "DRIVER101") is Outcome.SKIP


def test_the_gpus_of_a_stack_with_an_open_torch_are_listed_as_not_checked() -> None:
    found = judged(packages={"torch": ">=2.6,<2.7"}, gpus=["RTX 5090"])
    assert outcome(found, "ARCH101") is Outcome.SKIP


@pytest.mark.parametrize("torch", ["2.4", "2.4.0", "==2.4", "2.4.0.0"])
def test_a_short_version_is_the_same_release(torch: str) -> None:
    found = judged(packages={"torch": torch, "torchvision": "0.19"}, gpus=["RTX 5090"])
    assert outcome(found, "ARCH101") is Outcome.FAIL
    assert outcome(found, "TORCH101") is Outcome.PASS


@pytest.mark.parametrize(
    "index",
    [
        {"url": "https://pypi.tuna.tsinghua.edu.cn/simple"},
        {"extra": ["https://flashinfer.ai/whl/cu124"]},
        {"extra": ["https://pypi.nvidia.com"]},
        {"extra": ["https://mirror.sjtu.edu.cn/pytorch-wheels/cu121"]},
        {"find_links": ["https://mirrors.aliyun.com/pytorch-wheels/cu121"]},
    ],
)
def test_a_mirror_or_a_project_s_index_switches_nothing_off(index: dict[str, Any]) -> None:
    found = judged(packages={"torch": "2.4.1"}, gpus=["RTX 5070 Ti"], index=index)
    assert outcome(found, "ARCH101") is Outcome.FAIL


def test_the_numpy_that_is_drawn_in_is_judged() -> None:
    packages = {"torch": "2.2.2", "transformers": "4.44.2"}
    found = judged(resolution(torch="2.2.2", transformers="4.44.2", numpy="2.4.6"), packages=packages)
    (verdict,) = found["NUMPY101"]
    assert (verdict.outcome, verdict.level) == (Outcome.FAIL, Level.RESOLVED)
    assert verdict.message.endswith("numpy 2.4.6 is drawn in by other packages.")


def test_the_numpy_of_conda_is_not_what_pip_would_draw_in() -> None:
    packages = {"torch": {"version": "2.1.0", "from": "conda"}, "timm": "0.9.12"}
    found = judged(resolution(timm="0.9.12", numpy="2.4.6"), packages=packages, cuda="11.8")
    assert outcome(found, "NUMPY101") is Outcome.SKIP
    assert not [v for said in found.values() for v in said if v.outcome is Outcome.FAIL]


def test_an_index_and_a_stated_cuda_that_disagree_give_one_torch() -> None:
    index = {"url": "https://download.pytorch.org/whl/cu118"}
    for scatter, right in (("2.1.2+pt25cu124", Outcome.FAIL), ("2.1.2+pt25cu118", Outcome.PASS)):
        packages = {"torch": "2.5.0", "torchvision": "0.20.0", "torch-scatter": scatter}
        found = judged(packages=packages, cuda="12.4", index=index)
        assert outcome(found, "WHEEL102") is right
        assert outcome(found, "CUDA102") is Outcome.FAIL
