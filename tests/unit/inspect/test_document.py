"""What `inspect` says, literally."""

from __future__ import annotations

from dataclasses import replace

from stackcheck.inspect.answer import Gate
from stackcheck.inspect.document import document
from stackcheck.inspect.inspection import Contents
from stackcheck.inspect.judgement import Judged, judged
from stackcheck.inspect.owners import Package
from stackcheck.model.verdict import Evidence, Outcome, Verdict
from stackcheck.report import render_document
from stackcheck_probes.binaries.gpucode import GpuCode
from tests.unit.inspect.inspect_cases import code, contents, gpus, hip

HIDDEN = code(unread=("hidden code: use --deep",))
STACK = contents(
    {
        "flash_attn/a.so": code("sm_80", size=1000),
        "torch/lib/libtorch_cuda.so": code("sm_80", "sm_90", size=2000),
        "torch/lib/lintorch_linalg.so": code("sm_80", "compute_90:8.4", size=500),
        "nvidia/cufft/lib/libcufft.so.11": HIDDEN,
    }
)


def said(made: Judged, *, details: bool = False) -> str:
    return render_document(document(made, dict, details=details), "text", width=100)


def test_the_answer_comes_first_then_packages_then_why() -> None:
    assert (
        said(judged(STACK, gpus("L4", "B200", "MI300X")))
        == """\
FAIL  folder t: 4 libraries with GPU code in 3 packages; 0 other binaries

L4 (8.9): served; not told: nvidia/cufft.
B200 (10.0): NOT served: flash_attn, torch (libtorch_cuda.so); 1 library by PTX (driver >=
    550.54.14); not told: nvidia/cufft.
MI300X (gfx942): served by nothing; the target has CUDA code only.

package       libraries  L4       B200     MI300X
------------  ---------  -------  -------  ------
flash_attn    1          runs     no       none
torch         2          runs     no 1/2   none
nvidia/cufft  1          unknown  unknown  none

WHY NOT
      flash_attn for B200: no image for 10.0; it holds sm_80.
      torch (libtorch_cuda.so) for B200: no image for 10.0; it holds sm_80 sm_90.

NOT TOLD
      nvidia/cufft: hidden code: use --deep.

Code that none of these GPUs uses: 2.0 kB of sm_90.

code        libraries  images    size  unused
----------  ---------  ------  ------  ------
sm_80               3       3  3.5 kB
sm_90               1       1  2.0 kB  2.0 kB
compute_90          1       1   500 B
"""
    )


def test_details_show_every_library() -> None:
    text = said(judged(STACK, gpus("L4")), details=True)
    assert "\nlibrary                          package       L4\n" in text
    assert "\ntorch/lib/libtorch_cuda.so       torch         runs\n" in text


def test_what_is_served_is_a_pass_and_nothing_asked_is_no_verdict() -> None:
    good = contents({"x/a.so": code("sm_89")})
    assert said(judged(good, gpus("L4"))).startswith(
        "PASS  folder t: 1 library with GPU code; 0 other binaries\n"
    )
    assert said(judged(good, gpus("T4"), asked=False)).startswith("folder t: 1 library with GPU code")


def test_what_has_no_code_or_nothing_that_counts_is_no_pass() -> None:
    nothing = Contents("t", "folder", (), binaries=2)
    assert said(judged(nothing, gpus("L4"))) == (
        "folder t: 0 libraries with GPU code; 2 other binaries\n\n"
        "L4 (8.9): there is no GPU code in it to serve it with.\n"
    )
    text = said(judged(STACK, gpus("L4"), Gate(ignored=("*",))))
    assert text.startswith("folder t: ")
    assert "\nL4 (8.9): not told: every library with GPU code is left out.\n" in text


def test_machines_are_told_each_library_that_misses_a_gpu_and_what_is_not_told() -> None:
    found = contents({"a/x.so": code("sm_70"), "b/y.so": HIDDEN})
    made = document(judged(found, gpus("L4", "A100", "MI300X")), dict).sections[0].findings
    assert [(each.name, each.outcome.word, each.title, each.message, each.shown) for each in made] == [
        (
            "MI300X (gfx942)",
            "FAIL",
            "nothing serves MI300X (gfx942)",
            "the target has CUDA code only.",
            False,
        ),
        (
            "a/x.so",
            "FAIL",
            "no code: L4 (8.9), A100 (8.0)",
            "no image for 8.9; it holds sm_70; no image for 8.0; it holds sm_70",
            False,
        ),
    ]
    (told,) = document(judged(contents({"b/y.so": HIDDEN}), gpus("L4")), dict).sections[0].findings
    assert (told.outcome.word, told.message) == ("SKIP", "not known of b.")


def test_less_than_was_asked_says_so() -> None:
    text = said(judged(STACK, gpus("L4"), gate=Gate(at_least="native", ignored=("nvidia*", "x*"))))
    assert "\nL4 (8.9): served, but less than native: flash_attn, torch.\n" in text
    assert "\n      flash_attn, torch for L4: sm_80: runs on 8.9.\n" in text
    assert "\nLeft out of the answer: nvidia/cufft (--ignore nvidia* --ignore x*).\n" in text
    assert "\n--ignore x* names nothing here.\n" in text


