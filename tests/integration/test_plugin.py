"""The pytest plugin in projects of their own, each a real pytest process."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DEFINITIONS = """\
[[stack]]
id = "demo"
python = "3.11"

[[stack]]
id = "fine"

[[stack]]
id = "far"

[[stack]]
id = "known-bad"
expect = "fail"
expect_codes = ["AB101", "AC101"]

[[stack]]
id = "unreachable"
"""

CONFTEST = '''\
"""Rules and reports made up for the test; every report that is made is noted in calls.txt."""
import pathlib
import time

import stackcheck.rules
from stackcheck.model.errors import EngineError
from stackcheck.model.report import Report
from stackcheck.rules.registry import RULES, Rule
from stackcheck.model.verdict import Evidence, Level, Outcome, Verdict

CODES = ["AA101", "AB101", "AC101", "AD201", "AE301", "AF301", "AG401"]
RULES.clear()
NEEDS = {"AE301": ("observation",), "AF301": ("observation",), "AG401": ("torch_gpu",)}
RULES.update({
    c: Rule(c, f"title of {c}", "", NEEDS.get(c, ("stack",)), None, lambda facts: True, __name__)
    for c in CODES
})
stackcheck.rules.load_all = lambda: tuple(RULES.values())

FAILED = Verdict("AB101", "t", Outcome.FAIL, "torch is broken.\\nIn two lines.", "2.5.0", "2.6.0", "pin it",
                 (Evidence("METADATA", "https://example.org"),))
MIXED = (
    Verdict("AA101", "t", Outcome.PASS, "all is well"),
    FAILED,
    Verdict("AC101", "t", Outcome.WARN, "not pinned"),
    Verdict("AD201", "t", Outcome.SKIP, "the index was not asked (--offline)"),
    Verdict("AE301", "t", Outcome.ERROR, "spconv_cpu died of SIGSEGV"),
    Verdict("AG401", "t", Outcome.FAIL, "too slow", waived="it is a test card"),
)
STACKS = {
    "demo": MIXED,
    "fine": tuple(Verdict(c, "t", Outcome.PASS, "well") for c in CODES),
    "far": (MIXED[0], Verdict("AG401", "t", Outcome.SKIP, "There is no GPU here.", level=Level.GPU)),
    "known-bad": (FAILED, MIXED[0], Verdict("ZZ301", "t", Outcome.WARN, "seen only in the image")),
}


def pytest_stackcheck_report(config, stack, options, check_only):
    with pathlib.Path(__file__).with_name("calls.txt").open("a") as calls:
        calls.write(f"{stack.id} {options.engine} {check_only}\\n")
    time.sleep(0.2)
    if stack.id == "unreachable":
        raise EngineError("docker does not answer: start it")
    return Report(stack.id, STACKS[stack.id], file=stack.file)
'''


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with two definition files, a conftest of its own, and a test of its own."""
    pytester.mkdir("matrices")
    pytester.path.joinpath("matrices/demo.toml").write_text(DEFINITIONS, encoding="utf-8")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_own="def test_own():\n    pass\n")
    return pytester


def _calls(project: pytest.Pytester) -> list[str]:
    file = project.path / "calls.txt"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _run(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "no:randomly", *args)


def test_collect_only_names_the_items_and_runs_nothing(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "demo", "--collect-only", "-q")
    codes = ["AA101", "AB101", "AC101", "AD201", "AE301", "AF301", "AG401", "OTHER"]
    assert result.outlines[:8] == [f"matrices/demo.toml::demo::{code}" for code in codes]
    assert _calls(project) == []
    assert result.ret == 0


def test_check_only_has_the_codes_of_rules_that_need_nothing_built(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "demo", "--stack-check-only", "--collect-only", "-q")
    codes = ["AA101", "AB101", "AC101", "AD201", "OTHER"]
    assert result.outlines[:5] == [f"matrices/demo.toml::demo::{code}" for code in codes]


