"""GPU names as people write them: the product they name, or an error that names the near ones."""

from __future__ import annotations

import pytest

from stackcheck.knowledge.gpus import find_gpu, load
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
    ("text", "target"),
    [
        ("NVIDIA RTX PRO 1000 Blackwell Generation Laptop GPU", "12.0"), ("RTX PRO 500 Blackwell Embedded GPU", "12.0"), ("NVIDIA RTX PRO 3000 Blackwell", "12.0"), ("RTX 6000D", "12.0"),
        ("RTX A4500", "8.6"), ("NVIDIA RTX A1000 6GB Laptop GPU", "8.6"), ("RTX 500 Ada Generation Laptop GPU", "8.9"), ("L40G", "8.9"), ("A100X", "8.0"), ("CMP 170HX", "8.0"),
        ("GeForce RTX 2050", "8.6"), ("GeForce RTX 3050 A Laptop GPU", "8.9"), ("RTX 3050 Laptop GPU", "8.6"), ("Quadro RTX 3000 Mobile", "7.5"), ("VR200", "10.7"), ("Vera Rubin NVL72", "10.7"),
        ("NVIDIA-H100-80GB-HBM3", "9.0"), ("Tesla-T4-SHARED", "7.5"), ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb-SHARED", "8.0"), ("nvidia-h100-mega-80gb", "9.0"), ("nvidia-tesla-v100", "7.0"),
        ("NVIDIA A10-24Q", "8.6"), ("GRID A100-10C", "8.0"), ("NVIDIA B300 SXM6 AC", "10.3"), ("NVIDIA H20-3e", "9.0"),
        ("p4d.24xlarge", "8.0"), ("ml.p4d.24xlarge", "8.0"), ("g5", "8.6"), ("g4dn.xlarge", "7.5"), ("p5.48xlarge", "9.0"), ("p6-b200.48xlarge", "10.0"), ("p6-b300.48xlarge", "10.3"), ("g7e.2xlarge", "12.0"),
        ("a2-highgpu-1g", "8.0"), ("a2-highgpu", "8.0"), ("g2-standard-8", "8.9"), ("a3-ultragpu-8g", "9.0"), ("a4-highgpu-8g", "10.0"),
        ("Standard_NC24ads_A100_v4", "8.0"), ("Standard_NC6s_v3", "7.0"), ("Standard_ND96isr_H200_v5", "9.0"), ("Standard_ND128isr_NDR_GB200_v6", "10.0"), ("NC4as_T4_v3", "7.5"), ("Standard_ND96isr_MI300X_v5", "gfx942"),
    ],
)  # fmt: skip
def test_names_of_drivers_labels_and_clouds(text: str, target: str) -> None:
    found = find_gpu(text)
    assert str(found.capability or found.gfx) == target
    assert found.source


@pytest.mark.parametrize("text", ["g5g.xlarge", "a4x-highgpu-4g", "t3.large", "Standard_D4s_v5", "B40", "trn2.48xlarge"])  # fmt: skip
def test_what_no_source_tells_of_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="is known"):
        find_gpu(text)


@pytest.mark.parametrize("text", ["Arc A770", "Intel Data Center GPU Max 1550", "Gaudi 3", "TPU v5e"])
def test_gpus_of_other_makers_are_named_as_not_covered(text: str) -> None:
    with pytest.raises(ValueError, match=f"^'{text}' is not covered: NVIDIA's and AMD's GPUs are$"):
        find_gpu(text)


def test_a_chip_has_one_capability() -> None:
    chips: dict[str, set[str]] = {}
    for row in load().nvidia:
        if row.note.startswith("chip "):
            chips.setdefault(row.note, set()).add(str(row.capability))
    assert len(chips) > 10
    assert all(len(each) == 1 for each in chips.values())


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