def test_a_gpu_that_the_driver_does_not_drive_says_that_and_no_more() -> None:
    text = said(judged(contents({"x/a.so": code("sm_120")}), gpus("RTX 5090"), driver_cuda=(12, 4)))
    reason = "no driver of CUDA 12.4 drives 12.0: it needs 570.26 or later"
    assert f"\nRTX 5090 (12.0): NOT served: {reason}.\n" in text
    assert "WHY NOT" not in text


def test_marks_are_explained() -> None:
    uneven = GpuCode(groups=(*code("sm_89").groups, *code("sm_70").groups))
    text = said(
        judged(contents({"a/x.so": uneven, "b/y.so": code("sm_89", unread=("hidden code",))}), gpus("L4"))
    )
    assert "\na        1          native*\nb        1          native?\n" in text
    assert (
        "\n* some fatbins of the library serve this GPU and others do not\n"
        "? code may be there that no section lists; --deep looks for it\n"
    ) in text


def test_hip_bytes_are_called_unpacked() -> None:
    assert " 100 B unpacked" in said(judged(contents({"a/x.so": hip("gfx942")}), gpus("MI300X")))


def test_an_environment_of_800_libraries_stays_within_100_columns() -> None:
    found = contents(
        {
            f"package_with_a_long_name_{number % 60}/lib/library_with_a_long_name_{number}.so": code(
                "sm_80" if number % 3 else "sm_50", "compute_90:8.4", size=1000
            )
            for number in range(800)
        }
    )
    made = judged(found, gpus("T4", "A100", "L4", "H100", "B200", "RTX 5090"))
    lines = said(made).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) < 110


def need(number: int, package: str = "torchcodec", outcome: Outcome = Outcome.WARN) -> Verdict:
    path = f"/env/{package}/lib{number % 12}.so"
    return Verdict(
        "LOAD301", "Every library finds the libraries that it needs", outcome,
        f"{package}/lib{number % 12}.so cannot be loaded: libav.so.{number} is not there",
        f"libav.so.{number}", "nothing of that name", "install the package that brings it",
        evidence=(Evidence(f"{path} needs libav.so.{number}"),),
    )  # fmt: skip


def environment(*loading: Verdict) -> Contents:
    owners = {f"torchcodec/lib{number}.so": Package("torchcodec", "0.17.0") for number in range(12)}
    return STACK._replace(kind="environment", loading=loading, roots=("/env",), owners=owners)


def test_needs_of_one_package_are_one_finding() -> None:
    """torchcodec alone had 47 blocks, one for each library that is not there."""
    passed = Verdict("LOAD302", "t", Outcome.PASS, "all find them")
    other = need(1, "open3d", Outcome.FAIL)
    text = said(judged(environment(*map(need, range(47)), other, passed), gpus("L4")))
    assert "\nLoading: WARN for torchcodec 0.17.0; FAIL for open3d.\n" in text
    assert text.endswith("""\
Will they load?

FAIL  LOAD301  Every library finds the libraries that it needs
      open3d/lib1.so cannot be loaded: libav.so.1 is not there
      expected  libav.so.1
      found     nothing of that name
      do        install the package that brings it
      see       /env/open3d/lib1.so needs libav.so.1

WARN  LOAD301  Every library finds the libraries that it needs
      torchcodec 0.17.0: 47 needs of 12 libraries not served: libav.so.0, libav.so.1, libav.so.2 and
      44 more.
      do        install the package that brings it
      see       /env/torchcodec/lib0.so needs libav.so.0

1 check passed: LOAD302
what a code means: stackcheck explain LOAD301
""")
    assert (
        said(judged(environment(*map(need, range(47))), gpus("L4")), details=True).count("WARN  LOAD301")
        == 47
    )


def test_loading_of_what_is_left_out_is_accepted_and_said() -> None:
    made = judged(environment(need(1, outcome=Outcome.FAIL)), gpus("L4"), Gate(packages=("torch",)))
    text = said(made)
    assert text.startswith("PASS  environment t: ")
    assert "\nLoading: nothing stands against it; left out: torchcodec 0.17.0.\n" in text
    assert "\nACCEPTED (FAIL) LOAD301  Every library finds the libraries that it needs\n" in text
    assert "      because   left out by --package or --ignore\n" in text


def test_one_fault_of_many_libraries_is_told_once() -> None:
    many = [
        replace(need(number), expected="the old ABI", message="x uses the new ABI.") for number in range(3)
    ]
    assert "\n      torchcodec 0.17.0: 3 times, 3 libraries: x uses the new ABI.\n" in said(
        judged(environment(*many), gpus("L4"))
    )


def test_what_was_not_looked_at_is_listed() -> None:
    found = STACK._replace(
        skipped=("a: Permission denied",), unreadable=(("b.so", "cut off"),), left_out=("A .dll.",)
    )
    text = said(judged(found, gpus("L4")))
    assert (
        "\nNOT READ\n      b.so: cut off.\n\nNOT LOOKED AT\n      a: Permission denied.\n      A .dll.\n"
        in text
    )
