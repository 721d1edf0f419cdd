"""ARCH108: cuDNN has kernels for the GPUs, or had them until 9.11."""

from __future__ import annotations

import pytest

from tests.unit.rules.harness import said_with_hints

V100 = {"gpus": ["V100"], "cuda": "12.6"}


def test_a_volta_beside_a_cudnn_that_left_it_fails() -> None:
    packages = {"torch": "2.8.0", "nvidia-cudnn-cu12": "9.14.0.64"}
    assert said_with_hints("ARCH108", packages=packages, **V100) == [
        (
            "FAIL",
            "nvidia-cudnn-cu12 9.14.0.64 has kernels from compute capability 7.5 on, and so none for V100 (7.0).",
            "remove nvidia-cudnn-cu12 from the stack, so that torch takes the one that it was built with",
        )
    ]


@pytest.mark.parametrize(
    ("gpu", "cudnn", "first"),
    [("V100", "9.10.2.21", "5.0"), ("T4", "9.14.0.64", "7.5"), ("H100", "9.14.0.64", "7.5")],
)
def test_a_gpu_that_the_version_serves_passes(gpu: str, cudnn: str, first: str) -> None:
    packages = {"torch": "2.8.0", "nvidia-cudnn-cu12": cudnn}
    says = f"nvidia-cudnn-cu12 {cudnn} has kernels from compute capability {first} on, which all GPUs of the stack have."
    assert said_with_hints("ARCH108", packages=packages, gpus=[gpu], cuda="12.6") == [("PASS", says, "")]


@pytest.mark.parametrize("cudnn", ["8.9.7.29", "latest", ">=9"])
def test_a_version_without_a_row_or_that_is_not_exact_is_not_judged(cudnn: str) -> None:
    packages = {"torch": "2.8.0", "nvidia-cudnn-cu12": cudnn}
    assert said_with_hints("ARCH108", packages=packages, **V100) == []
