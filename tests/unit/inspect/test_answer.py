"""The answer for one GPU, what counts for it, and the exit code."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackcheck.inspect.answer import ALL_LEFT_OUT, Gate, exit_code
from stackcheck.inspect.inspection import Contents
from stackcheck.inspect.judgement import judged
from stackcheck.inspect.owners import Package
from stackcheck.model.verdict import Evidence, Outcome, Verdict
from stackcheck_probes.binaries.capability import parse_code
from stackcheck_probes.binaries.fatbin import ImageKind
from stackcheck_probes.binaries.gpucode import GpuCode, Images
from tests.unit.inspect.inspect_cases import answer, code, contents, gpus, hip

HIDDEN = code(unread=("hidden code: use --deep",))
LINKED_LATER = GpuCode(relocatable=(Images(ImageKind(parse_code("sm_80"), "", debug=False, kind=0), 1, 9),))
TWO = contents({"flash_attn/a.so": code("sm_80"), "torch/b.so": code("sm_89"), "torch/c.so": code("sm_90")})


@pytest.mark.parametrize(
    ("found", "gpu", "word", "reason"),
    [
        (contents({"x": code("sm_89")}), "L4", "served", ""),
        (contents({"x": code("sm_70")}), "L4", "not served", ""),
        (contents({"x": code("sm_89"), "y": HIDDEN}), "L4", "served", ""),
        (contents({"x": HIDDEN}), "L4", "not told", ""),
        (contents({"x": code("sm_89"), "y": hip("gfx942")}), "L4", "served", ""),
        (contents({"x": code("sm_89"), "y": hip("gfx942")}), "MI300X", "served", ""),
        (contents({"x": code("sm_89")}), "MI300X", "not served", "the target has CUDA code only"),
        (contents({"x": hip("gfx942")}), "L4", "not served", "the target has HIP code only"),
        (contents({"x": LINKED_LATER}), "L4", "not served", "the code in it still has to be linked"),
        (contents({"x": GpuCode(fatbins=1, empty=1)}), "L4", "no GPU code", ""),
        (contents({}), "L4", "no GPU code", ""),
    ],
)
def test_the_answer_for_a_gpu(found: Contents, gpu: str, word: str, reason: str) -> None:
    """`--gpu MI300X` passed on every target with CUDA code alone: nothing served it, and nothing was said."""
    made = answer(found, gpu)
    assert (made.word, made.reason) == (word, reason)


def test_an_answer_counts_who_serves_and_how() -> None:
    made = answer(
        contents(
            {
                "a": code("compute_80:8.4"),
                "b": code("compute_80:9.0"),
                "c": code("sm_89"),
                "d": hip("gfx942"),
                "e": HIDDEN,
                "f": code("sm_70"),
            }
        ),
        "L4",
    )
    assert (made.serving, made.by_ptx, made.needs_driver, made.without) == (3, 2, "580.65.06", 1)
    assert [row.path for row in made.untold] == ["e"]
    assert [row.path for row, _ in made.missed] == ["f"]


@pytest.mark.parametrize(
    ("gpu", "at_least", "word", "weak"),
    [
        ("L4", "", "served", []),
        ("L4", "runs", "served", []),
        ("L4", "native", "too weak", ["flash_attn/a.so"]),
        ("RTX 5090", "", "served", []),
        ("RTX 5090", "runs", "too weak", ["flash_attn/a.so", "torch/b.so"]),
    ],
)
def test_at_least(gpu: str, at_least: str, word: str, weak: list[str]) -> None:
    found = contents(
        {
            "flash_attn/a.so": code("sm_80", "compute_80:8.0"),
            "torch/b.so": code("sm_89", "compute_89:8.0"),
        }
    )
    made = answer(found, gpu, Gate(at_least=at_least))
    assert (made.word, [row.path for row, _ in made.weak]) == (word, weak)


@pytest.mark.parametrize(
    ("gate", "missed"),
    [
        (Gate(), ["torch/c.so"]),
        (Gate(packages=("flash-attn",)), []),
        (Gate(packages=("torch", "flash_attn")), ["torch/c.so"]),
        (Gate(ignored=("torch",)), []),
        (Gate(ignored=("c.*",)), []),
        (Gate(ignored=("torch/*",)), []),
        (Gate(ignored=("tor",)), ["torch/c.so"]),
    ],
)
def test_what_counts_for_the_answer(gate: Gate, missed: list[str]) -> None:
    assert [row.path for row, _ in answer(TWO, "L4", gate).missed] == missed


def test_a_gate_that_leaves_everything_out_is_not_a_pass() -> None:
    made = judged(TWO, gpus("L4"), Gate(ignored=("*",)))
    assert [(each.word, each.reason) for each in made.answers] == [("not told", ALL_LEFT_OUT)]
    assert exit_code(TWO, made.answers, made.gate, asked=True) == 3


@pytest.mark.parametrize(
    ("found", "asked", "strict", "expected"),
    [
        (contents({"x": code("sm_89")}), True, True, 0),
        (contents({"x": code("sm_70")}), True, False, 1),
        (contents({"x": code("sm_70")}), False, False, 0),
        (contents({"x": code("sm_89"), "y": HIDDEN}), True, False, 0),
        (contents({"x": code("sm_89"), "y": HIDDEN}), True, True, 3),
        (contents({"x": HIDDEN}), True, False, 3),  # of that GPU nothing could be told
        (contents({"x": HIDDEN}), False, False, 0),
        (contents({"x": HIDDEN}), False, True, 3),
        (contents({"x": hip("gfx942")}), True, False, 1),
        (Contents("t", "folder", ()), True, False, 3),
        (Contents("t", "folder", (), unreadable=(("x.so", "damaged"),), binaries=1), True, False, 3),
        (Contents("t", "folder", (), skipped=("x: Permission denied",), binaries=1), True, False, 3),
        (Contents("t", "folder", (), binaries=4), True, False, 0),
    ],
)
def test_exit_code(found: Contents, asked: bool, strict: bool, expected: int) -> None:
    made = judged(found, gpus("L4"), asked=asked)
    assert exit_code(found, made.answers, made.gate, asked=asked, strict=strict) == expected


def test_a_library_that_cannot_load_fails_unless_its_package_is_left_out() -> None:
    verdict = Verdict(
        "LOAD301",
        "t",
        Outcome.FAIL,
        "torchcodec/core.so cannot be loaded: libavutil.so.58 is not there",
        evidence=(Evidence("/env/torchcodec/core.so needs libavutil.so.58"),),
    )
    found = TWO._replace(
        loading=(verdict,), roots=("/env",), owners={"torchcodec/core.so": Package("torchcodec")}
    )
    assert exit_code(found, (), Gate(), asked=True) == 1
    assert exit_code(found, (), Gate(packages=("torch",)), asked=True) == 0
    assert exit_code(found, (), Gate(ignored=("torchcodec",)), asked=True) == 0
    unnamed = found._replace(loading=(replace(verdict, evidence=()),))
    assert exit_code(unnamed, (), Gate(packages=("torch",)), asked=True) == 1


def test_a_damaged_file_of_a_package_that_is_left_out_does_not_count() -> None:
    found = TWO._replace(unreadable=(("extra/x.so", "damaged"),))
    assert exit_code(found, (), Gate(), asked=True) == 3
    assert exit_code(found, (), Gate(ignored=("extra",)), asked=True) == 0


def test_one_of_several_builds_is_enough() -> None:
    """bitsandbytes 0.45.0 was not served on an H100, for its builds of CUDA 11 lack sm_90."""
    found = contents({"bnb/lib_cuda118.so": code("sm_80"), "bnb/lib_cuda124.so": code("sm_80", "sm_90")})
    made = answer(found, "H100")
    assert (made.word, made.missed, made.serving) == ("served", (), 1)
    assert [(row.name, cell.word, cell.spared) for row, cell in made.spared] == [
        ("lib_cuda118.so", "(no)", "another build of it serves")
    ]
    assert len(answer(found, "B200").missed) == 2


def test_files_of_kernels_for_other_gpus_leave_a_package_untold() -> None:
    """flashinfer-python 0.7.4 compiles what its four files of kernels do not hold."""
    found = contents({"flashinfer/a.ptx": code("compute_103a"), "torch/b.so": code("sm_90")})
    made = answer(found, "H100")
    assert (made.word, [row.name for row in made.untold]) == ("served", ["a.ptx"])
    assert answer(contents({"flashinfer/a.ptx": code("compute_103a")}), "H100").word == "not told"


def test_an_archive_and_what_was_made_for_other_gpus_are_not_missed() -> None:
    found = contents({"k/ops.so": code("sm_80"), "k/libk.a": code("sm_90"), "k/mla.so": code("sm_90a")})
    made = answer(found, "A100")
    assert (made.word, sorted(row.name for row, _ in made.spared)) == ("served", ["libk.a", "mla.so"])
    assert answer(contents({"k/mla.so": code("sm_90a")}), "A100").word == "not served"
    assert answer(contents({"k/libk.a": code("sm_90")}), "A100").word == "not served"
