"""What a stack says of its torch, and what a wheel was made for."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck import tables
from stackcheck.claimed import read_local, torch_claim
from stackcheck.definition import Stack

TABLES = tables.load()
CU121 = "https://download.pytorch.org/whl/cu121"


def _stack(**fields: Any) -> Stack:
    return Stack.model_validate({"id": "case", **fields})


@pytest.mark.parametrize(
    ("fields", "tag", "why", "assumed"),
    [
        ({"packages": {"torch": "2.5.0+cu124"}, "cuda": "12.1"}, "cu124", "torch 2.5.0+cu124", False),
        ({"packages": {"torch": "2.5.0"}, "cuda": "12.4.1"}, "cu124", "cuda = 12.4.1", False),
        ({"packages": {"torch": "2.5.0"}, "accelerator": "cpu"}, "cpu", "accelerator = cpu", False),
        ({"packages": {"torch": "2.5.0"}, "rocm": "6.2"}, "rocm6.2", "rocm = 6.2", False),
        ({"packages": {"torch": "2.5.0"}, "index": {"url": CU121}}, "cu121", f"index {CU121}", False),
        ({"packages": {"torch": "2.5.0"}}, "cu124", "the wheel of torch 2.5.0 on PyPI", True),
        (
            {"packages": {"torch": "2.5.0"}, "index": {"url": "https://pypi.org/simple"}},
            "cu124",
            "the wheel of torch 2.5.0 on PyPI",
            False,
        ),
        (
            {"packages": {"torch": "2.5.0"}, "platform": "windows/amd64"},
            "cpu",
            "the wheel of torch 2.5.0 on PyPI",
            True,
        ),
        ({"packages": {"torch": {"version": "2.5.0", "from": "conda"}}}, None, "not stated", True),
        ({"packages": {"torch": "latest"}}, None, "not stated", True),
        ({}, None, "not stated", True),
        (
            {"image": {"ready": "pytorch/pytorch:2.7.1-cuda12.8-cudnn9-devel"}},
            "cu128",
            "image pytorch/pytorch:2.7.1-cuda12.8-cudnn9-devel",
            False,
        ),
        (
            {"image": {"base": "nvcr.io/nvidia/pytorch:25.02-py3"}},
            "cu128",
            "image nvcr.io/nvidia/pytorch:25.02-py3",
            False,
        ),
    ],
)
def test_the_tag_of_torch(fields: dict[str, Any], tag: str | None, why: str, assumed: bool) -> None:
    claim = torch_claim(_stack(**fields), TABLES)
    assert (claim.tag, claim.why, claim.assumed) == (tag, why, assumed)


def test_an_nvidia_container_has_a_torch_of_its_own() -> None:
    by_image = torch_claim(_stack(image={"ready": "nvcr.io/nvidia/pytorch:24.08-py3"}), TABLES)
    by_version = torch_claim(_stack(packages={"torch": "2.5.0a0+872d972e41.nv24.8"}), TABLES)
    assert (by_image.minor, by_image.nvidia, by_image.official) == ("2.5", True, False)
    assert (by_version.minor, by_version.nvidia, by_version.tag) == ("2.5", True, "cu126")


@pytest.mark.parametrize(
    ("local", "torch", "tag", "abi"),
    [
        ("pt25cu124", "2.5", "cu124", None),
        ("pt212cu130", "2.12", "cu130", None),
        ("pt113cpu", "1.13", "cpu", None),
        ("cu118torch2.2cxx11abitrue", "2.2", "cu118", True),
        ("cu12torch2.5cxx11abifalse", "2.5", "cu12", False),
        ("cu124torch2.5", "2.5", "cu124", None),
        ("torch2.5.cu124", "2.5", "cu124", None),
        ("torch111cu115", "1.11", "cu115", None),
        ("cu118", None, "cu118", None),
        ("rocm6.1", None, "rocm6.1", None),
    ],
)
def test_local_versions_of_extensions(local: str, torch: str | None, tag: str, abi: bool | None) -> None:
    made = read_local(local)
    assert made is not None
    assert (made.torch, made.tag, made.abi) == (torch, tag, abi)


@pytest.mark.parametrize("local", ["git5b838a8", "nv24.08", "1", "ubuntu22.04"])
def test_other_local_versions_say_nothing(local: str) -> None:
    assert read_local(local) is None
