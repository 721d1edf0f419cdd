"""The tags that images have: for each kind one that is not there, one that is, and one that nothing tells of."""

from __future__ import annotations

import pytest

from stackcheck.knowledge import load
from stackcheck.knowledge.images import cuda_tag_parts
from tests.unit.rules.harness import lines, said


@pytest.mark.parametrize(
    ("tag", "outcome"),
    [
        ("12.4.1-devel-ubuntu24.04", "FAIL"), ("12.5.1-devel-ubuntu24.04", "PASS"), ("12.6.3-devel-ubuntu24.04", "PASS"), ("13.0.0-devel-ubuntu20.04", "FAIL"),
        ("12.9.1-devel-ubuntu20.04", "PASS"), ("11.6.2-runtime-ubuntu22.04", "FAIL"), ("11.8.0-runtime-ubuntu22.04", "PASS"), ("12.2.2-base-ubuntu18.04", "FAIL"),
        ("12.2.2-base-ubuntu20.04", "PASS"), ("12.4.1-cudnn-devel-rockylinux9", "PASS"), ("12.6.0-devel-amzn2023", "PASS"), ("12.6.0-cudnn-devel-amzn2023", "FAIL"),
        ("12.3.2-cudnn9-devel-ubuntu22.04", "PASS"), ("12.3.2-cudnn8-devel-ubuntu22.04", "FAIL"), ("12.3.1-cudnn9-devel-ubuntu22.04", "FAIL"), ("12.4.0-cudnn-devel-ubuntu22.04", "FAIL"),
        ("12.6.3-cudnn-base-ubuntu24.04", "FAIL"), ("13.0.1-cudnn-devel-ubi10", "PASS"), ("13.0.2-devel-ubi10", "FAIL"), ("12.9.0-devel-ubuntu26.04", "FAIL"),
        ("13.3.1-devel-ubuntu26.04", "PASS"), ("13.3.1-devel-ubi9", "SKIP"), ("12.8.2-cudnn-devel-ubuntu24.04", "SKIP"), ("99.1.1-devel-ubuntu24.04", "SKIP"), ("12.6.0-devel", "SKIP"),
    ],
)  # fmt: skip
def test_a_version_of_cuda_has_images_on_some_systems(tag: str, outcome: str) -> None:
    assert [each for each, _ in said("IMAGE101", image={"base": f"nvidia/cuda:{tag}"})] == [outcome]


def test_what_is_said_of_a_tag_that_is_not_there() -> None:
    assert lines("IMAGE101", image={"base": "nvidia/cuda:12.4.1-devel-ubuntu24.04"}) == [
        "FAIL: nvidia/cuda:12.4.1-devel-ubuntu24.04 does not exist: CUDA 12.4.1 is built on ubuntu20.04, ubuntu22.04, ubi8, ubi9, rockylinux8, rockylinux9."
    ]
    assert lines("IMAGE101", image={"base": "nvidia/cuda:12.4.0-cudnn-devel-ubuntu22.04"}) == [
        "FAIL: nvidia/cuda:12.4.0-cudnn-devel-ubuntu22.04 does not exist: of CUDA 12.4.0, images with cuDNN are on no system."
    ]
    assert lines("IMAGE101", image={"base": "nvidia/cuda:12.6.3-cudnn-base-ubuntu24.04"}) == [
        "FAIL: nvidia/cuda:12.6.3-cudnn-base-ubuntu24.04 does not exist: the base images have no cuDNN, only runtime and devel have it."
    ]
    assert lines("IMAGE101", image={"base": "nvidia/cuda:99.1.1-devel-ubuntu24.04"}) == [
        "SKIP: no data on whether nvidia/cuda:99.1.1-devel-ubuntu24.04 exists: no registry was asked, and the tags that are known do not have it."
    ]


@pytest.mark.parametrize(
    ("tag", "near"),
    [
        ("12.4.1-devel-ubuntu24.04", ["12.4.1-devel-ubuntu20.04", "12.4.1-devel-ubuntu22.04"]),
        ("13.0.0-devel-ubuntu20.04", ["13.0.3-devel-ubuntu22.04", "13.0.3-devel-ubuntu24.04"]),
        ("12.4.0-cudnn-devel-ubuntu22.04", ["12.4.1-cudnn-devel-ubuntu22.04"]),
    ],
)
def test_the_nearest_tags_that_exist(tag: str, near: list[str]) -> None:
    parts, table = cuda_tag_parts(tag), load().images
    assert parts is not None
    found = [str(each) for each in table.near_tags(parts)]
    assert set(near) <= set(found[:3])


def test_no_list_of_tags_contradicts_the_words_for_cudnn() -> None:
    table = load().images
    assert {str(row.cuda) for row in table.cuda_tags if table.cudnn_tag(row.cuda) is None} == set()
    assert all(set(row.no_cudnn) <= set(row.systems) for row in table.cuda_tags)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("pytorch/pytorch:2.5.1-cuda12.8-cudnn9-devel", "FAIL: pytorch/pytorch:2.5.1-cuda12.8-cudnn9-devel does not exist: torch 2.5.1 was built for CUDA 11.8, 12.1, 12.4, not for 12.8."),
        ("pytorch/pytorch:2.5.1-cuda12.4-cudnn8-devel", "FAIL: pytorch/pytorch:2.5.1-cuda12.4-cudnn8-devel does not exist: images of torch 2.5.1 have cuDNN 9."),
        ("docker.io/pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime", "PASS: docker.io/pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime names a CUDA version that PyTorch makes images of torch 2.5.1 for."),
        ("pytorch/pytorch:2.14.1-cuda13.2-cudnn9-devel", "PASS: pytorch/pytorch:2.14.1-cuda13.2-cudnn9-devel names a CUDA version that PyTorch makes images of torch 2.14.1 for."),
        ("pytorch/pytorch:latest", "SKIP: no data on whether pytorch/pytorch:latest exists: no registry was asked, and the tags that are known do not have it."),
        ("pytorch/pytorch:2.0.1-cuda11.8-cudnn8-devel", "SKIP: no data on whether pytorch/pytorch:2.0.1-cuda11.8-cudnn8-devel exists: before torch 2.1 not every CUDA version had an image."),
        ("nvcr.io/nvidia/pytorch:26.08-py3", "PASS: nvcr.io/nvidia/pytorch:26.08-py3 is a release of NVIDIA's container: torch 2.14.0a0, CUDA 13.4, Python 3.12."),
        ("nvcr.io/nvidia/pytorch:27.04-py3", "SKIP: no data on what nvcr.io/nvidia/pytorch:27.04-py3 holds: the releases that are known end with 26.09."),
    ],
)  # fmt: skip
def test_images_that_bring_a_torch(name: str, line: str) -> None:
    assert lines("IMAGE101", image={"ready": name}) == [line]


def test_an_image_by_its_digest_or_of_a_registry_of_one_s_own_is_not_judged() -> None:
    digest = "nvidia/cuda:12.4.1-devel-ubuntu24.04@sha256:0000"
    for name in (digest, "registry.example/nvidia/cuda:12.4.1-devel-ubuntu24.04", "python:3.11-slim"):
        assert lines("IMAGE101", image={"base": name}) == []
