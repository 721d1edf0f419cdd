"""TORCH405: GPUs that sum together. Facts: literal, in the shape of the probe `nccl_pair`."""

from typing import Any

import pytest

from tests.unit.rules.harness import changed, seen_said, seen_verdicts
from tests.unit.rules.torch.test_gpu import check


def rank(number: int) -> dict[str, Any]:
    checks = {"all_reduce_4_kb": check(0.0, 0.0), "all_reduce_16_mb": check(0.0, 0.0)}
    return {"error": None, "rank": number, "checks": checks, "seconds": 3.25}


REACH = {
    "error": None,
    "available": True,
    "reason": None,
    "names": ["NVIDIA H200", "NVIDIA H200"],
    "backend": True,
    "nccl": "2.27.5",
}
PAIR = {
    "installed": True,
    "import_error": None,
    "reach": REACH,
    "world": 2,
    "ranks": [rank(0), rank(1)],
    "all": None,
}
TITLE = "NCCL 2.27.5 over two GPUs (NVIDIA H200, NVIDIA H200)"


def said(facts: Any) -> list[tuple[str, str]]:
    return seen_said("TORCH405", {"nccl_pair": facts})


def test_a_pair_with_the_exact_sum_passes() -> None:
    assert said(PAIR) == [
        ("PASS", f"{TITLE} gives the exact sum in every process, after 3.2 s with its start.")
    ]


def test_more_gpus_are_summed_over_as_well() -> None:
    four = changed({**PAIR, "all": rank(0)}, "reach.names", ["NVIDIA H200"] * 4)
    assert said(four)[1] == ("PASS", "NCCL 2.27.5 over all 4 GPUs gives the exact sum.")
    wrong = changed(four, "all.checks.all_reduce_4_kb.max_rel_error", 0.25)
    assert said(wrong)[1] == (
        "FAIL",
        "NCCL 2.27.5 over all 4 GPUs: all_reduce_4_kb is off by 2.5e-01 (relative to the largest value).",
    )


def test_one_gpu_is_a_world_of_one_and_no_pass_for_a_pair() -> None:
    alone = {**PAIR, "world": 1, "ranks": [rank(0)], "reach": {**REACH, "names": ["NVIDIA H200"]}}
    text = (
        "NCCL 2.27.5 on NVIDIA H200 starts, in a world of one: there is one GPU here, and no pair was tried."
    )
    assert said(alone) == [("SKIP", text)]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("ranks.1.error", {"type": "TimeoutError", "message": "no answer within 30 s", "at": ""},
         f"{TITLE}: no sum comes back: TimeoutError: no answer within 30 s."),
        ("ranks.0.error", {"type": "DistBackendError", "message": "unhandled system error", "at": ""},
         f"{TITLE}: no sum comes back: DistBackendError: unhandled system error."),
        ("ranks.1.checks.all_reduce_16_mb.max_rel_error", 0.5,
         f"{TITLE}: all_reduce_16_mb is off by 5.0e-01 (relative to the largest value)."),
    ],
)  # fmt: skip
def test_what_hangs_raises_or_sums_wrongly_fails(path: str, value: Any, message: str) -> None:
    (verdict,) = seen_verdicts("TORCH405", {"nccl_pair": changed(PAIR, path, value)})
    assert (verdict.outcome.name, verdict.message) == ("FAIL", message)
    assert "NCCL_DEBUG=INFO" in verdict.hint


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"installed": False, "import_error": None}, "torch does not import, so NCCL was not tried."),
        (changed(PAIR, "reach.backend", value=False), "NCCL was not tried: this torch was built without it."),
        (
            {**PAIR, "reach": {**REACH, "available": False, "reason": "no driver"}},
            "torch sees no GPU here, so NCCL was not tried: no driver.",
        ),
        (
            {
                **PAIR,
                "reach": {"error": {"type": "TimeoutError", "message": "no answer within 30 s", "at": ""}},
            },
            "NCCL was not tried: torch's GPU side did not answer (TimeoutError: no answer within 30 s).",
        ),
    ],
)
def test_what_was_not_tried_is_no_pass(facts: Any, message: str) -> None:
    assert said(facts) == [("SKIP", message)]
