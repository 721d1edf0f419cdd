"""The published stack fails for the right reasons, and the stacks that ship as good do not fail at all."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from stackcheck import knowledge, rules
from stackcheck.environment import definition_facts
from stackcheck.intake import catalog
from stackcheck.model.acceptance import covered
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.rules.registry import judge_all

MATRICES = Path(__file__).parents[3] / "matrices"
SHIPPED = {stack.id: stack for stack in catalog.load([MATRICES])}
PUBLISHED = SHIPPED["cuda124-torch25-published"]
ADVICE = {"VARIANT104"}
"""What a stack is told for its own good; test_pytorch_variants.py counts it."""


def _early(stack_id: str, outcome: Outcome) -> list[Verdict]:
    facts = definition_facts(SHIPPED[stack_id], knowledge.load())
    verdicts = judge_all(rules.before_build(Level.STATED), facts)
    return [verdict for verdict in verdicts if verdict.outcome is outcome]


def test_the_published_stack_fails_with_exactly_the_expected_codes() -> None:
    failures = _early(PUBLISHED.id, Outcome.FAIL)
    assert sorted({each.code for each in failures}) == ["IMAGE101", "MMCV101", "NVPIN101", "SPCONV101"]
    met = covered(PUBLISHED.expect_codes, failures)
    assert met.keys() == set(range(len(failures)))
    assert set(PUBLISHED.expect_codes) - set(chain(*met.values())) == {
        "LOCK201"
    }  # the resolver says it, where asked


def test_every_failure_of_the_published_stack_names_both_sides() -> None:
    failures = [(v.code, v.message, v.expected, v.found) for v in _early(PUBLISHED.id, Outcome.FAIL)]
    matrix = "a published combination (cu121 with torch 2.1, 2.2, 2.3, 2.4; cu118 with torch 2.0, 2.1, 2.2, 2.3, 2.4 ...)"
    assert failures == [
        (
            "IMAGE101",
            "nvidia/cuda:12.4.1-cudnn8-devel-ubuntu22.04 does not exist: images of CUDA 12.4 spell cuDNN "
            "`cudnn`.",
            "nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04",
            "nvidia/cuda:12.4.1-cudnn8-devel-ubuntu22.04",
        ),
        (
            "MMCV101",
            "There is no wheel of mmcv 2.2.0 for torch 2.5 and cu124: pip takes the source and compiles it.",
            matrix,
            "https://download.openmmlab.com/mmcv/dist/cu124/torch2.5/index.html",
        ),
        (
            "NVPIN101",
            "nvidia-cublas-cu12 is not pinned: the newest is 12.9.3.13, and torch 2.5.0 (cu124) pins "
            "nvidia-cublas-cu12==12.4.5.8.",
            "nvidia-cublas-cu12==12.4.5.8",
            "latest (12.9.3.13 on 2026-11-20)",
        ),
        (
            "NVPIN101",
            "nvidia-cudnn-cu12 is not pinned: the newest is 9.28.0.42, and torch 2.5.0 (cu124) pins "
            "nvidia-cudnn-cu12==9.1.0.70.",
            "nvidia-cudnn-cu12==9.1.0.70",
            "latest (9.28.0.42 on 2026-11-30)",
        ),
        (
            "SPCONV101",
            "spconv-cu124 2.3.8 works with cumm>=0.7.11,<0.8.0, and the stack has cumm-cu124 0.8.2.",
            "cumm-cu124>=0.7.11,<0.8.0",
            "cumm-cu124 0.8.2",
        ),
    ]


def test_the_published_stack_is_warned_of_what_is_not_pinned_and_has_no_effect() -> None:
    warnings = {verdict.code: verdict.message for verdict in _early(PUBLISHED.id, Outcome.WARN)}
    assert warnings["PIN101"] == (
        "4 of 12 packages are not pinned: nvidia-cublas-cu12 (latest), nvidia-cudnn-cu12 (latest), "
        "torch-scatter (latest), torch-geometric (latest)."
    )
    assert warnings["SPCONV102"] == (
        "SPCONV_DISABLE_JIT and CUMM_DISABLE_JIT have no effect on wheels, and NVRTC is not stopped by them."
    )


@pytest.mark.parametrize("stack_id", [each for each in SHIPPED if SHIPPED[each].expect == "pass"])
def test_good_stacks_have_no_failure_and_no_unexplained_warning(stack_id: str) -> None:
    assert _early(stack_id, Outcome.FAIL) == []
    assert {verdict.code for verdict in _early(stack_id, Outcome.WARN)} <= {
        *SHIPPED[stack_id].ignore,
        *ADVICE,
    }
