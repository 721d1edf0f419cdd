"""Builds that no row knows: what the toolkit that they were made with could not make."""

from __future__ import annotations

import pytest

from tests.unit.rules.harness import lines


@pytest.mark.parametrize(
    ("image", "gpu", "start"),
    [
        ("nvcr.io/nvidia/pytorch:26.08-py3", "V100", "FAIL: torch 2.14.0a0 (cu134) has no code for V100 (7.0): nvcc of CUDA 13.4 knows sm_75 "),
        ("nvcr.io/nvidia/pytorch:26.08-py3", "T4", "SKIP: no data on the arch list of torch 2.14.0a0 (cu134) of NVIDIA's container"),
        ("nvcr.io/nvidia/pytorch:24.08-py3", "RTX 5090", "SKIP: no data on the arch list of torch 2.5.0a0 (cu126) of NVIDIA's container"),
    ],
)  # fmt: skip
def test_no_container_has_code_that_its_nvcc_dropped_and_ptx_may_serve_what_is_newer(
    image: str, gpu: str, start: str
) -> None:
    (line,) = lines("ARCH101", image={"ready": image}, gpus=[gpu])
    assert line.startswith(start)


@pytest.mark.parametrize(
    ("torch", "gpu", "outcome"),
    [
        ("2.17.0.dev20261120+cu126", "RTX 5090", "FAIL"),
        ("2.17.0.dev20261120+cu130", "RTX 5090", "SKIP"),
        ("2.17.0.dev20261120+cu130", "V100", "FAIL"),
        ("2.17.0.dev20261120+cu126", "V100", "SKIP"),
    ],
)
def test_a_nightly_is_judged_by_its_tag(torch: str, gpu: str, outcome: str) -> None:
    found = lines("ARCH101", packages={"torch": torch}, gpus=[gpu], platform="linux/amd64")
    assert [line[:4] for line in found] == [outcome]
