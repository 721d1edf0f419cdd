"""Builds that no script lists as they are: what their wheels printed, and what their indexes hold."""

from __future__ import annotations

import pytest

from tests.unit.rules.harness import said_with_hints


def arch(torch: str, platform: str, *gpus: str) -> list[tuple[str, str, str]]:
    return said_with_hints("ARCH101", packages={"torch": torch}, platform=platform, gpus=gpus)


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_a_build_that_only_the_index_shows_exists(platform: str) -> None:
    stack = {"packages": {"torch": "2.10.0+cu129", "torchvision": "0.25.0+cu129"}, "platform": platform}
    assert said_with_hints("CUDA101", **stack) == [("PASS", "torch 2.10.0+cu129 exists.", "")]
    assert arch("2.10.0+cu129", platform, "H100") == [
        ("SKIP", f"no data on the arch list of torch 2.10.0+cu129 for {platform}, so its GPUs were not checked.", "")
    ]  # fmt: skip


@pytest.mark.parametrize("torch", ["2.10.0+cu124", "2.14.0+cu129"])
def test_a_build_that_no_index_has_does_not(torch: str) -> None:
    ((outcome, _, _),) = said_with_hints("CUDA101", packages={"torch": torch})
    assert outcome == "FAIL"


@pytest.mark.parametrize("torch", ["2.4.0+cu124", "2.4.1+cu124", "2.5.0+cu124", "2.5.1+cu124"])
def test_the_first_arm64_builds_were_made_for_more_than_their_script_says(torch: str) -> None:
    served = "A100 (8.0) natively by sm_80, GH200 (9.0) natively by sm_90a"
    assert arch(torch, "linux/arm64", "A100", "GH200") == [
        ("PASS", f"torch {torch} (linux/arm64) serves {served}.", "")
    ]
    ((outcome, message, _),) = arch(torch, "linux/arm64", "GB200")
    assert (outcome, "Nothing of that runs on GB200 (10.0)" in message) == ("WARN", True)  # unverified


def test_torch_2_7_for_cuda_12_8_on_other_platforms() -> None:
    assert arch("2.7.1+cu128", "linux/arm64", "GH200", "GB200") == [
        ("PASS", "torch 2.7.1+cu128 (linux/arm64) serves GH200 (9.0) natively by sm_90, GB200 (10.0) natively by sm_100.", "")
    ]  # fmt: skip
    ((outcome, message, _),) = arch("2.7.1+cu128", "linux/arm64", "A100")
    assert outcome == "FAIL"
    assert "has sm_90 sm_100 sm_120. Nothing of that runs on A100 (8.0)." in message
    assert arch("2.7.1+cu128", "windows/amd64", "GTX 1080", "RTX 5090") == [
        ("PASS", "torch 2.7.1+cu128 (windows/amd64) serves GTX 1080 (6.1) natively by sm_61, RTX 5090 (12.0) natively by sm_120.", "")
    ]  # fmt: skip
    ((outcome, message, _),) = arch("2.7.1+cu126", "windows/amd64", "RTX 5090")
    assert outcome == "FAIL"
    assert "Nothing of that runs on RTX 5090 (12.0)." in message