def test_every_outcome_is_what_pytest_has_for_it(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "demo", "-rA")
    result.assert_outcomes(passed=2, failed=1, skipped=1, errors=1, xfailed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines_random(
        [
            "stackcheck: demo (engine docker)",
            "PASSED matrices/demo.toml::demo::AA101",
            "PASSED matrices/demo.toml::demo::AC101",
            "FAILED matrices/demo.toml::demo::AB101 - *FAIL  AB101  t",
            "ERROR matrices/demo.toml::demo::AE301 - *ERROR: could not be checked",
            "XFAIL matrices/demo.toml::demo::AG401 - accepted: it is a test card",
            "SKIPPED [[]1] matrices/demo.toml:2: not checked: the index was not asked (--offline)",
        ]
    )


def test_a_failure_reads_as_the_verdict(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "demo", "-k", "AB101")
    text = result.stdout.str()
    assert "Traceback" not in text
    assert "stackitems.py" not in text
    result.stdout.fnmatch_lines(
        [
            "*_ matrices/demo.toml::demo::AB101 title of AB101 _*",
            "FAIL  AB101  t",
            "      torch is broken.",
            "      In two lines.",
            "      expected  2.5.0",
            "      found     2.6.0",
            "      do        pin it",
            "      see       METADATA [[]https://example.org[]]",
        ],
        consecutive=True,
    )


def test_the_summary_lists_warnings_and_what_was_not_checked(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "demo")
    result.stdout.fnmatch_lines(
        [
            "*= stackcheck =*",
            "FAIL demo: 1 of 6 checks failed, 1 ended in an error, 1 warning, * to stated; 1 not checked: *",
            "WARN: AC101: not pinned",
            "    matrices/demo.toml::demo::AC101",
            "NOT CHECKED: the index was not asked (--offline)",
            "    matrices/demo.toml::demo::AD201",
        ],
        consecutive=True,
    )


def test_the_report_is_made_once_and_with_the_options(project: pytest.Pytester) -> None:
    _run(project, "--stack", "demo", "--stack", "fine", "--stack-engine", "here")
    assert _calls(project) == ["demo here False", "fine here False"]


def test_with_xdist_each_report_is_made_once(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "demo", "--stack", "fine", "--stack", "unreachable", "-n", "3")
    result.assert_outcomes(passed=2 + 7, failed=1, skipped=1, errors=1 + 8, xfailed=1)
    assert sorted(_calls(project)) == ["demo None False", "fine None False", "unreachable None False"]
    result.stdout.fnmatch_lines(["*= stackcheck =*", "WARN: AC101: not pinned"])
    result.stdout.fnmatch_lines_random(["PASS fine: up to stated (definition and tables)."])
    result.stdout.fnmatch_lines_random(["FAILED matrices/demo.toml::demo::AB101 - *FAIL  AB101  t"])


def test_without_a_report_every_item_is_an_error_that_says_why(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "unreachable")
    result.assert_outcomes(errors=8)
    result.stdout.fnmatch_lines(
        ["ERROR: matrices/demo.toml::unreachable could not be checked: docker does not answer: start it"]
    )
    assert _calls(project) == ["unreachable None False"]
    assert "Traceback" not in result.stdout.str()


def test_expected_failures_are_xfail_and_a_missing_one_fails(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "known-bad", "-rA")
    result.assert_outcomes(passed=2, failed=1, xfailed=1)
    result.stdout.fnmatch_lines_random(
        [
            "XFAIL *::known-bad::AB101 - expected by the definition: torch is broken. In two lines.",
            "FAILED matrices/demo.toml::known-bad::AC101 - *AC101 was expected to f*",
            "it had nothing to judge",
            "PASSED matrices/demo.toml::known-bad::ZZ301",
            "WARN: ZZ301: seen only in the image",
        ]
    )


def test_strict_fails_for_warnings_and_what_was_not_checked(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "demo", "--stack-strict", "-k", "AC101 or AD201")
    result.assert_outcomes(failed=2, deselected=6)
    result.stdout.fnmatch_lines(["--stack-strict", "WARN  AC101  t", "      not pinned"], consecutive=True)


def test_a_level_that_was_not_reached_is_neither_good_nor_a_doubt(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "far", "--stack-strict")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "PASS far: up to stated (definition and tables); gpu not reached: There is no GPU here.",
            "NOT REACHED: There is no GPU here.",
            "    matrices/demo.toml::far::AG401",
        ]
    )


def test_a_level_can_be_required(project: pytest.Pytester) -> None:
    result = _run(project, "--stack", "far", "--stack-require", "gpu", "-k", "REACH")
    result.assert_outcomes(failed=1, deselected=8)
    result.stdout.fnmatch_lines(["--stack-require gpu: not reached: There is no GPU here."])
    _run(project, "--stack", "far", "--stack-require", "stated").assert_outcomes(passed=2, skipped=1)


def test_k_x_lf_and_junit_work(project: pytest.Pytester) -> None:
    _run(project, "--stack", "demo", "-k", "AA101 or AB101").assert_outcomes(passed=1, failed=1, deselected=6)
    again = _run(project, "--stack", "demo", "--lf")
    again.assert_outcomes(failed=1)
    stopped = _run(project, "--stack", "demo", "-x")
    stopped.assert_outcomes(passed=1, failed=1)
    _run(project, "--stack", "demo", "--junit-xml=out.xml")
    root = ET.parse(project.path / "out.xml").getroot()  # noqa: S314 - our own output
    case = root.find(".//testcase[@name='AB101']/failure")
    assert case is not None
    assert "FAIL  AB101  t" in case.get("message", "")
    assert "expected  2.5.0" in (case.text or "")


def test_only_stacks_run_unless_paths_are_given_too(project: pytest.Pytester) -> None:
    _run(project, "--stack", "fine").assert_outcomes(passed=7)
    _run(project, "--stack", "fine", "test_own.py").assert_outcomes(passed=8)


def test_a_node_id_selects_one_item(project: pytest.Pytester) -> None:
    _run(project, "--stack", "fine", "matrices/demo.toml::fine::AA101").assert_outcomes(passed=1)


