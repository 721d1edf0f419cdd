"""What people are shown of a family: one block, what its members share said once, codes with -v alone."""

from __future__ import annotations

from dataclasses import replace

from stackcheck.model.report import Report
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.report import render, render_document
from stackcheck.report.blocks import for_people
from stackcheck.report.sections import report_document

PASSED = Verdict("AB101", "a title", Outcome.PASS, "fine")
RAN = Verdict("AB301", "it runs", Outcome.PASS, "runs", level=Level.RUN)
NOT_BUILT = Verdict(
    "AB301", "it runs", Outcome.SKIP, "no Python 3.10 here.", level=Level.RUN, hint="use docker"
)
NO_GPU = Verdict("AB401", "it computes", Outcome.SKIP, "no GPU here.", level=Level.GPU)
KNOWN = Verdict("AB102", "known", Outcome.WARN, "flags do nothing", waived="the published stack sets them")
BROKEN = Verdict("AB103", "broken", Outcome.FAIL, "this cannot work", expected="a", found="b", hint="take a")


def member(name: str, *verdicts: Verdict) -> Report:
    return Report(f"fam-{name}", verdicts, family="fam", file="m.toml", summary="a family", command="verify")


GOOD = (
    member("py310", PASSED, KNOWN, NOT_BUILT, replace(NOT_BUILT, code="AB401", level=Level.GPU)),
    member("py311", PASSED, KNOWN, RAN, NO_GPU),
)


def test_a_family_is_one_block_and_says_what_its_members_share_once() -> None:
    assert render(GOOD, "text") == (
        "PASS  fam: up to run (imports and computes on the CPU); gpu not reached: no GPU here;"
        " 1 of 2 members not so far\n"
        "      a family\n"
        "      nothing was built or run; at an unknown time, in 0.0 s; defined in m.toml\n"
        "\n"
        "result  member  up to   checks\n"
        "------  ------  ------  -----------------------------\n"
        "PASS    py310   stated  2 checks: 1 passed, 1 accepted\n"
        "PASS    py311   run     3 checks: 2 passed, 1 accepted\n"
        "\n"
        "ACCEPTED (WARN) AB102  known\n"
        "      flags do nothing\n"
        "      because   the published stack sets them\n"
        "\n"
        "NOT REACHED\n"
        "      py310: run and gpu: no Python 3.10 here (2 checks)\n"
        "      do        use docker\n"
        "      py311: gpu: no GPU here\n"
        "      do        stackcheck verify m.toml where there is a GPU\n"
        "what a code means: stackcheck explain AB102\n"
    ).replace("-----------------------------\n", "------------------------------\n")


def test_a_failure_of_one_member_leads_its_family_and_is_said_to_be_its_own() -> None:
    told = render((*GOOD, member("py312", PASSED, BROKEN)), "text")
    assert told.startswith("FAIL  fam: 1 of 3 members: 1 of 2 checks failed")
    assert "FAIL  (py312) AB103  broken\n" in told


def test_machines_get_every_member() -> None:
    assert render(GOOD, "junit").count("<testsuite ") == 2


def test_codes_of_what_was_not_checked_are_shown_with_v_alone() -> None:
    document = report_document(GOOD[1:])
    assert "AB401" not in render_document(document, "text")
    assert "gpu: no GPU here: AB401\n" in render_document(document, "text", verbose=True)


def test_the_table_over_several_blocks_has_a_row_for_each_and_its_counts_add_up() -> None:
    other = Report("other", (PASSED, BROKEN), file="o.toml", command="check")
    document = for_people(report_document((*GOOD, other)))
    assert document.overview is not None
    assert [section.name for section in document.sections] == ["other", "fam"]
    assert document.overview.rows == (
        ("FAIL", "other", "stated", "1", "", "", "", "1", "", "0.0 s"),
        ("PASS", "fam (2 members)", "run", "", "", "", "", "3", "2", "0.0 s"),
    )
    page = render((*GOOD, other), "html")
    for number, section in enumerate(document.sections, 1):
        assert f'<a href="#stack-{number}">{section.name}' in page
