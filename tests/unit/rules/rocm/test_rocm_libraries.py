"""AMD targets that the libraries in the wheels left behind, and overrides between instruction sets."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck_probes.judging.gfx import akin, kin
from tests.unit.rules.harness import said_with_hints, verdicts

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
    ((outcome, message, hint),) = said_with_hints("ROCM101", packages={"torch": torch}, gpus=[gpu])
    assert (outcome, message) == ("FAIL", GONE.format(whom))
    gfx = whom.partition(" ")[0]
    assert hint == f"take torch 2.9 for ROCm 6.3, the last wheel that has them, or build rocBLAS for {gfx}"


@pytest.mark.parametrize("torch", ["2.8.0+rocm6.3", "2.9.1+rocm6.3", "2.5.1+rocm6.2"])
def test_the_last_rocm_that_had_it_passes(torch: str) -> None:
    assert said_with_hints("ROCM101", packages={"torch": torch}, gpus=["MI50"]) == [
        ("PASS", "torch has code for MI50 (gfx906).", "")
    ]


def test_a_target_that_torch_itself_has_no_code_for_is_told_apart() -> None:
    (verdict,) = verdicts("ROCM101", packages={"torch": "2.8.0+rocm6.4"}, gpus=["RX 580"])
    assert (
        "has no code for gfx803 (RX 580): the first kernel ends in 'invalid device function'."
        in verdict.message
    )


@pytest.mark.parametrize(
    ("torch", "gpu", "value", "outcome", "message"),
    [
        ("2.5.1+rocm6.2", "MI50", "9.0.10", "FAIL", "HSA_OVERRIDE_GFX_VERSION=9.0.10 makes MI50 (gfx906) pass for gfx90a, another instruction set."),
        ("2.5.1+rocm6.2", "MI100", "9.0.10", "FAIL", "HSA_OVERRIDE_GFX_VERSION=9.0.10 makes MI100 (gfx908) pass for gfx90a, another instruction set."),
        ("2.5.1+rocm6.2", "MI300X", "9.0.10", "FAIL", "HSA_OVERRIDE_GFX_VERSION=9.0.10 makes MI300X (gfx942) pass for gfx90a, another instruction set."),
        ("2.5.1+rocm6.2", "RX 5700 XT", "10.3.0", "FAIL", "HSA_OVERRIDE_GFX_VERSION=10.3.0 makes RX 5700 XT (gfx1010) pass for gfx1030, another instruction set."),
        ("1.13.1+rocm5.2", "RX 5700 XT", "10.3.0", "WARN", "RX 5700 XT (gfx1010) runs as gfx1030 by HSA_OVERRIDE_GFX_VERSION=10.3.0: a configuration that AMD does not support."),
        ("2.5.1+rocm6.2", "MI50", "9.0.0", "WARN", "HSA_OVERRIDE_GFX_VERSION=9.0.0 is not needed: torch has code for gfx906, and the override hides it."),
        ("2.5.1+rocm6.2", "MI50", "9.0.6", "PASS", "torch has code for MI50 (gfx906); HSA_OVERRIDE_GFX_VERSION=9.0.6 restates it."),
    ],
)  # fmt: skip
def test_an_override_is_sound_within_a_family_alone(torch: str, gpu: str, value: str, outcome: str, message: str) -> None:  # fmt: skip
    (verdict,) = verdicts(
        "ROCM101", packages={"torch": torch}, gpus=[gpu], env={"HSA_OVERRIDE_GFX_VERSION": value}
    )
    assert (verdict.outcome.name, verdict.message) == (outcome, message)
    if outcome == "FAIL":
        assert verdict.expected == f"a target of {kin(verdict.found.partition(' on ')[2])}"


def test_what_a_target_is_akin_to() -> None:
    assert [akin("gfx906", other) for other in ("gfx900", "gfx90c", "gfx90a", "gfx908", "gfx942")] == [True, True, False, False, False]  # fmt: skip
    assert [akin("gfx1250", other) for other in ("gfx1251", "gfx1201", "gfx1100")] == [None, None, False]
    assert [kin(gfx) for gfx in ("gfx906:xnack-", "gfx90a", "gfx1250")] == [
        "gfx9-generic",
        "gfx90a",
        "generation 12",
    ]


def test_who_needs_no_override_is_told_to_leave_it_out() -> None:
    stack: dict[str, Any] = {
        "packages": {"torch": "2.5.1+rocm6.2"},
        "env": {"HSA_OVERRIDE_GFX_VERSION": "9.0.10"},
    }
    hints = [said_with_hints("ROCM101", gpus=[gpu], **stack)[0][2] for gpu in ("MI50", "gfx1031")]
    assert hints == [
        "remove HSA_OVERRIDE_GFX_VERSION: torch has code for gfx906",
        "set HSA_OVERRIDE_GFX_VERSION=10.3.0 (gfx1030), as others do for gfx1031, or build torch for gfx1031",
    ]
