"""The formats for machines: JSON, JUnit, GitHub, SARIF; and Markdown and HTML, literally."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from stackcheck import __version__
from stackcheck.errors import ReportError
from stackcheck.report import render
from stackcheck.report.jsonfile import from_json, to_json
from stackcheck.report.model import overall_exit_code
from stackcheck.verdict import Outcome
from tests.unit.report_cases import MIXED, PASSED, UNMADE, report, verdict

EMPTY = report()
EVERY = [MIXED, PASSED, UNMADE, EMPTY]


def test_json_round_trip_and_schema() -> None:
    assert from_json(to_json(EVERY)) == tuple(EVERY)
    assert from_json(to_json([])) == ()


def test_json_says_what_follows_from_the_verdicts() -> None:
    row = json.loads(to_json([MIXED]))["reports"][0]
    assert (row["result"], row["exit_code"], row["as_expected"]) == ("FAIL", 1, False)
    assert row["counts"] == {"PASS": 1, "WARN": 1, "SKIP": 3, "FAIL": 1, "ERROR": 1}
    assert json.loads(to_json([EMPTY]))["reports"][0]["result"] is None


def test_json_spells_what_json_has_not() -> None:
    odd = replace(PASSED, observation={"sum": math.nan, "rows": [math.inf, 1.5]})
    assert json.loads(to_json([odd]))["reports"][0]["observation"] == {"sum": "nan", "rows": ["inf", 1.5]}


def _damaged(**changes: object) -> str:
    document = json.loads(to_json([PASSED]))
    return json.dumps({**document, **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "r.json: this is no JSON: Expecting property name enclosed in double quotes"),
        ("[" * 100_000, "r.json: this is no JSON: maximum recursion depth exceeded"),
        (
            "[]",
            "r.json: schema_version is null, this stackcheck reads 1; give a file that `stackcheck check` or "
            "`verify` wrote with --format json",
        ),
        (_damaged(schema_version=2), "r.json: schema_version is 2, this stackcheck reads 1; give a file"),
        (_damaged(reports=[{}]), "r.json: $.reports[0]: 'stack' is a required property"),
        (
            _damaged(surprise=1),
            "r.json: $: Additional properties are not allowed ('surprise' was unexpected)",
        ),
    ],
)
def test_a_file_that_is_no_report_says_where_it_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ReportError, match=re.escape(message)):
        from_json(text, source="r.json")


def test_a_verdict_of_no_known_outcome_is_refused() -> None:
    text = to_json([PASSED]).replace('"outcome": "PASS"', '"outcome": "GREAT"', 1)
    with pytest.raises(ReportError, match=r"\$\.reports\[0\]\.verdicts\[0\]\.outcome: 'GREAT' is not one of"):
        from_json(text, source="r.json")


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
    small = replace(MIXED, verdicts=(fail, passed, skip, MIXED.verdicts[7]), seconds=1.5)
    assert render([small], "junit") == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<testsuites>\n"
        '  <testsuite id="0" package="stackcheck" name="matrices/pointcept.toml::cuda124-torch25-py311"'
        ' tests="4" failures="1" errors="0" skipped="2" hostname="localhost"'
        ' timestamp="2026-11-20T10:31:00" time="1.500">\n'
        "    <properties>\n"
        f'      <property name="stackcheck" value="{__version__}" />\n'
        '      <property name="command" value="verify" />\n'
        '      <property name="subject" value="image stackcheck/cuda124:ab12'
        ' (docker, sha256:abababababab, 6.1 GB)" />\n'
        f'      <property name="digest" value="sha256:{"ab" * 32}" />\n'
        f'      <property name="fingerprint" value="{"cc" * 32}" />\n'
        "    </properties>\n"
        '    <testcase name="CUMM101 cumm lies in the range that spconv declares"'
        ' classname="cuda124-torch25-py311" time="0">\n'
        '      <failure type="CUMM101" message="cumm-cu124 0.8.2 is outside what spconv-cu124 2.3.8 accepts.">'
        "cumm-cu124 0.8.2 is outside what spconv-cu124 2.3.8 accepts.\n"
        "expected: &gt;=0.7.11,&lt;0.8.0\n"
        "found: 0.8.2\n"
        'do: pin cumm-cu124 = "0.7.11"\n'
        "see: METADATA of spconv_cu124-2.3.8: Requires-Dist: cumm-cu124"
        " [https://pypi.org/project/spconv-cu124/2.3.8/]</failure>\n"
        "    </testcase>\n"
        '    <testcase name="TORCH101 torchvision fits torch" classname="cuda124-torch25-py311" time="0" />\n'
        '    <testcase name="GPU401 a matmul is right" classname="cuda124-torch25-py311" time="0">\n'
        '      <skipped message="not checked: needs a GPU, and there is none here" />\n'
        "    </testcase>\n"
        '    <testcase name="SPCONV102 the JIT flags do what they seem to" classname="cuda124-torch25-py311"'
        ' time="0">\n'
        '      <skipped message="WARN accepted because: the published stack sets them" />\n'
        "    </testcase>\n"
        "    <system-out>FAIL: 1 of 3 checks failed, 1 was not made\n"
        "4 checks: 1 failed, 1 not checked, 1 passed, 1 accepted</system-out>\n"
        "    <system-err />\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def test_junit_names_are_unique_and_warnings_are_in_the_output() -> None:
    twice = report(verdict(Outcome.WARN, message="first"), verdict(Outcome.WARN, message="second"))
    root = ET.fromstring(render([twice], "junit"))  # noqa: S314 - our own output
    assert [case.get("name") for case in root.iter("testcase")] == ["AB101 a title", "AB101 (2) a title"]
    assert root.findtext(".//system-out") == (
        "WARN: nothing failed in 2 checks; 2 warnings\n2 checks: 2 warned\nWARN AB101 first\nWARN AB101 second"
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
        "::notice file=matrices/pointcept.toml,title=ACCEPTED SPCONV102 cuda124-torch25-py311::"
        "The two flags do not stop NVRTC.%0Abecause: the published stack sets them\n"
        "::notice file=matrices/pointcept.toml,title=NOT CHECKED cuda124-torch25-py311::"
        "needs a GPU, and there is none here: GPU401 GPU402\n"
        "::notice file=matrices/pointcept.toml,title=NOT CHECKED cuda124-torch25-py311::"
        "the index was not asked (--offline): INDEX201\n"
        "stackcheck: FAIL cuda124-torch25-py311: 1 of 7 checks failed, 4 were not made\n"
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
        ("GPU401", "none", "open", None),
        ("GPU402", "none", "open", None),
        ("INDEX201", "none", "open", None),
        (
            "SPCONV102",
            "warning",
            None,
            [{"kind": "external", "justification": "the published stack sets them"}],
        ),
    ]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    assert run["results"][2]["message"]["text"] == "not checked: needs a GPU, and there is none here"
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
    assert notes == ["spconv_cpu died of SIGSEGV.", "small: nothing was checked"]
    fine = json.loads(render([PASSED], "sarif"))["runs"][0]["invocations"][0]
    assert fine == {"executionSuccessful": True, "toolExecutionNotifications": []}


def test_sarif_fingerprint_survives_new_wording() -> None:
    def print_of(message: str) -> str:
        run = json.loads(render([report(verdict(Outcome.FAIL, message=message))], "sarif"))["runs"][0]
        return str(run["results"][0]["partialFingerprints"]["stackcheck/v1"])

    assert print_of("one") == print_of("two")


def test_markdown_literally() -> None:
    assert render([MIXED], "md") == (
        "## FAIL `cuda124-torch25-py311`: 1 of 7 checks failed, 4 were not made\n"
        "\n"
        "torch 2.5.0 \\+ CUDA 12.4 with spconv  \n"
        "`image stackcheck/cuda124:ab12 (docker, sha256:abababababab, 6.1 GB)` "
        "2026-11-20T10:31:00\\+00:00, in 3 min 12 s\n"
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
        "### ACCEPTED (WARN) SPCONV102 the JIT flags do what they seem to\n"
        "\n"
        "> The two flags do not stop NVRTC.  \n"
        "\n"
        "- because: the published stack sets them\n"
        "\n"
        "### Not checked\n"
        "\n"
        "- needs a GPU, and there is none here: GPU401 GPU402\n"
        "- the index was not asked \\(--offline\\): INDEX201\n"
        "\n"
        "8 checks: 1 failed, 1 ended in an error, 1 warned, 3 not checked, 1 passed, 1 accepted\n"
    )


def test_markdown_of_several_begins_with_a_table() -> None:
    assert render([PASSED, MIXED], "md").startswith(
        "| result | stack | failed | error | warned | not checked | passed | accepted | time |\n"
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| **PASS** | `cpu` |  |  |  |  | 2 |  | 0.2 s |\n"
        "| **FAIL** | `cuda124-torch25-py311` | 1 | 1 | 1 | 3 | 1 | 1 | 3 min 12 s |\n"
        "\n"
        "## PASS `cpu`: all 2 checks passed\n"
    )
    assert render([], "md") == "**NOTHING**: no stack was checked\n"


def test_html_holds_every_part_and_loads_nothing() -> None:
    page = render([MIXED, PASSED], "html")
    assert page.startswith("<!doctype html>")
    assert "<h1>stackcheck: 2 stacks</h1>" in page
    assert (
        '<h2><span class="tag FAIL">FAIL</span> cuda124-torch25-py311: 1 of 7 checks failed, 4 were not made</h2>'
        in page
    )
    assert "<dt>expected</dt><dd>&gt;=0.7.11,&lt;0.8.0</dd>" in page
    assert "<li>needs a GPU, and there is none here: GPU401 GPU402</li>" in page
    assert "<dt>because</dt><dd>the published stack sets them</dd>" in page
    assert "default-src 'none'" in page
    assert re.findall(r'(?:src|href)="(?!#)([^"]*)', page) == ["https://pypi.org/project/spconv-cu124/2.3.8/"]
    assert "no stack was checked" in render([], "html")


FAILING = report(verdict(Outcome.FAIL, "AB101"), expect="fail", expect_codes=("AB101",))


@pytest.mark.parametrize(
    ("reports", "strict", "accept", "code"),
    [
        ([PASSED], False, False, 0),
        ([PASSED], True, False, 0),
        ([UNMADE], False, False, 3),
        ([report(verdict(Outcome.PASS), verdict(Outcome.WARN))], False, False, 0),
        ([report(verdict(Outcome.PASS), verdict(Outcome.WARN))], True, False, 3),
        ([report(verdict(Outcome.PASS), verdict(Outcome.ERROR))], False, False, 3),
        ([MIXED], False, False, 1),
        ([PASSED, UNMADE], False, False, 3),
        ([UNMADE, MIXED, PASSED], False, False, 1),
        ([EMPTY], False, False, 3),
        ([], False, False, 3),
        ([FAILING], False, False, 1),
        ([FAILING], False, True, 0),
        ([replace(FAILING, expect_codes=("AB101", "AB102"))], False, True, 1),
        ([replace(PASSED, expect="fail", expect_codes=("AB101",))], False, True, 1),
        ([replace(PASSED, expect="fail", expect_codes=("AB101",))], False, False, 0),
        ([replace(FAILING, verdicts=(*FAILING.verdicts, verdict(Outcome.ERROR)))], False, True, 3),
        ([replace(FAILING, verdicts=(*FAILING.verdicts, verdict(Outcome.WARN)))], False, True, 0),
        ([replace(FAILING, verdicts=(*FAILING.verdicts, verdict(Outcome.WARN)))], True, True, 3),
        ([replace(FAILING, expect="pass", expect_codes=())], False, True, 1),
    ],
)
def test_exit_code_of_reports(reports: list, strict: bool, accept: bool, code: int) -> None:  # type: ignore[type-arg]
    assert overall_exit_code(reports, strict=strict, accept_expected=accept) == code


def test_the_name_of_a_report_without_a_stack_is_what_was_probed() -> None:
    from_image = replace(MIXED, stack="", file="")
    assert from_image.name == from_image.title == "stackcheck/cuda124:ab12"
    assert report().title == "small"
    assert MIXED.title == "matrices/pointcept.toml::cuda124-torch25-py311"
