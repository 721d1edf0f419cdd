"""AMD targets that the libraries in the wheels left behind, and overrides between instruction sets."""

from __future__ import annotations

import pytest

from tests.unit.table_rules import said, verdicts

GONE = (
    "rocBLAS of ROCm 6.4 and later has no files for {}: the first matrix product ends in "
    "'rocBLAS error: Cannot read .../TensileLibrary.dat', although torch has code for that target."
)


@pytest.mark.parametrize(
    ("torch", "gpu", "whom"),
    [
        ("2.8.0+rocm6.4", "MI50", "gfx906 (MI50)"),
        ("2.10.0+rocm7.1", "Radeon RX Vega 56", "gfx900 (Radeon RX Vega 56)"),
        ("2.12.0+rocm7.2", "gfx900", "gfx900"),
        ("2.14.0+rocm7.2", "gfx906", "gfx906"),
    ],
)
def test_a_target_that_rocblas_left_behind_fails(torch: str, gpu: str, whom: str) -> None:
    ((outcome, message, hint),) = said("ROCM101", packages={"torch": torch}, gpus=[gpu])
    assert (outcome, message) == ("FAIL", GONE.format(whom))
    gfx = whom.partition(" ")[0]
    assert hint == f"take torch 2.9 for ROCm 6.3, the last wheel that has them, or build rocBLAS for {gfx}"


@pytest.mark.parametrize("torch", ["2.8.0+rocm6.3", "2.9.1+rocm6.3", "2.5.1+rocm6.2"])
def test_the_last_rocm_that_had_it_passes(torch: str) -> None:
    assert said("ROCM101", packages={"torch": torch}, gpus=["MI50"]) == [
        ("PASS", "torch has code for MI50 (gfx906).", "")
    ]


def test_a_target_that_torch_itself_has_no_code_for_is_told_apart() -> None:
    (verdict,) = verdicts("ROCM101", packages={"torch": "2.8.0+rocm6.4"}, gpus=["RX 580"])
    assert (
        "has no code for gfx803 (RX 580): the first kernel ends in 'invalid device function'."
        in verdict.message
    )
