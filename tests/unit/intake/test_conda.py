"""Conda's environments: its packages under pip's names, pip's beside them, and CUDA where it is stated."""

from pathlib import Path

import pytest
import yaml

from stackcheck.intake import conda
from stackcheck.intake.stated import Found, Place, Stated


def read(text: str, folder: Path = Path()) -> Found:
    return conda.read(yaml.safe_load(text), text, "environment.yml", folder)


@pytest.mark.parametrize(
    ("spec", "key", "value"),
    [
        (
            "pytorch=2.1.0=py3.10_cuda11.8_cudnn8.7.0_0",
            "packages.torch",
            {"version": "2.1.0", "from": "conda"},
        ),
        ("pytorch::pytorch==2.1.2", "packages.torch", {"version": "2.1.2", "from": "conda"}),
        ("pytorch 2.1.2", "packages.torch", {"version": "2.1.2", "from": "conda"}),
        ("pytorch=2.1", "packages.torch", {"version": "==2.1.*", "from": "conda"}),
        ("pytorch=2.1.*", "packages.torch", {"version": "==2.1.*", "from": "conda"}),
        ("numpy>=1.2,<2", "packages.numpy", {"version": ">=1.2,<2", "from": "conda"}),
        ("xformers", "packages.xformers", {"version": "latest", "from": "conda"}),
        ("python=3.10", "python", "3.10"),
        ("python=3.10.12=h955ad1f_0", "python", "3.10"),
        ("pytorch-cuda=11.8", "cuda", "11.8"),
        ("cudatoolkit=11.3.1", "cuda", "11.3"),
    ],
)
def test_a_package_of_conda_is_stated(spec: str, key: str, value: object) -> None:
    assert list(conda.spec(spec, Place("e", 1))) == [Stated(key, value, Place("e", 1))]


@pytest.mark.parametrize(
    "spec",
    ["libpng=1.6", "python_abi=3.9", "conda", "cuda-cudart=11.8", "_libgcc_mutex=0.1=main", "pip", "python"],
)
def test_what_is_no_distribution_of_python_is_left_out(spec: str) -> None:
    assert list(conda.spec(spec, Place("e", 1))) == []


def test_the_pip_section_and_variables_are_read(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("ninja==1.11\n", encoding="utf-8")
    found = read(
        "dependencies:\n  - python=3.10\n  - pip:\n    - flash-attn==2.5.0\n    - -r more.txt\n    - bad one\n"
        "variables:\n  TORCH_CUDA_ARCH_LIST: '8.6'\n",
        tmp_path,
    )
    assert [(each.key, str(each.place)) for each in found.stated] == [
        ("python", "environment.yml:2"),
        ("packages.flash-attn", "environment.yml:4"),
        ("packages.ninja", "more.txt:1"),
        ("env.TORCH_CUDA_ARCH_LIST", "environment.yml:8"),
    ]
    assert [str(each.place) for each in found.open] == ["environment.yml:6"]


def test_an_explicit_list_is_read_by_its_addresses() -> None:
    text = (
        "@EXPLICIT\nhttps://conda.anaconda.org/pytorch/linux-64/pytorch-2.1.0-py3.10_cuda11.8_cudnn8.7.0_0.tar.bz2\n"
        "https://repo.anaconda.com/pkgs/main/linux-64/openssl-3.0.12-h7f8727e_0.conda#0123\n"
        "https://repo.anaconda.com/pkgs/main/linux-64/python-3.10.13-h955ad1f_0.conda\n"
    )
    assert [
        (each.key, each.value, each.place.line) for each in conda.read_explicit(text, "spec.txt").stated
    ] == [
        ("packages.torch", {"version": "2.1.0", "from": "conda"}, 2),
        ("python", "3.10", 4),
    ]


def test_pixi_states_both_kinds() -> None:
    document = {
        "dependencies": {"python": "3.11.*", "pytorch": {"version": "2.5.1", "build": "cuda126_py311"}},
        "pypi-dependencies": {"flash-attn": "==2.7.0", "ray": {"version": "*", "extras": ["default"]}},
        "system-requirements": {"cuda": "12.6"},
    }
    text = "python\npytorch\nflash-attn\nray\ncuda"
    found = conda.read_pixi(document, text, "pixi.toml")
    assert {each.key: each.value for each in found.stated} == {
        "python": "3.11",
        "packages.torch": {"version": "2.5.1", "from": "conda"},
        "packages.flash-attn": {"version": "2.7.0"},
        "packages.ray": {"version": "latest", "extras": ["default"]},
        "driver_cuda": "12.6",
    }
