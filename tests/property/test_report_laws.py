"""Laws of reports: JSON loses nothing, nothing hostile gets out, what was not checked is never good."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck.model.escape import LINE_LIMIT, block, one_line
from stackcheck.model.report import Hashes, Report, Subject, overall_exit_code
from stackcheck.model.verdict import Evidence, Level, Outcome, Verdict
from stackcheck.report import FORMATS, render
from stackcheck.report.blocks import for_people
from stackcheck.report.jsonfile import from_json, to_json
from stackcheck.report.sections import report_document
from stackcheck.report.wording import headline, label, tally

pytestmark = pytest.mark.property

TEXT = st.text(max_size=60) | st.sampled_from(
    ["\x1b[31m", "\x1b]0;x", "\u202e", "\r\n::error::x", "]]>", "`|`"]
)
VERDICTS = st.builds(
    Verdict,
    st.from_regex(r"[A-Z]{2}[1-4][0-9]{2}", fullmatch=True),
    TEXT,
    st.sampled_from(Outcome),
    TEXT,
    TEXT,
    TEXT,
    TEXT,
    st.lists(st.builds(Evidence, TEXT, TEXT), max_size=3).map(tuple),
    TEXT,
    st.sampled_from(Level),
    st.booleans(),
    TEXT,
    TEXT,
    st.lists(TEXT, max_size=2).map(tuple),
)
REPORTS = st.builds(
    Report,
    TEXT,
    st.lists(VERDICTS, max_size=4).map(tuple),
    family=st.sampled_from(["", "f"]),
    file=TEXT,
    summary=TEXT,
    command=st.sampled_from(["check", "verify", "probe"]),
    subject=st.builds(Subject, TEXT, TEXT, TEXT, TEXT, st.none() | st.integers(0, 10**12)),
    started=TEXT,
    seconds=st.floats(0, 1e6),
    expect=st.sampled_from(["pass", "fail"]),
    expect_codes=st.lists(TEXT, max_size=3).map(tuple),
    resolution=st.dictionaries(TEXT, TEXT, max_size=3),
    observation=st.none() | st.dictionaries(TEXT, TEXT | st.integers(), max_size=3),
    hashes=st.builds(Hashes, TEXT, TEXT, TEXT),
)  # fmt: skip


@given(st.lists(REPORTS, max_size=2))
def test_json_loses_nothing(reports: list[Report]) -> None:
    assert from_json(to_json(reports)) == tuple(reports)


@given(st.lists(REPORTS, max_size=2), st.sampled_from(FORMATS))
def test_every_format_renders_everything_to_printable_text(reports: list[Report], form: str) -> None:
    rendered = render(reports, form)
    assert all(c.isprintable() or c == "\n" for c in rendered)
    assert rendered.endswith("\n")


@given(st.lists(REPORTS, min_size=1, max_size=2))
def test_documents_are_well_formed(reports: list[Report]) -> None:
    root = ET.fromstring(render(reports, "junit"))  # noqa: S314 - our own output
    cases = sorted(len(suite.findall("testcase")) for suite in root)
    codes = [len({verdict.code for verdict in report.verdicts}) for report in reports]
    assert cases == sorted(max(1, count) for count in codes)
    assert json.loads(render(reports, "sarif"))["version"] == "2.1.0"


@given(st.lists(REPORTS, min_size=1, max_size=2))
def test_every_line_of_workflow_commands_is_ours(reports: list[Report]) -> None:
    for line in render(reports, "github").splitlines():
        assert line.startswith(("::error ", "::warning ", "::notice ", "stackcheck: "))


@given(REPORTS)
def test_what_was_not_checked_is_always_in_the_first_line(report: Report) -> None:
    counts, first = report.counts, headline(report)
    assert label(report) != "SKIP"
    if label(report) == "NOTHING":
        assert first.startswith("nothing was checked")
        assert report.exit_code() == 3
    elif counts[Outcome.SKIP]:
        assert f"{counts[Outcome.SKIP]} not checked" in first
        assert report.exit_code(strict=True) != 0


@given(REPORTS)
def test_counts_add_up_everywhere(report: Report) -> None:
    counts, made, accepted = report.counts, len(report.made), len(report.waived)
    assert sum(counts.values()) + accepted == made
    assert int(tally(report).partition(" ")[0]) == made
    told = json.loads(to_json([report]))["reports"][0]["counts"]
    assert told == {outcome.word: count for outcome, count in counts.items()}
    findings = report_document([report]).sections[0].findings
    assert len(findings) == len(report.verdicts)
    unreached = sum(not each.reached for each in findings)
    assert unreached == len(report.verdicts) - made
    suite = ET.fromstring(render([report], "junit"))[0]  # noqa: S314 - our own output
    if report.verdicts:  # a case a code, as pytest has it: a FAIL of a code leads its other answers
        cases, failures, errors, skipped = (
            int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")
        )
        counted = [each for each in findings if not each.accepted]
        bad = {each.code for each in counted if each.outcome is Outcome.FAIL and not each.expected}
        failed = {each.code for each in counted if each.outcome is Outcome.FAIL}
        broken = {each.code for each in counted if each.outcome is Outcome.ERROR} - failed
        assert (cases, failures, errors) == (len({v.code for v in report.verdicts}), len(bad), len(broken))
        assert failures + errors + skipped <= cases


@given(st.lists(REPORTS, max_size=4))
def test_the_overall_line_and_the_table_count_every_stack_and_the_worst_leads(reports: list[Report]) -> None:
    document = report_document(reports)
    words = [section.outcome for section in document.sections]
    assert words == sorted(words, key=["FAIL", "ERROR", "NOTHING", "WARN", "PASS"].index)
    if len(reports) > 1:
        total, _, parts = document.overall.partition(": ")
        assert total == f"{len(reports)} stacks"
        assert sum(int(part.partition(" ")[0]) for part in parts.split(", ")) == len(reports)
        assert document.overview is not None
        for row in document.overview.rows:
            made = sum(int(cell or 0) for cell in row[3:9])
            assert made in [len(report.made) for report in reports]


@given(st.lists(REPORTS, max_size=4))
def test_a_family_is_one_block_that_loses_no_finding(reports: list[Report]) -> None:
    document = report_document(reports)
    blocks = for_people(document)
    families = {(section.file, section.family) for section in document.sections if section.family}
    alone = sum(not section.family for section in document.sections)
    assert len(blocks.sections) == len(families) + alone
    before = {(f.heading, f.message) for s in document.sections for f in s.findings if f.shown}
    assert {(f.heading, f.message) for s in blocks.sections for f in s.findings if f.shown} == before


@given(REPORTS, st.sampled_from(Level))
def test_a_level_that_was_not_reached_is_said_and_can_be_required(report: Report, level: Level) -> None:
    answered = [v for v in report.verdicts if v.outcome in (Outcome.PASS, Outcome.WARN, Outcome.FAIL)]
    reached = any(v.level >= level for v in answered)
    assert report.reach.covers(level) is reached
    assert reached or (level in report.reach.unreached and report.exit_code(require=level) != 0)
    for verdict in report.verdicts:
        assert report.reach.skips(verdict) <= (verdict.level in report.reach.unreached)


@given(REPORTS, st.booleans())
def test_a_requirement_only_turns_good_into_not_checked(report: Report, strict: bool) -> None:
    without = report.exit_code(strict=strict)
    for level in Level:
        required = report.exit_code(strict=strict, require=level)
        assert required == without or (without, required) == (0, 3)


@given(st.lists(st.sampled_from([0, 1, 3]), max_size=4), st.randoms())
def test_the_exit_code_does_not_depend_on_the_order(codes: list[int], random: Any) -> None:
    shuffled = list(codes)
    random.shuffle(shuffled)
    assert overall_exit_code(shuffled) == overall_exit_code(codes)


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = one_line(text)
    assert one_line(once) == once
    assert once.isprintable()
    assert len(once) <= LINE_LIMIT + 40
    assert all(line.isprintable() for line in block(text))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])).filter(lambda t: len(t) < LINE_LIMIT))
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text
