"""The Flox variants: their names hold, and the published mistakes come out, each for its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcheck import knowledge, rules
from stackcheck.environment import definition_facts
from stackcheck.intake import catalog
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.rules.registry import judge_all

STACKS = {
    stack.id: stack for stack in catalog.load([Path(__file__).parents[3] / "matrices" / "flox-variants.toml"])
}


def _early(stack_id: str) -> list[Verdict]:
    facts = definition_facts(STACKS[stack_id], knowledge.load())
    return list(judge_all(rules.before_build(Level.STATED), facts))


def _bad(stack_id: str) -> list[tuple[str, str, str, str]]:
    return [
        (verdict.outcome.name, verdict.code, verdict.message, verdict.hint)
        for verdict in _early(stack_id)
        if verdict.outcome is not Outcome.PASS
    ]


def test_the_three_published_builds_and_the_naming_examples_are_there() -> None:
    assert list(STACKS) == [
        "pytorch-py313-sm90-avx512",
        "pytorch-py313-sm86-avx2",
        "pytorch-py313-cpu-avx2",
        "pytorch-py313-sm120-avx512",
        "python312Packages.pytorch-sm89-avx2",
        "python311Packages.pytorch-cpu-armv9",
        "pytorch-py313-sm90-avx512-published",
        "pytorch-py313-sm120-avx512-cuda126",
    ]


@pytest.mark.parametrize("stack_id", [each for each in STACKS if STACKS[each].expect == "pass"])
def test_a_good_variant_passes_everything(stack_id: str) -> None:
    assert _bad(stack_id) == []
    assert "VARIANT101" in {verdict.code for verdict in _early(stack_id)}


def test_the_published_hopper_build_has_two_mistakes_and_two_weaknesses() -> None:
    assert _bad("pytorch-py313-sm90-avx512-published") == [
        (
            "FAIL",
            "ARCH102",
            "torch refuses 'sm_90' in the arch list 'sm_90': `Unknown CUDA arch`.",
            "write '9.0' instead of 'sm_90'",
        ),
        (
            "WARN",
            "ENV101",
            "CMAKE_CUDA_ARCHITECTURES='90': no effect: torch's build ignores it, and says so in a CMake warning.",
            "remove it; TORCH_CUDA_ARCH_LIST says what torch is built for",
        ),
        (
            "FAIL",
            "VARIANT102",
            "A build for SM90 alone does not run on L40S (8.9).",
            "take the SM89 build for L40S",
        ),
        (
            "WARN",
            "VARIANT105",
            "pytorch-py313-sm90-avx512-published: CXXFLAGS has -mavx512f without -mavx512vl -mavx512bw: less than builds named avx512 use.",
            "state '-mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma'",
        ),
    ]


def test_blackwell_needs_cuda_12_8() -> None:
    assert _bad("pytorch-py313-sm120-avx512-cuda126") == [
        (
            "FAIL",
            "VARIANT103",
            "SM120 needs CUDA 12.8 or newer: nvcc of CUDA 12.6 does not know sm_120.",
            "take CUDA 12.8 or newer",
        )
    ]


@pytest.mark.parametrize("stack_id", [each for each in STACKS if STACKS[each].expect == "fail"])
def test_exactly_the_expected_codes_fail(stack_id: str) -> None:
    failed = sorted({code for outcome, code, _, _ in _bad(stack_id) if outcome == "FAIL"})
    assert tuple(failed) == STACKS[stack_id].expect_codes
