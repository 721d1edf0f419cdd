"""How one library serves one GPU, and whose code it holds."""

from __future__ import annotations

import pytest

from stackcheck.inspect.columns import undriven, usual
from stackcheck.inspect.serving import cell, judge, makers
from stackcheck.knowledge.gpus import find_gpu
from stackcheck_probes.binaries.gpucode import GpuCode
from tests.unit.inspect.inspect_cases import code, contents, gpus, hip


def test_the_worst_comes_first() -> None:
    found = contents(
        {
            "good": code("sm_89", "sm_90"),
            "runs": code("sm_86", "sm_90"),
            "old": code("sm_70"),
            "ptx": code("sm_89", "compute_80:8.4"),
            "hides": code(unread=("hidden code: use --deep",)),
            "amd": hip("gfx942"),
        }
    )
    rows = judge(found, gpus("L4", "H100"))
    assert [(row.path, [each.how for each in row.cells]) for row in rows] == [
        ("old", ["no", "no"]),
        ("hides", ["unknown", "unknown"]),
        ("ptx", ["native", "ptx"]),
        ("runs", ["runs", "native"]),
        ("good", ["native", "native"]),
        ("amd", ["none", "none"]),
    ]
    assert rows[0].worst.reason == "no image for 8.9; it holds sm_70"


def test_a_driver_that_is_too_old_for_the_ptx_is_no() -> None:
    (row,) = judge(contents({"x": code("compute_80:8.4")}), gpus("H100"), (12, 2))
    assert [each.how for each in row.cells] == ["no"]
    assert row.worst.reason == "compute_80 needs a driver of CUDA 12.4, this one has 12.2"


@pytest.mark.parametrize(
    ("gpu", "driver", "reason"),
    [
        ("RTX 5090", (12, 4), "no driver of CUDA 12.4 drives 12.0: it needs 570.26 or later"),
        ("RTX 5090", (12, 6), "no driver of CUDA 12.6 drives 12.0: it needs 570.26 or later"),
        ("RTX 5090", (12, 8), ""),
        ("RTX 5090", (13, 0), ""),
        ("H100", (11, 4), ""),  # no row states its least driver: nothing is said
        ("GB10", (12, 4), ""),
        ("V100", (13, 1), "no driver of CUDA 13.1 drives 7.0: the last branch was 580"),
        ("V100", (13, 0), ""),
        ("MI300X", (12, 4), ""),
    ],
)
def test_a_gpu_that_no_driver_of_that_cuda_drives(gpu: str, driver: tuple[int, int], reason: str) -> None:
    """SASS of sm_120 was "native" on an RTX 5090 with a driver of CUDA 12.4, which does not know that GPU."""
    found = undriven(gpus(gpu), driver)
    assert found.get(find_gpu(gpu), "") == reason
    assert cell(code("sm_120"), find_gpu("RTX 5090"), undriven=reason).how == ("no" if reason else "native")


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (hip("gfx90a:xnack-"), "native"),
        (hip("gfx90a:xnack+"), "no"),
        (hip("gfx942"), "no"),
        (hip("gfx90a", "gfx942"), "native*"),
        (GpuCode(), "none"),
    ],
)
def test_hip_code_is_judged_by_bundles_and_features(made: GpuCode, word: str) -> None:
    """One of two bundles was "native" without a star, and so was code for XNACK alone."""
    assert cell(made, find_gpu("gfx90a")).word == word


def test_generic_hip_code_serves_its_family() -> None:
    made = cell(hip("gfx11-generic"), find_gpu("Strix Halo"))
    assert (made.word, made.by) == ("runs", "gfx11-generic")


def test_hip_bundles_that_cannot_be_read_here_are_unknown() -> None:
    unseen = GpuCode(bundles=1, unread=("1 HIP bundles not readable here: no zstd",))
    made = cell(unseen, find_gpu("gfx90a"))
    assert (made.how, made.reason) == ("unknown", "1 HIP bundles not readable here: no zstd")


def test_a_library_that_may_hide_code_serves_with_a_question_mark() -> None:
    hiding = cell(code("sm_90", unread=("hidden code: fatbins in .rodata",)), find_gpu("H100"))
    plain = cell(code("sm_90"), find_gpu("H100"))
    assert (hiding.how, hiding.word, plain.word) == ("native", "native?", "native")


def test_the_usual_gpus_are_of_the_makers_whose_code_is_there() -> None:
    """A library of HIP code alone had six columns of NVIDIA's GPUs, and no line."""
    cuda, amd = contents({"a": code("sm_80")}), contents({"b": hip("gfx942")})
    assert {gpu.gfx is None for gpu in usual(cuda)} == {True}
    assert {gpu.gfx is None for gpu in usual(amd)} == {False}
    assert usual(contents({"a": code("sm_80"), "b": hip("gfx942")})) == [*usual(cuda), *usual(amd)]
    assert usual(cuda, amd) == [*usual(cuda), *usual(amd)]
    assert usual(contents({"cpu": GpuCode(faults=("x",))})) == usual(cuda)


def test_whose_code_a_library_holds() -> None:
    assert makers(code("sm_80")) == {"CUDA"}
    assert makers(hip("gfx942")) == {"HIP"}
    assert makers(GpuCode()) == frozenset()
    assert makers(code(unread=("hidden code",))) == {"CUDA"}
