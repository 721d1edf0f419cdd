"""What a person reads; every line of it literal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stackcheck.model.verdict import Level, Outcome
from stackcheck.report import FORMATS, render
from stackcheck.report.wording import Unchecked, duration, headline, size, suggestion, tally, unchecked
from tests.unit.report.report_cases import MIXED, PASSED, UNMADE, report, verdict

if TYPE_CHECKING:
    from stackcheck.model.report import Report
    from stackcheck.report.text import Paint


def text(*reports: Report, width: int = 100, paint: Paint | None = None) -> str:
    return render(reports, "text", width=width, paint=paint)


NO_GPU = "There is no GPU here."
MIXED_TEXT = """\
FAIL  cuda124-torch25-py311: 1 of 7 checks failed, 1 ended in an error, 1 warning, checked up to run; \
1 not checked: The index was not asked (--offline); gpu not reached: There is no GPU here
      do        CUMM101: pin cumm-cu124 = "0.7.11"
                the smallest change that makes it good: stackcheck suggest
                cuda124-torch25-py311
      torch 2.5.0 + CUDA 12.4 with spconv
      image stackcheck/cuda124:ab12 (docker, sha256:abababababab, 6.1 GB);
      2026-11-20T10:31:00+00:00, in 3 min 12 s; defined in matrices/pointcept.toml