def test_globs_families_and_files_select(project: pytest.Pytester) -> None:
    for pattern in ("fi*", "matrices/demo.toml"):
        result = _run(project, "--stack", pattern, "--collect-only", "-q")
        assert "matrices/demo.toml::fine::AA101" in result.outlines


def test_definitions_from_elsewhere(project: pytest.Pytester, tmp_path: Path) -> None:
    other = tmp_path / "stacks"
    other.mkdir()
    (other / "far.toml").write_text('[[stack]]\nid = "fine"\n', encoding="utf-8")
    result = _run(project, "--stack", "fine", "--stack-matrices", str(other), "-rA")
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines_random(["PASSED *far.toml::fine::AA101"])
    again = _run(project, "--stack", "fine", "--stack-matrices", str(other), "--lf")
    again.assert_outcomes(passed=7)


def test_from_a_folder_below_the_root(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\n")
    below = project.mkdir("below")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--stack", "fine", "--stack-matrices", "../matrices", "-rA"],
        cwd=below, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "PASSED ../matrices/demo.toml::fine::AA101" in result.stdout
    assert "7 passed, 1 deselected" in result.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["--stack", "dmeo"],
            "ERROR: no stack is named 'dmeo'; did you mean 'demo'?; `stackcheck list` shows all.",
        ),
        (["--stack", "x.toml"], "ERROR: x.toml: there is no such file or folder of stack definitions."),
        (["--stack", "demo", "--stack-ca", "no.pem"], "ERROR: no.pem: there is no such file."),
    ],
)
def test_a_wrong_call_is_a_usage_error(project: pytest.Pytester, args: list[str], message: str) -> None:
    result = _run(project, *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.lines
    assert "Traceback" not in result.stderr.str()


def test_a_wrong_definition_is_a_usage_error_with_all_faults(project: pytest.Pytester) -> None:
    text = '[[stack]]\nid = "a"\npyhton = "3.11"\ncuda = 12.4\n'
    project.path.joinpath("matrices/demo.toml").write_text(text, encoding="utf-8")
    result = _run(project, "--stack", "a")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: 2 faults in the stack definitions:" in result.stderr.lines


def test_without_the_option_nothing_happens_to_a_test_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\n"
        "def test_nothing_is_loaded():\n"
        "    heavy = ('stackcheck.pytest_plugin.session', 'stackcheck.intake.stack', 'stackcheck.report',"
        "        'pydantic')\n"
        "    assert [name for name in heavy if name in sys.modules] == []\n"
    )
    pytester.path.joinpath("some.toml").write_text("not = 'ours'\n", encoding="utf-8")
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)
    assert "stackcheck:" not in result.stdout.str()


def test_the_real_pipeline_on_the_running_interpreter(pytester: pytest.Pytester) -> None:
    pytester.mkdir("matrices")
    pytester.path.joinpath("matrices/here.toml").write_text('[[stack]]\nid = "here"\n', encoding="utf-8")
    result = pytester.runpytest_subprocess(
        "--stack", "here", "--stack-engine", "here", "--stack-offline", "-rA"
    )
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines_random(["PASSED matrices/here.toml::here::PROBE301"])
    outcomes = result.parseoutcomes()
    assert "failed" not in outcomes
    assert "errors" not in outcomes


COUNTING = """\
import pathlib

def pytest_collect_file(file_path, parent):
    with pathlib.Path(__file__).with_name("offered.txt").open("a") as offered:
        offered.write(f"{file_path.name}\\n")
"""


def test_a_folder_of_definitions_is_collected_once(pytester: pytest.Pytester) -> None:
    names = [f"s{number:02}" for number in range(12)]
    pytester.mkdir("matrices")
    for name in names:
        (pytester.path / "matrices" / f"{name}.toml").write_text(f'[[stack]]\nid = "{name}"\n')
    pytester.makeconftest(COUNTING)
    result = _run(pytester, "--stack", "*", "--stack-check-only", "--collect-only", "-q")
    assert {line.split("::")[1] for line in result.outlines if "::" in line} == set(names)
    offered = (pytester.path / "offered.txt").read_text().splitlines()
    assert sorted(each for each in offered if each.endswith(".toml")) == [f"{name}.toml" for name in names]


def test_tests_beside_definitions_are_collected_where_they_are_named(pytester: pytest.Pytester) -> None:
    pytester.mkdir("matrices")
    (pytester.path / "matrices" / "a.toml").write_text('[[stack]]\nid = "a"\n')
    for name in ("test_asked", "test_other"):
        (pytester.path / "matrices" / f"{name}.py").write_text("def test_it():\n    pass\n")
    named = ("--stack", "a", "--stack-check-only", "--collect-only", "-q")
    for asked, tests in (
        ((), set()),
        (("matrices/test_asked.py",), {"matrices/test_asked.py"}),
        (("matrices",), {"matrices/test_asked.py", "matrices/test_other.py"}),
    ):
        result = _run(pytester, *named, *asked)
        assert result.ret == pytest.ExitCode.OK
        files = {line.partition("::")[0] for line in result.outlines if "::" in line}
        assert files == {"matrices/a.toml", *tests}
