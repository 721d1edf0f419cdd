"""What is known of a stack: which torch it gets, where that comes from, and what a wheel was made for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.environment import Environment, environment_of
from stackcheck.environment.images import image_facts
from stackcheck.environment.madefor import read_local, torch_minors
from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import LockedPackage, Resolution, Unresolved
from stackcheck.model.verdict import Level

TABLES = knowledge.load()
CU118 = "https://download.pytorch.org/whl/cu118"
CU121 = "https://download.pytorch.org/whl/cu121"
PYPI = "https://pypi.org/simple"
TUNA = "https://pypi.tuna.tsinghua.edu.cn/simple"
SJTU = "https://mirror.sjtu.edu.cn/pytorch-wheels/cu121"
CORP = "https://pypi.corp.example/simple"
WHEEL = "the wheel of torch 2.5.0 on PyPI for"


def env(
    environ: dict[str, str] | None = None, resolution: Resolution | None = None, **fields: Any
) -> Environment:
    return environment_of(Stack.model_validate({"id": "case", **fields}), TABLES, environ, resolution)


def resolved(*packages: tuple[str, str]) -> Resolution:
    locked = tuple(LockedPackage(n, Version(v), f"{n}-{v}.whl", index=PYPI) for n, v in packages)
    return Resolution(locked, "3.11", "x86_64-manylinux_2_28", "0.13.8", "")


T250 = {"torch": "2.5.0"}


def test_what_pypi_has_is_not_the_build_that_an_index_which_did_not_answer_may_have() -> None:
    silent = Unresolved("unreachable", "no answer", where=f"{CU118}/torch/")
    found = resolved(("torch", "2.5.0"), ("nvidia-cuda-runtime-cu12", "12.4.127"))
    fields: dict[str, Any] = {"packages": T250, "index": {"extra": [CU118]}}
    assert env(resolution=replace(found, unreached=(silent,)), **fields).torch.tag == "cu118"
    assert env(resolution=found, **fields).torch.tag == "cu124"


@pytest.mark.parametrize(
    ("fields", "tag", "by", "sure", "assumed"),
    [
        ({"packages": {"torch": "2.5.0+cu124"}, "cuda": "12.1"}, "cu124", "the local version of torch", True, False),
        ({"packages": T250, "index": {"url": CU121}, "cuda": "12.4"}, "cu121", f"the index {CU121}", True, False),
        ({"packages": T250, "index": {"url": SJTU}}, "cu121", f"the index {SJTU}", True, False),
        ({"packages": T250, "index": {"extra": [CU118]}}, "cu118", f"the index {CU118}", True, False),
        ({"packages": T250, "index": {"url": PYPI}, "cuda": "12.1"}, "cu124", f"{WHEEL} linux/amd64", True, False),
        ({"packages": T250, "index": {"url": TUNA}}, "cu124", f"{WHEEL} linux/amd64", True, False),
        ({"packages": T250}, "cu124", f"{WHEEL} linux/amd64", False, True),
        ({"packages": T250, "cuda": "12.4.1"}, "cu124", f"{WHEEL} linux/amd64", False, False),
        ({"packages": T250, "cuda": "12.1"}, "cu121", "the stack", False, False),
        ({"packages": T250, "accelerator": "cpu"}, "cpu", "the stack", False, False),
        ({"packages": T250, "rocm": "6.2"}, "rocm6.2", "the stack", False, False),
        ({"packages": T250, "platform": "windows/amd64"}, "cpu", f"{WHEEL} windows/amd64", False, True),
        ({"packages": {"torch": {"version": "2.5.0", "from": "conda"}}}, None, "nothing that the stack states", False, True),
        ({"packages": {"torch": "latest"}}, None, "nothing that the stack states", False, True),
        ({"packages": {"torch": "latest"}, "index": {"url": CU118}}, "cu118", f"the index {CU118}", True, False),
        ({"packages": {"torch": "latest"}, "index": {"extra": [CU118]}}, None, "nothing that the stack states", False, True),
        ({}, None, "nothing that the stack states", False, True),
        (
            {"image": {"ready": "pytorch/pytorch:2.7.1-cuda12.8-cudnn9-devel"}},
            "cu128", "the image pytorch/pytorch:2.7.1-cuda12.8-cudnn9-devel", True, False,
        ),
        (
            {"image": {"base": "nvcr.io/nvidia/pytorch:25.02-py3"}},
            "cu128", "the image nvcr.io/nvidia/pytorch:25.02-py3", True, False,
        ),
    ],
)  # fmt: skip
def test_the_one_torch_build(
    fields: dict[str, Any], tag: str | None, by: str, sure: bool, assumed: bool
) -> None:
    torch = env(**fields).torch
    assert (torch.tag, torch.by, torch.sure, torch.assumed) == (tag, by, sure, assumed)


def test_an_index_without_that_release_gives_way_to_pypi() -> None:
    torch = env(packages={"torch": "2.9.0"}, index={"extra": [CU118]}).torch
    assert (torch.tag, torch.by) == ("cu128", "the wheel of torch 2.9.0 on PyPI for linux/amd64")


def test_what_resolves_beats_what_is_stated() -> None:
    took = resolved(("torch", "2.15.0"), ("nvidia-cuda-runtime", "13.2.86"), ("numpy", "2.4.6"))
    known = env(resolution=took, packages={"torch": ">=2.4"}, cuda="12.4")
    assert (known.torch.tag, known.torch.version, known.torch.level) == (
        "cu132",
        Version("2.15.0"),
        Level.RESOLVED,
    )
    assert known.torch.by == "nvidia-cuda-runtime 13.2.86, which torch 2.15.0 draws in,"
    assert known.version("numpy") == Version("2.4.6")
    assert [each.what for each in known.choices(["torch", "numpy"])] == [
        "numpy 2.4.6 is drawn in by other packages",
        "torch 2.15.0 is what `>=2.4` resolves to today",
    ]


def test_conda_and_source_packages_are_not_what_the_resolver_drew_in() -> None:
    took = resolved(("torch", "2.15.0"), ("nvidia-cuda-runtime", "13.2.86"))
    known = env(resolution=took, packages={"torch": {"version": "2.1.0", "from": "conda"}}, cuda="11.8")
    assert (known.torch.tag, known.torch.version, known.torch.origin) == ("cu118", Version("2.1.0"), "conda")


def test_a_companion_is_built_for_what_it_was_taken_from() -> None:
    """An index that is named, and has nothing that new, says nothing of a torchvision from PyPI."""
    stated: dict[str, Any] = {"packages": {"torchvision": "latest"}, "index": {"extra": [CU118]}}
    assert env(**stated).build_of("torchvision") is None
    named = env(packages={"torchvision": "0.20.0"}, index={"extra": [CU118]}).build_of("torchvision")
    assert named is not None
    assert named.backend.tag == "cu118"
    took = resolved(("torch", "2.15.0"), ("torchvision", "0.29.2"))
    assert env(resolution=took, **stated).build_of("torchvision") is None


def test_a_torch_of_the_image_stays_until_pip_replaces_it() -> None:
    image = {"ready": "pytorch/pytorch:2.3.1-cuda12.1-cudnn8-devel"}
    assert env(image=image).torch.origin == "image"
    assert env(image=image, packages={"torch": "2.3.1"}).torch.origin == "image"
    replaced = env(image=image, packages={"torch": "2.5.0"}).torch
    assert (replaced.origin, replaced.tag, replaced.version) == ("wheel", "cu124", Version("2.5.0"))


def test_an_nvidia_container_has_a_torch_of_its_own() -> None:
    by_image = env(image={"ready": "nvcr.io/nvidia/pytorch:24.08-py3"}).torch
    by_version = env(packages={"torch": "2.5.0a0+872d972e41.nv24.8"}).torch
    assert (by_image.minor, by_image.nvidia, by_image.official) == ("2.5", True, False)
    assert (by_version.minor, by_version.nvidia, by_version.tag) == ("2.5", True, "cu126")


def test_a_wheel_for_jetson_is_not_the_torch_of_the_container_of_that_month() -> None:
    folder = "https://developer.download.nvidia.com/compute/redist/jp/v512/pytorch/"
    url = f"{folder}torch-2.1.0a0+41361538.nv23.06-cp38-cp38-linux_aarch64.whl"
    torch = env(packages={"torch": {"url": url}}).torch
    assert (torch.nvidia, torch.cuda, torch.vendor) == (False, None, "developer.download.nvidia.com")


@pytest.mark.parametrize(
    ("index", "vendor", "doubt"),
    [
        ({}, "", ""),
        ({"url": TUNA}, "", ""),
        ({"extra": ["https://pypi.nvidia.com", "https://flashinfer.ai/whl/cu124"]}, "", ""),
        ({"extra": ["https://repo.radeon.com/rocm/manylinux/rocm-rel-6.2/"]}, "repo.radeon.com", ""),
        ({"url": "https://stable.repo.amd.com/rocm/whl-next/"}, "stable.repo.amd.com", ""),
        ({"url": "https://repo.amd.com/rocm/whl-multi-arch/"}, "repo.amd.com", ""),
        ({"url": CORP}, "", "pypi.corp.example has PyTorch's own builds"),
        ({"url": "https://user:secret@pypi.corp.example/simple"}, "", "pypi.corp.example has PyTorch's own builds"),
        ({"find_links": ["./wheels"]}, "", ""),
        ({"url": "./wheels"}, "", "the folder ./wheels has PyTorch's own builds"),
    ],
)  # fmt: skip
def test_how_far_the_lists_of_official_wheels_reach(index: dict[str, Any], vendor: str, doubt: str) -> None:
    torch = env(packages=T250, index=index).torch
    assert (torch.vendor, torch.doubt) == (vendor, doubt)


@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_an_index_of_the_environment_is_an_index_of_the_stack(name: str) -> None:
    by_variable, by_field = env({name: CU121}, packages=T250), env(packages=T250, index={"url": CU121})
    assert by_variable.torch == by_field.torch
    assert env({name: CU121}, packages=T250, index={"url": CU118}).torch.tag == "cu118"


def test_further_indexes_of_the_environment_may_have_names() -> None:
    known = env({"UV_INDEX": f"corp={CORP} {CU121}", "PIP_FIND_LINKS": "./wheels"}, packages=T250)
    assert [place.url for place in known.sources("torch")] == ["./wheels", CORP, CU121, PYPI]


def test_a_toolkit_is_stated_or_the_images() -> None:
    devel = {"base": "nvidia/cuda:12.8.1-devel-ubuntu24.04"}
    assert env(image=devel).toolkit == (Version("12.8"), "the image nvidia/cuda:12.8.1-devel-ubuntu24.04")
    assert env(image=devel, toolkit="13.0").toolkit == (Version("13.0"), "the stack")
    assert env(image={"base": "nvidia/cuda:12.8.1-runtime-ubuntu24.04"}).toolkit is None
    assert env(image={"ready": "nvcr.io/nvidia/pytorch:25.02-py3"}).toolkit == (
        Version("12.8"), "the image nvcr.io/nvidia/pytorch:25.02-py3",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"accelerator": "cpu", "cuda": "12.4"}, "cpu"),
        ({"rocm": "6.2"}, "rocm"),
        ({"gpus": ["L4"]}, "cuda"),
        ({"gpus": ["gfx942"]}, "rocm"),
        ({"gpus": ["L4", "gfx942"]}, None),
        ({"cuda": "12.4"}, "cuda"),
        ({}, None),
    ],
)
def test_what_a_stack_is_for(fields: dict[str, Any], wanted: str | None) -> None:
    assert env(**fields).wanted == wanted


@pytest.mark.parametrize(
    ("name", "local", "torch", "tag", "abi"),
    [
        ("torch-scatter", "pt25cu124", "2.5", "cu124", None),
        ("torch-scatter", "pt212cu130", "2.12", "cu130", None),
        ("torch-scatter", "pt113cpu", "1.13", "cpu", None),
        ("pytorch3d", "pt2.1.0cu121", "2.1", "cu121", None),
        ("flash-attn", "cu118torch2.2cxx11abitrue", "2.2", "cu118", True),
        ("flash-attn", "cu12torch2.5cxx11abifalse", "2.5", "cu12", False),
        ("sageattention", "cu126torch2.7.1.post1", "2.7", "cu126", None),
        ("flash-attn", "cu124torch2.5", "2.5", "cu124", None),
        ("x", "cu121.torch2.4.0", "2.4", "cu121", None),
        ("x", "cu128.torch210", "2.10", "cu128", None),
        ("x", "torch2.5.cu124", "2.5", "cu124", None),
        ("natten", "torch200cu118", "2.0", "cu118", None),
        ("natten", "torch210cu121", "2.1", "cu121", None),
        ("natten", "torch250cu124", "2.5", "cu124", None),
        ("natten", "torch2100cu126", "2.10", "cu126", None),
        ("x", "torch111cu115", "1.11", "cu115", None),
        ("x", "cu118", None, "cu118", None),
        ("x", "rocm6.1", None, "rocm6.1", None),
    ],
)
def test_local_versions_of_extensions(
    name: str, local: str, torch: str | None, tag: str, abi: bool | None
) -> None:
    made = read_local(name, local, TABLES)
    assert made is not None
    assert (made.torch, made.tag, made.abi, made.ambiguous) == (torch, tag, abi, ())


def test_digits_that_may_be_two_releases_are_ambiguous() -> None:
    made = read_local("somebody-s-ops", "torch210cu121", TABLES)
    assert made is not None
    assert (made.torch, made.ambiguous) == (None, ("2.1", "2.10"))


@pytest.mark.parametrize("local", ["git5b838a8", "nv24.08", "1", "ubuntu22.04"])
def test_other_local_versions_say_nothing(local: str) -> None:
    assert read_local("x", local, TABLES) is None


def test_digits_of_a_release_that_nobody_knows_yet_are_taken_at_the_project_s_word() -> None:
    assert torch_minors("299", "minor", ("2.9.0",)) == ("2.99",)
    assert torch_minors("299", "", ("2.9.0",)) == ("2.9",)


def test_a_wheel_by_url_says_all_that_its_name_says() -> None:
    url = "https://download.pytorch.org/whl/cu124/torch-2.5.0%2Bcu124-cp311-cp311-linux_x86_64.whl"
    known = env(packages={"torch": {"url": url}})
    assert (known.torch.version, known.torch.tag, known.torch.sure) == (Version("2.5.0+cu124"), "cu124", True)
    assert known.torch.official
    assert (known.torch.doubt, known.torch.vendor) == ("", "")


def test_a_wheel_from_the_releases_of_a_project_was_made_for_what_it_says() -> None:
    file = "flash_attn-2.7.4.post1%2Bcu12torch2.5cxx11abiFALSE-cp311-cp311-linux_x86_64.whl"
    url = f"https://github.com/Dao-AILab/flash-attention/releases/download/v2.7.4.post1/{file}"
    made = env(packages={"torch": "2.5.0", "flash-attn": {"url": url}}).made_for("flash-attn")
    assert made is not None
    assert (made.torch, made.tag, made.abi) == ("2.5", "cu12", False)


def test_a_package_whose_marker_is_false_is_not_part_of_the_stack() -> None:
    packages = {"torch": "2.5.0", "triton-windows": {"version": "3.1.0", "marker": "sys_platform == 'win32'"}}
    known = env(packages=packages, platform="linux/amd64", python="3.11")
    assert "triton-windows" not in known.packages
    assert "triton-windows" not in known.stated


def test_an_image_of_another_project_brings_the_torch_that_is_told_of_it() -> None:
    facts = image_facts("docker.io/vllm/vllm-openai:v0.10.0", knowledge.load())
    assert (str(facts.torch), facts.backend and facts.backend.tag) == ("2.7.1", "cu126")
    assert image_facts("vllm/vllm-openai:v0.0.1", knowledge.load()).torch is None
