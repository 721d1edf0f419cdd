"""The formats for machines: JSON, JUnit, GitHub, SARIF; and Markdown and HTML, literally."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from stackcheck import __version__
from stackcheck.model.errors import ReportError
from stackcheck.model.report import overall_exit_code
from stackcheck.model.verdict import Level, Outcome
from stackcheck.report import render, render_document
from stackcheck.report.document import Document, Explanation, Section, Table
from stackcheck.report.html import source_parts
from stackcheck.report.jsonfile import from_json, json_chunks, schema, to_json, verdict_out
from stackcheck.report.sections import report_document
from tests.unit.report.report_cases import MIXED, PASSED, UNMADE, report, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.model.report import Report

EMPTY = report()
EVERY = [MIXED, PASSED, UNMADE, EMPTY]


def test_json_round_trip_and_schema() -> None:
    assert from_json(to_json(EVERY)) == tuple(EVERY)
    assert from_json(to_json([])) == ()


def test_json_says_what_follows_from_the_verdicts() -> None:
    row = json.loads(to_json([MIXED]))["reports"][0]
    assert (row["result"], row["exit_code"], row["as_expected"]) == ("FAIL", 1, False)
    assert row["counts"] == {"PASS": 2, "WARN": 1, "SKIP": 1, "FAIL": 1, "ERROR": 1}
    assert row["reach"] == {
        "level": "run",
        "unreached": {"gpu": "There is no GPU here"},
    }
    assert json.loads(to_json([EMPTY]))["reports"][0]["result"] == "NOTHING"
    assert json.loads(to_json([UNMADE]))["reports"][0]["result"] == "NOTHING"


def test_every_verdict_says_level_question_subject_and_notes() -> None:
    row = json.loads(to_json([MIXED]))["reports"][0]["verdicts"][-2]
    assert (row["level"], row["unverified"], row["question"], row["subject"]) == ("run", False, "", "")
    assert row["notes"] == list(MIXED.verdicts[-2].notes)
    sides = {"evidence": [], "notes": row["notes"], "about": list(MIXED.verdicts[-2].about)}
    assert verdict_out(MIXED.verdicts[-2]) | sides == row


def test_json_spells_what_json_has_not() -> None:
    odd = replace(PASSED, observation={"sum": math.nan, "rows": [math.inf, 1.5]})
    assert json.loads(to_json([odd]))["reports"][0]["observation"] == {"sum": "nan", "rows": ["inf", 1.5]}


def _damaged(**changes: object) -> str:
    document = json.loads(to_json([PASSED]))
    return json.dumps({**document, **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "r.json:1: this is not JSON: Expecting property name enclosed in double quotes"),
        ("[" * 100_000, "r.json:1: it is nested deeper than 100 levels."),
        (
            "[]",
            "r.json: schema_version is null, this stackcheck reads 1 and 2; give a file that `stackcheck check` "
            "or `verify` wrote with --format json.",
        ),
        (
            _damaged(schema_version=3),
            "r.json: schema_version is 3, this stackcheck reads 1 and 2; give a file",
        ),
        (_damaged(schema_version=True), "r.json: schema_version is true, this stackcheck reads 1 and 2"),
        (_damaged(reports=[{}]), "r.json: $.reports[0].stack: field required."),
        (
            _damaged(reports=[[]]),
            "r.json: $.reports[0]: input should be a dictionary or an instance of Report",
        ),
        (_damaged(reports={}), "r.json: $.reports: a list of reports has to stand here."),
        (_damaged(surprise=1), "r.json: $: 'surprise' is not a key of a report."),
        (
            _damaged(reports=[{"stack": "a", "verdicts": [], "x": 1}]),
            "$.reports[0].x: unknown key (found 1).",
        ),
        (
            _damaged(reports=[{"stack": "a", "verdicts": [], "expect": "A" * 9000}]),
            "r.json: $.reports[0].expect: input should be 'pass' or 'fail' (found 'AAAA",
        ),
    ],
)
def test_a_file_that_is_not_a_report_says_where_it_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ReportError) as caught:
        from_json(text, source="r.json")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("outcome", "GREAT", ".outcome: input should be 'PASS', 'WARN', 'SKIP', 'FAIL' or 'ERROR' (found 'GREAT')."),
        ("level", "cpu", ".level: input should be 'stated', 'resolved', 'bytes', 'run' or 'gpu' (found 'cpu')."),
        ("code", "PIN1", ".code: 'PIN1' is not a rule's code."),
    ],
)  # fmt: skip
def test_a_verdict_that_cannot_be_is_refused(key: str, value: str, message: str) -> None:
    document = json.loads(to_json([PASSED]))
    document["reports"][0]["verdicts"][0][key] = value
    with pytest.raises(ReportError) as caught:
        from_json(json.dumps(document), source="r.json")
    assert str(caught.value) == f"r.json: $.reports[0].verdicts[0]{message}"


def _of_version_1(code: str) -> str:
    document = json.loads(to_json([PASSED]))
    document["schema_version"] = 1
    row = document["reports"][0]
    row["result"] = "SKIP"
    del row["reach"]
    row["verdicts"] = row["verdicts"][:1]
    row["verdicts"][0]["code"] = code
    for key in ("level", "unverified", "question", "subject", "notes", "about"):
        del row["verdicts"][0][key]
    return json.dumps(document)


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("PIN101", Level.STATED),
        ("LOCK204", Level.RESOLVED),
        ("TORCH305", Level.RUN),
        ("TORCH401", Level.GPU),
    ],
)
def test_a_document_of_version_1_is_read_with_the_level_that_its_codes_meant(code: str, level: Level) -> None:
    (read,) = from_json(_of_version_1(code))
    assert read == replace(PASSED, verdicts=(replace(PASSED.verdicts[0], code=code, level=level),))
    assert from_json(to_json([read])) == (read,)


def test_a_report_of_version_1_that_is_committed_is_read() -> None:
    path = Path(__file__).parents[3] / "reports" / "cuda130-torch211.json"
    text = path.read_text(encoding="utf-8")
    assert json.loads(text)["schema_version"] == 1
    (read,) = from_json(text, source=path.name)
    assert (read.result, read.reach.level, len(read.verdicts)) == (Outcome.PASS, Level.GPU, 72)


def test_the_schema_is_of_what_is_written() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    assert [error.message for error in validator.iter_errors(json.loads(to_json(EVERY)))] == []
    wrong = json.loads(to_json([PASSED]))
    wrong["reports"][0]["verdicts"][0]["outcome"] = "GREAT"
    assert not validator.is_valid(wrong)


def test_json_comes_a_report_at_a_time() -> None:
    made: list[str] = []

    def reports() -> Iterator[Report]:
        for each in (PASSED, MIXED):
            made.append(each.stack)
            yield each

    chunks = json_chunks(reports())
    next(chunks)
    assert '"stack": "cpu"' in next(chunks)
    assert made == ["cpu"]


ANT_SUITE = ["name", "timestamp", "hostname", "tests", "failures", "errors", "time", "package", "id"]


def _assert_both_schemas(root: ET.Element) -> None:
    """Hold a document against what Ant's and the Jenkins plugin's schema demand, the stricter of each."""
    assert root.tag == "testsuites"
    assert root.attrib == {}
    for suite in root:
        assert set(ANT_SUITE) <= set(suite.attrib) <= {*ANT_SUITE, "skipped"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
        assert re.fullmatch(r"\d+\.\d{3}", suite.attrib["time"])
        order = [child.tag for child in suite]
        cases = order.count("testcase")
        assert order == ["properties", *["testcase"] * cases, "system-out", "system-err"]
        assert suite.attrib["tests"] == str(cases)
        for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert suite.attrib[attribute] == str(len(suite.findall(f"testcase/{tag}")))
        for case in suite.findall("testcase"):
            assert set(case.attrib) == {"name", "classname", "time"}
            assert len(case) <= 1
            for result in case:
                assert result.tag in {"failure", "error", "skipped"}
                required = {"message"} if result.tag == "skipped" else {"type", "message"}
                assert set(result.attrib) == required


def test_junit_is_what_ant_and_jenkins_accept() -> None:
    _assert_both_schemas(ET.fromstring(render(EVERY, "junit")))  # noqa: S314 - our own output


def test_junit_literally() -> None:
    fail, passed, skip = MIXED.verdicts[0], MIXED.verdicts[1], MIXED.verdicts[3]
    small = replace(MIXED, verdicts=(fail, passed, skip, MIXED.verdicts[8]), seconds=1.5)
    assert render([small], "junit") == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<testsuites>\n"
        '  <testsuite id="0" package="stackcheck" name="matrices/pointcept.toml::cuda124-torch25-py311"'
        ' tests="4" failures="1" errors="0" skipped="2" hostname="localhost"'
        ' timestamp="2026-11-20T10:31:00" time="1.500">\n'
        "    <properties>\n"
        f'      <property name="stackcheck" value="{__version__}" />\n'
        '      <property name="command" value="verify" />\n'
        '      <property name="reach" value="stated" />\n'
        '      <property name="subject" value="image stackcheck/cuda124:ab12'
        ' (docker, sha256:abababababab, 6.1 GB)" />\n'
        f'      <property name="digest" value="sha256:{"ab" * 32}" />\n'
        f'      <property name="fingerprint" value="{"cc" * 32}" />\n'
        "    </properties>\n"
        '    <testcase name="CUMM101" classname="matrices.pointcept.toml.cuda124-torch25-py311" time="0">\n'
        '      <failure type="CUMM101" message="cumm lies in the range that spconv declares: cumm-cu124 0.8.2 is outside what spconv-cu124 2.3.8 accepts.">'
        "cumm-cu124 0.8.2 is outside what spconv-cu124 2.3.8 accepts.\n"
        "expected: &gt;=0.7.11,&lt;0.8.0\n"
        "found: 0.8.2\n"
        'do: pin cumm-cu124 = "0.7.11"\n'
        "see: METADATA of spconv_cu124-2.3.8: Requires-Dist: cumm-cu124"
        " [https://pypi.org/project/spconv-cu124/2.3.8/]</failure>\n"
        "    </testcase>\n"
        '    <testcase name="TORCH101" classname="matrices.pointcept.toml.cuda124-torch25-py311" time="0" />\n'
        '    <testcase name="GPU401" classname="matrices.pointcept.toml.cuda124-torch25-py311" time="0">\n'
        '      <skipped message="not checked: There is no GPU here." />\n'
        "    </testcase>\n"
        '    <testcase name="SPCONV102" classname="matrices.pointcept.toml.cuda124-torch25-py311" time="0">\n'
        '      <skipped message="WARN accepted because: the published stack sets them" />\n'
        "    </testcase>\n"
        "    <system-out>FAIL: 1 of 3 checks failed, checked up to stated; gpu not reached: There is no GPU here\n"
        "3 checks: 1 failed, 1 passed, 1 accepted</system-out>\n"
        "    <system-err />\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def test_junit_has_a_case_a_code_and_warnings_in_the_output() -> None:
    twice = report(verdict(Outcome.WARN, message="first"), verdict(Outcome.WARN, message="second"))
    root = ET.fromstring(render([twice], "junit"))  # noqa: S314 - our own output
    assert [case.get("name") for case in root.iter("testcase")] == ["AB101"]
    assert root.findtext(".//system-out") == (
        "WARN: 2 warnings, up to stated (definition and tables)\n2 checks: 2 warned\nWARN AB101 first\nWARN AB101 second"
    )


def test_junit_of_nothing_is_an_error() -> None:
    root = ET.fromstring(render([EMPTY], "junit"))  # noqa: S314 - our own output
    error = root.find(".//testcase/error")
    assert error is not None
    assert error.attrib == {"type": "NOTHING", "message": "nothing was checked"}


def test_github_literally() -> None:
    assert render([MIXED], "github") == (
        "::error file=matrices/pointcept.toml,title=FAIL CUMM101 cuda124-torch25-py311::"
        "cumm-cu124 0.8.2 is outside what spconv-cu124 2.3.8 accepts.%0Aexpected: >=0.7.11,<0.8.0"
        '%0Afound: 0.8.2%0Ado: pin cumm-cu124 = "0.7.11"\n'
        "::error file=matrices/pointcept.toml,title=ERROR PROBE301 cuda124-torch25-py311::"
        "spconv_cpu died of SIGSEGV.\n"
        "::warning file=matrices/pointcept.toml,title=WARN PIN101 cuda124-torch25-py311::"
        'torch-scatter is "latest".\n'
        "::notice file=matrices/pointcept.toml,title=PASS SPCONV301 cuda124-torch25-py311::spconv 2.3.8 imports."
        "%0Anote: the table says that it needs cumm 0.7, METADATA says nothing: please report the row\n"
        "::notice file=matrices/pointcept.toml,title=ACCEPTED (WARN) SPCONV102 cuda124-torch25-py311::"
        "The two flags do not stop NVRTC.%0Abecause: the published stack sets them\n"
        "::notice file=matrices/pointcept.toml,title=NOT CHECKED cuda124-torch25-py311::"
        "The index was not asked (--offline): INDEX201\n"
        "::notice file=matrices/pointcept.toml,title=NOT REACHED cuda124-torch25-py311::"
        "gpu: There is no GPU here: GPU401 GPU402\n"
        "stackcheck: FAIL cuda124-torch25-py311: 1 of 7 checks failed, 1 ended in an error, 1 warning, checked up to run; 1 not checked: The index was not asked (--offline); gpu not reached: There is no GPU here\n"
    )


def test_github_of_nothing_is_an_error() -> None:
    assert render([EMPTY], "github") == (
        "::error title=NOTHING small::nothing was checked\nstackcheck: NOTHING small: nothing was checked\n"
    )
    assert render([], "github") == "::error title=stackcheck::no stack was checked\n"


def test_sarif_results() -> None:
    run = json.loads(render([MIXED, PASSED], "sarif"))["runs"][0]
    rows = [(r["ruleId"], r["level"], r.get("kind"), r.get("suppressions")) for r in run["results"]]
    assert rows == [
        ("CUMM101", "error", None, None),
        ("PIN101", "warning", None, None),
        (
            "SPCONV102",
            "warning",
            None,
            [{"kind": "external", "justification": "the published stack sets them"}],
        ),
    ]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    assert run["results"][0]["locations"] == [
        {
            "logicalLocations": [{"name": "cuda124-torch25-py311", "kind": "module"}],
            "physicalLocation": {
                "artifactLocation": {"uri": "matrices/pointcept.toml"},
                "region": {"startLine": 1},
            },
        }
    ]


def test_sarif_errors_are_notifications() -> None:
    invocation = json.loads(render([MIXED, EMPTY], "sarif"))["runs"][0]["invocations"][0]
    assert invocation["executionSuccessful"] is False
    notes = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    assert notes == [
        "not checked: The index was not asked (--offline).\ndo: run once without --offline",
        "spconv_cpu died of SIGSEGV.",
        "small: nothing was checked",
    ]
    assert [note["level"] for note in invocation["toolExecutionNotifications"]] == ["note", "error", "error"]
    fine = json.loads(render([PASSED], "sarif"))["runs"][0]["invocations"][0]
    assert fine == {"executionSuccessful": True, "toolExecutionNotifications": []}


def test_sarif_fingerprint_survives_new_wording() -> None:
    def print_of(message: str) -> str:
        run = json.loads(render([report(verdict(Outcome.FAIL, message=message))], "sarif"))["runs"][0]
        return str(run["results"][0]["partialFingerprints"]["stackcheck/v1"])

    assert print_of("one") == print_of("two")


def test_markdown_literally() -> None:
    assert render([MIXED], "md") == (
        "## FAIL `cuda124-torch25-py311`: 1 of 7 checks failed, 1 ended in an error, 1 warning, checked up to run; 1 not checked: The index was not asked \\(--offline\\); gpu not reached: There is no GPU here\n"
        "\n"
        '- do: CUMM101: pin cumm-cu124 = "0.7.11"\n'
        "- do: the smallest change that makes it good: stackcheck suggest cuda124-torch25-py311\n"
        "\n"
        "torch 2.5.0 \\+ CUDA 12.4 with spconv  \n"
        "image stackcheck/cuda124:ab12 \\(docker, sha256:abababababab, 6.1 GB\\); "
        "2026-11-20T10:31:00\\+00:00, in 3 min 12 s; defined in matrices/pointcept.toml  \n"
        "\n"
        "### FAIL CUMM101 cumm lies in the range that spconv declares\n"
        "\n"
        "> cumm-cu124 0.8.2 is outside what spconv-cu124 2.3.8 accepts.  \n"
        "\n"
        "- expected: `>=0.7.11,<0.8.0`\n"
        "- found: `0.8.2`\n"
        '- do: pin cumm-cu124 = "0.7.11"\n'
        "- see: `METADATA of spconv_cu124-2.3.8: Requires-Dist: cumm-cu124`, "
        "<https://pypi.org/project/spconv-cu124/2.3.8/>\n"
        "\n"
        "### ERROR PROBE301 every probe reports\n"
        "\n"
        "> spconv\\_cpu died of SIGSEGV.  \n"
        "\n"
        "### WARN PIN101 every package is pinned\n"
        "\n"
        '> torch-scatter is "latest".  \n'
        "\n"
        "### PASS SPCONV301 spconv imports\n"
        "\n"
        "> spconv 2.3.8 imports.  \n"
        "\n"
        "- note: the table says that it needs cumm 0.7, METADATA says nothing: please report the row\n"
        "\n"
        "### ACCEPTED \\(WARN\\) SPCONV102 the JIT flags do what they seem to\n"
        "\n"
        "> The two flags do not stop NVRTC.  \n"
        "\n"
        "- because: the published stack sets them\n"
        "\n"
        "### Not checked\n"
        "\n"
        "- The index was not asked \\(--offline\\); do: run once without --offline\n"
        "\n"
        "### Not reached\n"
        "\n"
        "- gpu: There is no GPU here \\(2 checks\\); do: stackcheck verify cuda124-torch25-py311 where there is a GPU\n"
        "\n"
        "7 checks: 1 failed, 1 ended in an error, 1 warned, 1 not checked, 2 passed, 1 accepted\n"
    )


def test_markdown_of_several_begins_with_a_table() -> None:
    assert render([PASSED, MIXED], "md").startswith(
        "# FAIL 2 stacks: 1 failed, 1 passed\n"
        "\n"
        "| result | stack | up to | failed | error | warned | not checked | passed | accepted | time |\n"
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| **FAIL** | `cuda124-torch25-py311` | run | 1 | 1 | 1 | 1 | 2 | 1 | 3 min 12 s |\n"
        "| **PASS** | `cpu` | stated |  |  |  |  | 2 |  | 0\\.2 s |\n"
        "\n"
        "## FAIL `cuda124-torch25-py311`: 1 of 7 checks failed"
    )
    assert render([], "md") == "**NOTHING**: no stack was checked\n"


@pytest.mark.parametrize("name", ["a|b.so", "a\\|b.so", "|", "`|`"])
def test_a_bar_in_a_name_does_not_break_a_markdown_table(name: str) -> None:
    """GFM takes a backslash and what follows as one before it looks for cells, in code spans as well."""
    table = Table(("library", "why"), ((name, "x"),))
    row = render_document(Document((Section(parts=(table,)),)), "md").splitlines()[-1]
    assert len(re.sub(r"\\.", "", row).split("|")) == len(["", " library ", " why ", ""])


def test_html_holds_every_part_and_loads_nothing() -> None:
    document = report_document([MIXED, PASSED])._replace(explain=lambda code: Explanation(code, "t", "why"))
    page = render_document(document, "html")
    assert page.startswith("<!doctype html>")
    assert '<h1><span class="tag FAIL">FAIL</span> 2 stacks: 1 failed, 1 passed</h1>' in page
    assert '<h2 id="name-1"><span class="tag FAIL">FAIL</span> cuda124-torch25-py311</h2>' in page
    assert '<p class="lead">1 of 7 checks failed, 1 ended in an error, 1 warning, checked up to run;' in page
    assert (
        "<summary>What passed (2)</summary>\n<ul>\n<li>PIN101 every package is pinned: all 2 are</li>" in page
    )
    assert '<a href="#rule-CUMM101">CUMM101</a> cumm lies in the range' in page
    assert '<div id="rule-CUMM101">' in page
    assert "<dt>expected</dt><dd>&gt;=0.7.11,&lt;0.8.0</dd>" in page
    assert "<li>gpu: There is no GPU here (2 checks); do: stackcheck verify" in page
    assert "<dt>because</dt><dd>the published stack sets them</dd>" in page
    assert "default-src 'none'" in page
    assert "https://pypi.org/project/spconv-cu124/2.3.8/" in re.findall(r'href="([^"]*)', page)
    assert "<script" not in page
    assert " src=" not in page
    assert "no stack was checked" in render([], "html")


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("torch/setup.py:41", [("torch/setup.py:41", False)]),
        (
            "https://a.example/x (checked 2026-11-20)",
            [("https://a.example/x", True), (" (checked 2026-11-20)", False)],
        ),
        ("see https://a.example/x, b", [("see ", False), ("https://a.example/x", True), (", b", False)]),
        ("javascript:alert(1)//https:x", [("javascript:alert(1)//https:x", False)]),
    ],
)
def test_html_links_the_addresses_in_a_source_and_nothing_else(
    source: str, parts: list[tuple[str, bool]]
) -> None:
    assert source_parts(source) == parts


FAILING = report(verdict(Outcome.FAIL, "AB101"), expect="fail", expect_codes=("AB101",))
ALL_WELL = report(verdict(Outcome.PASS, level=Level.RUN), verdict(Outcome.SKIP, level=Level.GPU))
"""All that could be reached here."""


def _of(*outcomes: Outcome) -> Report:
    return report(*(verdict(outcome) for outcome in outcomes))


@pytest.mark.parametrize(
    ("one", "normal", "strict"),
    [
        (_of(Outcome.PASS), 0, 0),
        (_of(Outcome.PASS, Outcome.WARN), 0, 3),
        (_of(Outcome.PASS, Outcome.SKIP), 0, 3),
        (_of(Outcome.WARN, Outcome.SKIP), 0, 3),
        (_of(Outcome.PASS, Outcome.FAIL), 1, 1),
        (_of(Outcome.PASS, Outcome.ERROR), 3, 3),
        (_of(Outcome.FAIL, Outcome.ERROR), 1, 1),
        (UNMADE, 3, 3),
        (EMPTY, 3, 3),
        (ALL_WELL, 0, 0),
        (report(verdict(Outcome.PASS), verdict(Outcome.FAIL, waived="known, see the ticket")), 0, 0),
        (report(verdict(Outcome.PASS), verdict(Outcome.SKIP, level=Level.RESOLVED)), 0, 3),
    ],
)
def test_exit_code_of_a_report(one: Report, normal: int, strict: int) -> None:
    assert (one.exit_code(), one.exit_code(strict=True)) == (normal, strict)


@pytest.mark.parametrize(
    ("one", "required", "code"),
    [
        (ALL_WELL, Level.RUN, 0),
        (ALL_WELL, Level.BYTES, 0),
        (ALL_WELL, Level.GPU, 3),
        (PASSED, Level.RUN, 3),
        (FAILING, Level.GPU, 3),
        (replace(FAILING, expect_codes=()), Level.GPU, 1),
    ],
)
def test_a_required_level_that_was_not_reached_is_3(one: Report, required: Level, code: int) -> None:
    assert one.exit_code(require=required) == code


@pytest.mark.parametrize(
    ("one", "strict", "code"),
    [
        (FAILING, False, 0),
        (replace(FAILING, expect_codes=("AB101", "AB102")), False, 1),
        (replace(PASSED, expect="fail", expect_codes=("AB101",)), False, 1),
        (replace(FAILING, verdicts=(*FAILING.verdicts, verdict(Outcome.ERROR))), False, 3),
        (replace(FAILING, verdicts=(*FAILING.verdicts, verdict(Outcome.WARN))), False, 0),
        (replace(FAILING, verdicts=(*FAILING.verdicts, verdict(Outcome.WARN))), True, 3),
        (replace(FAILING, expect="pass", expect_codes=()), False, 1),
    ],
)
def test_exit_code_of_a_stack_that_may_fail_as_expected(one: Report, strict: bool, code: int) -> None:
    assert one.exit_code(strict=strict) == code


@pytest.mark.parametrize(
    ("codes", "code"), [([], 3), ([0], 0), ([0, 3], 3), ([3, 1, 0], 1), ([0, 1], 1), ([0, 0], 0)]
)
def test_exit_code_of_several_reports(codes: list[int], code: int) -> None:
    assert overall_exit_code(codes) == code


def test_the_name_of_a_report_without_a_stack_is_what_was_probed() -> None:
    from_image = replace(MIXED, stack="", file="")
    assert from_image.name == from_image.title == "stackcheck/cuda124:ab12"
    assert report().title == "small"
    assert MIXED.title == "matrices/pointcept.toml::cuda124-torch25-py311"


@pytest.mark.parametrize("reports", [[MIXED], [PASSED, MIXED], [UNMADE]])
def test_no_heading_of_a_page_is_left_out(reports: list[Report]) -> None:
    """A screen reader lists headings as an outline: one of level 3 below one of level 1 is a hole in it."""
    levels = [int(level) for level in re.findall(r"<h(\d)", render(reports, "html"))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
