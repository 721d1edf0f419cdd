"""GPU names as people write them: the product they name, or an error that names the near ones."""

from __future__ import annotations

import pytest

from stackcheck.knowledge.gpus import find_gpu
from stackcheck_probes.judging import devices


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("RTX PRO 6000 Blackwell", "12.0"), ("RTX PRO 6000", "12.0"), ("RTX PRO 6000 Max-Q", "12.0"), ("RTX PRO 5000", "12.0"), ("RTX PRO 4000", "12.0"),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "12.0"), ("RTX 6000 Ada Generation", "8.9"), ("Quadro RTX 6000", "7.5"),
        ("GB10", "12.1"), ("NVIDIA GB10", "12.1"), ("DGX Spark", "12.1"), ("Jetson AGX Thor", "11.0"), ("Jetson Thor", "11.0"), ("Jetson T5000", "11.0"),
        ("A10G", "8.6"), ("H20", "9.0"), ("H800", "9.0"), ("A800", "8.0"), ("L20", "8.9"), ("T4G", "7.5"), ("Tesla V100S-PCIE-32GB", "7.0"), ("HGX B200", "10.0"),
        ("GTX 1650", "7.5"), ("GTX 1660", "7.5"), ("MX450", "7.5"), ("GT 1030", "6.1"), ("GTX 980M", "5.2"), ("RTX 4090 D", "8.9"), ("RTX 4070 Ti SUPER", "8.9"),
        ("A4000", "8.6"), ("A5000", "8.6"), ("A6000", "8.6"), ("Quadro P4000", "6.1"), ("P6000", "6.1"), ("Quadro M4000", "5.2"), ("Quadro T2000", "7.5"),
        ("GTX TITAN X", "5.2"), ("NVIDIA TITAN X (Pascal)", "6.1"), ("RTX 3060 Laptop GPU", "8.6"), ("A100-SXM4-80GB", "8.0"), ("NVIDIA H100 80GB HBM3", "9.0"), ("GH200 480GB", "9.0"),
        ("RX 590", "gfx803"), ("RX 7600M XT", "gfx1102"), ("Radeon 680M", "gfx1035"), ("780M", "gfx1103"), ("Radeon 890M", "gfx1150"), ("Radeon 8060S", "gfx1151"),
        ("Vega 64", "gfx900"), ("7900 XTX", "gfx1100"), ("Ryzen AI Max+ 395", "gfx1151"), ("RX 6800M", "gfx1031"), ("RX 6800", "gfx1030"), ("MI455X", "gfx1250"),
    ],
)  # fmt: skip
def test_a_name_finds_its_product(text: str, target: str) -> None:
    found = find_gpu(text)
    assert str(found.capability or found.gfx) == target
    assert (found.name, found.source != "") == (text, True)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("RTX A6000 Ada", "NVIDIA RTX 6000 Ada"), ("RTX PRO 9000", "RTX PRO"), ("RTX 4090 Ti", "GeForce RTX 4070 Ti"), ("H100 Ultra", "NVIDIA H100"),
        ("GTX 580", "GeForce GTX 980"), ("GeForce 580", "Radeon RX 580"), ("580", "Radeon RX 580"), ("AMD H100", "NVIDIA H100"), ("RX 6800 Ti", "Radeon RX 6800"), ("RX 7900", "Radeon RX 7900 XTX, Radeon RX 7900 XT, Radeon RX 7900 GRE"), ("GTX 1080 Ampere", "GeForce GTX 1080"),
    ],
)  # fmt: skip
def test_another_product_is_never_taken_for_one_that_is_known(text: str, near: str) -> None:
    with pytest.raises(ValueError, match=r"^no GPU named .* is known; near names: ") as told:
        find_gpu(text)
    assert near in str(told.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("TITAN X", "'TITAN X' could be any of NVIDIA TITAN X (Pascal) (6.1), GeForce GTX TITAN X (5.2); name one, or its compute capability"),
        ("RTX 6000", "'RTX 6000' could be any of NVIDIA RTX 6000 Ada (8.9), Quadro RTX 6000 (7.5); name one, or its compute capability"),
    ],
)  # fmt: skip
def test_a_name_of_two_generations_is_not_guessed(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="could be any of") as told:
        find_gpu(text)
    assert str(told.value) == message


@pytest.mark.parametrize(("text", "bare"), [("sm_90a", "sm_90"), ("9.0a", "9.0"), ("100f", "100")])
def test_a_target_of_code_is_not_a_gpu(text: str, bare: str) -> None:
    with pytest.raises(ValueError, match="what code was made for") as told:
        find_gpu(text)
    assert str(told.value) == f"{text!r} is what code was made for; of a GPU, drop the suffix: {bare!r}."


def test_the_kind_is_that_of_the_product_that_is_meant() -> None:
    names = [
        "RTX PRO 6000 Blackwell Server Edition",
        "RTX PRO 6000 Blackwell",
        "RTX PRO 4500 Blackwell",
        "H100",
    ]
    assert [find_gpu(name).kind for name in names] == ["datacenter", "", "workstation", "datacenter"]


def test_a_driver_s_name_is_held_against_whole_names() -> None:
    products = {devices.product_key(name): capability for name, capability in NAMES.items()}
    said = ["NVIDIA L4", "NVIDIA A100-SXM4-80GB", "Quadro RTX 6000", "NVIDIA RTX 6000 Ada Generation", "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "NVIDIA X"]  # fmt: skip
    found = [devices.capability_of_name(name, products) for name in said]
    assert found == ["8.9", "8.0", "7.5", "8.9", None, None]


NAMES = {"NVIDIA L4": "8.9", "NVIDIA A100": "8.0", "Quadro RTX 6000": "7.5", "NVIDIA RTX 6000 Ada": "8.9"}