FAIL  CUMM101  cumm lies in the range that spconv declares
      cumm-cu124 0.8.2 is outside what spconv-cu124 2.3.8 accepts.
      expected  >=0.7.11,<0.8.0
      found     0.8.2
      do        pin cumm-cu124 = "0.7.11"
      see       METADATA of spconv_cu124-2.3.8: Requires-Dist: cumm-cu124
                [https://pypi.org/project/spconv-cu124/2.3.8/]

ERROR PROBE301  every probe reports
      spconv_cpu died of SIGSEGV.

WARN  PIN101  every package is pinned
      torch-scatter is "latest".

PASS  SPCONV301  spconv imports
      spconv 2.3.8 imports.
      note      the table says that it needs cumm 0.7, METADATA says nothing: please
                report the row

ACCEPTED (WARN) SPCONV102  the JIT flags do what they seem to
      The two flags do not stop NVRTC.
      because   the published stack sets them

NOT CHECKED
      The index was not asked (--offline)
      do        run once without --offline

NOT REACHED
      gpu: There is no GPU here (2 checks)
      do        stackcheck verify cuda124-torch25-py311 where there is a GPU

7 checks: 1 failed, 1 ended in an error, 1 warned, 1 not checked, 2 passed, 1 accepted
what a code means: stackcheck explain CUMM101 PROBE301 PIN101 SPCONV301 SPCONV102
"""


def test_one_report_is_one_screen_with_the_verdict_first() -> None:
    assert text(MIXED, width=90) == MIXED_TEXT


def test_a_stack_that_passes_is_short_and_says_what_would_reach_further() -> None:
    assert text(PASSED) == (
        "PASS  cpu: up to stated (definition and tables); bytes, run and gpu not reached: `check` opens no wheel and builds nothing\n"
        "      nothing was built or run; at an unknown time, in 0.2 s; defined in matrices/cpu.toml\n"
        "\n"
        "NOT REACHED\n"
        "      bytes, run and gpu: `check` opens no wheel and builds nothing\n"
        "      do        stackcheck check --bytes cpu, or stackcheck verify cpu\n"
        "\n"
        "2 checks: 2 passed\n"
    )


def test_several_reports_begin_with_a_table_the_worst_first() -> None:
    assert text(PASSED, MIXED, width=90).startswith(
        "FAIL  2 stacks: 1 failed, 1 passed\n"
        "\n"
        "result  stack                  up to   failed  error  warned  not checked  passed  accepted        time\n"
        "------  ---------------------  ------  ------  -----  ------  -----------  ------  --------  ----------\n"
        "FAIL    cuda124-torch25-py311  run          1      1       1            1       2         1  3 min 12 s\n"
        "PASS    cpu                    stated                                           2                 0.2 s\n"
        "\n"
        "FAIL  cuda124-torch25-py311: 1 of 7 checks failed"
    )


@pytest.mark.parametrize(
    ("report", "label", "sentence"),
    [
        (report(verdict(Outcome.PASS)), "PASS", "up to stated (definition and tables)"),
        (
            report(
                verdict(Outcome.PASS, level=Level.RUN), verdict(Outcome.SKIP, message=NO_GPU, level=Level.GPU)
            ),
            "PASS",
            "up to run (imports and computes on the CPU); gpu not reached: There is no GPU here",
        ),
        (
            report(verdict(Outcome.PASS, level=Level.RESOLVED), command="check"),
            "PASS",
            "up to resolved (what the resolver takes); bytes, run and gpu not reached: `check` opens no wheel and builds nothing",
        ),
        (
            report(verdict(Outcome.PASS), verdict(Outcome.WARN, level=Level.BYTES)),
            "WARN",
            "1 warning, up to bytes (the files of the wheels, nothing run)",
        ),
        (
            report(verdict(Outcome.PASS, level=Level.GPU), verdict(Outcome.SKIP, level=Level.GPU)),
            "PASS",
            "up to gpu (computes on the GPU); 1 not checked: a message",
        ),
        (
            report(verdict(Outcome.PASS), verdict(Outcome.SKIP, message="Offline.", level=Level.RESOLVED)),
            "PASS",
            "up to stated (definition and tables); 1 not checked (resolved): Offline",
        ),
        (
            report(verdict(Outcome.WARN), verdict(Outcome.WARN), verdict(Outcome.SKIP)),
            "WARN",
            "2 warnings, up to stated (definition and tables); 1 not checked: a message",
        ),
        (
            report(
                verdict(Outcome.PASS),
                verdict(Outcome.SKIP, message="the pins were not resolved: x is away.", level=Level.RESOLVED),
                verdict(Outcome.SKIP, message="Another reason."),
            ),
            "PASS",
            "up to stated (definition and tables); 2 not checked (resolved among them): x is away",
        ),
        (
            report(
                verdict(Outcome.PASS),
                verdict(Outcome.SKIP, message="One."),
                verdict(Outcome.SKIP, message="Two."),
            ),
            "PASS",
            "up to stated (definition and tables); 2 not checked",
        ),
        (UNMADE, "NOTHING", "nothing was checked: a message"),
        (
            report(verdict(Outcome.PASS), verdict(Outcome.ERROR)),
            "ERROR",
            "1 ended in an error, checked up to stated",
        ),
        (
            report(verdict(Outcome.PASS), verdict(Outcome.FAIL)),
            "FAIL",
            "1 of 2 checks failed, checked up to stated",
        ),
        (
            report(verdict(Outcome.ERROR), verdict(Outcome.FAIL)),
            "FAIL",
            "1 of 2 checks failed, 1 ended in an error, checked up to stated",
        ),
        (report(), "NOTHING", "nothing was checked"),
        (report(verdict(Outcome.FAIL, waived="known since May")), "NOTHING", "nothing was checked"),
    ],
)
def test_headline(report: Report, label: str, sentence: str) -> None:
    assert headline(report) == sentence
    assert text(report).startswith(f"{label:<5} {report.name}: {sentence}\n")


def test_no_report_at_all_says_so() -> None:
    assert text() == "NOTHING  no stack was checked\n"


def test_tally_of_nothing() -> None:
    assert tally(report()) == "0 checks"


@pytest.mark.parametrize(
    ("codes", "line"),
    [
        (("CUMM101",), "expected to fail, and failed exactly as expected: CUMM101"),
        (
            ("CUMM101", "NVIDIA101"),
            "expected to fail with CUMM101, NVIDIA101, but did not fail: NVIDIA101",
        ),
        (
            ("NVIDIA101",),
            "expected to fail with NVIDIA101, but did not fail: NVIDIA101; failed beside them: CUMM101",
        ),
        ((), "expected to fail with nothing, but failed beside them: CUMM101"),
    ],
)
def test_expectation(codes: tuple[str, ...], line: str) -> None:
    broken = report(verdict(Outcome.FAIL, "CUMM101"), expect="fail", expect_codes=codes)
    assert f"      {line}\n" in text(broken, width=120)


def test_a_failure_that_is_expected_is_marked() -> None:
    broken = report(verdict(Outcome.FAIL, "CUMM101"), expect="fail", expect_codes=("CUMM101",))
    assert "\nFAIL  (expected) CUMM101  a title\n" in text(broken)


def test_unchecked_groups_by_reason_and_counts_repeats() -> None:
    skips = [verdict(Outcome.SKIP, code, message=why) for code, why in (("B301", "x"), ("A301", "y"))]
    assert unchecked([*skips, skips[1]]) == [Unchecked("y", ("A301 x2",), times=2), Unchecked("x", ("B301",))]


def test_a_long_list_of_evidence_is_cut_and_says_so() -> None:
    told = text(report(verdict(Outcome.FAIL, evidence=tuple(f"lib{n}.so" for n in range(7)))))
    assert "      see       lib4.so\n      see       … (2 more: -v shows all)\n" in told


def test_verbose_shows_every_code_all_evidence_and_what_passed() -> None:
    told = render(
        [report(verdict(Outcome.FAIL, evidence=tuple(f"lib{n}.so" for n in range(7)))), MIXED],
        "text",
        verbose=True,
    )
    assert "      see       lib6.so\n" in told
    assert "      gpu: There is no GPU here: GPU401 GPU402\n" in told
    assert "\nPASSED\n      TORCH101 torchvision fits torch\n" in told


def test_a_headline_is_broken_at_a_terminal_alone() -> None:
    long = report(verdict(Outcome.SKIP, message="the reason " * 12))
    assert len(text(long).splitlines()[0]) > 100
    broken = render([long], "text", columns=60).splitlines()
    assert max(map(len, broken[:3])) <= 60
    assert " ".join(" ".join(broken).split()).startswith(text(long).splitlines()[0])


def test_narrow_terminal_breaks_at_spaces_and_keeps_paths_whole() -> None:
    long = "/opt/" + "x" * 60 + "/lib.so"
    told = text(report(verdict(Outcome.FAIL, message=f"look at {long} now")), width=20)
    assert f"      look at\n      {long}\n      now\n" in told


def test_paint_gets_the_words_that_are_coloured() -> None:
    seen: list[str] = []

    def paint(style: str, word: str) -> str:
        seen.append(style)
        return word

    assert text(MIXED, width=90, paint=paint) == MIXED_TEXT
    assert {"FAIL", "ERROR", "WARN", "PASS", "SKIP", "ACCEPTED", "strong", "dim"} == set(seen)


def test_what_to_do_stands_before_any_detail_and_is_bounded() -> None:
    bad = [replace(verdict(Outcome.FAIL, f"AB10{n}", level=Level.RUN), hint=f"mend {n}") for n in range(5)]
    assert text(report(*bad)).splitlines()[1:5] == [
        "      do        AB100: mend 0",
        "                AB101: mend 1",
        "                AB102: mend 2",
        "                2 more, each under what failed",
    ]


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (4100, "4.1 kB"), (250_000_000, "250 MB"), (6_123_456_789, "6.1 GB")],
)
def test_size(count: int, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.7, "1 min 0 s"), (192.2, "3 min 12 s")]
)
def test_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_formats_are_the_public_ones() -> None:
    assert FORMATS == ("text", "md", "json", "junit", "html", "github", "gitlab", "sarif")
    assert all(render([MIXED], form) for form in FORMATS)


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("matrices/pointcept.toml", "cuda124-torch25-py311"),
        ("pointcept.toml", "pointcept.toml"),
        ("elsewhere/matrices/pointcept.toml", "elsewhere/matrices/pointcept.toml"),
        ("/srv/matrices/pointcept.toml", "/srv/matrices/pointcept.toml"),
        ("my stacks/a.toml", "'my stacks/a.toml'"),
    ],
)
def test_the_command_for_a_repair_finds_the_stack_again(file: str, named: str) -> None:
    """An id is looked up in ./matrices alone; a file of any other folder has to be named."""
    said = suggestion(replace(MIXED, file=file))
    assert said == f"the smallest change that makes it good: stackcheck suggest {named}"


def test_what_the_message_says_is_not_said_again_below_it() -> None:
    packages = ", ".join(f"package-{number} (latest)" for number in range(9))
    today = "torch 2.9.0 is what `latest` resolves to today"
    said = verdict(
        Outcome.WARN, message=f"9 are not pinned: {packages}. {today}.", evidence=(today, "a page")
    )
    shown = " ".join(text(report(replace(said, found=packages, expected="pins"))).split())
    assert shown.count("package-8 (latest)") == 1
    assert shown.count(today) == 1
    assert "see a page" in shown


def test_what_several_have_to_do_alike_is_said_once_below_the_last() -> None:
    skips = [
        replace(verdict(Outcome.SKIP, message=f"{what} was not asked."), hint=hint)
        for what, hint in (("a", "go online"), ("b", "name it"), ("c", "go online"))
    ]
    lines = [line.split() for line in text(report(verdict(Outcome.PASS), *skips)).split("\n")]
    assert [line[1:] for line in lines if line[:1] == ["do"]] == [["go", "online"], ["name", "it"]]
    assert [line[0] for line in lines if line[1:] == ["was", "not", "asked"]] == ["a", "c", "b"]
