"""What forges and mails show: GitLab, the bounds of GitHub and of job summaries, and no path of a person."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from stackcheck.model.verdict import Outcome
from stackcheck.report import render
from stackcheck.report.github import MOST
from stackcheck.report.markdown import MOST_BYTES
from stackcheck.report.sharing import without_own_paths
from tests.unit.report.report_cases import MIXED, PASSED, UNMADE, report, verdict


def test_gitlab_literally() -> None:
    rows = json.loads(render([PASSED, MIXED], "gitlab"))
    assert [(row["check_name"], row["severity"]) for row in rows] == [
        ("CUMM101", "critical"),
        ("PROBE301", "major"),
        ("PIN101", "minor"),
    ]
    assert rows[0] == {
        "description": (
            "cuda124-torch25-py311: CUMM101: cumm-cu124 0.8.2 is outside what spconv-cu124 2.3.8 accepts. "
            'Do: pin cumm-cu124 = "0.7.11".'
        ),
        "check_name": "CUMM101",
        "fingerprint": rows[0]["fingerprint"],
        "severity": "critical",
        "location": {"path": "matrices/pointcept.toml", "lines": {"begin": 1}},
    }
    assert json.loads(render([], "gitlab")) == []


def test_gitlab_takes_the_place_of_a_finding_and_a_fingerprint_that_lasts() -> None:
    def row(message: str, line: int) -> dict[str, object]:
        each = replace(verdict(Outcome.FAIL, message=message), place=f"./Dockerfile:{line}")
        found: list[dict[str, object]] = json.loads(render([report(each, file="a.toml")], "gitlab"))
        return found[0]

    before, after = row("one", 3), row("other words", 8)
    assert before["location"] == {"path": "Dockerfile", "lines": {"begin": 3}}
    assert before["fingerprint"] == after["fingerprint"]
    two = json.loads(render([report(verdict(Outcome.FAIL), verdict(Outcome.FAIL))], "gitlab"))
    assert (
        two[0]["fingerprint"] != two[1]["fingerprint"]
    )  # GitLab shows only the first of two that are the same


def test_gitlab_has_nothing_to_act_on_in_what_is_accepted_or_expected() -> None:
    expected = replace(report(verdict(Outcome.FAIL)), expect="fail", expect_codes=("AB101",))
    waived = report(verdict(Outcome.FAIL, waived="it is known"), verdict(Outcome.PASS))
    assert json.loads(render([expected, waived], "gitlab")) == []
    (nothing,) = json.loads(render([UNMADE], "gitlab"))
    assert (nothing["check_name"], nothing["severity"]) == ("NOTHING", "major")


def test_github_shows_the_worst_first_and_no_more_than_it_has_room_for() -> None:
    warned = [verdict(Outcome.WARN, f"AB{number}", f"warning {number}") for number in range(201, 204)]
    failed = [verdict(Outcome.FAIL, f"AB{number}", f"broken {number}") for number in range(101, 115)]
    lines = render([report(*warned, *failed)], "github").splitlines()
    assert [line.partition(" ")[0] for line in lines[: MOST + 1]] == ["::error"] * MOST + ["stackcheck:"]
    assert sum(line.startswith("::error") for line in lines) == MOST
    assert lines[MOST] == "stackcheck: error: FAIL AB111 small: broken 111"
    assert lines[len(failed)] == "stackcheck: 4 more of error above: GitHub shows 10 of a kind."
    assert lines[len(failed) + 1].startswith("::warning")


def test_github_says_once_what_several_stacks_say() -> None:
    one = report(verdict(Outcome.FAIL, message="the same"), file="m.toml")
    lines = render([replace(one, stack=name) for name in "abcde"], "github").splitlines()
    assert lines[0] == "::error file=m.toml,title=FAIL AB101 a%2C b%2C c and 2 more::the same"
    assert [line for line in lines if line.startswith("::")] == lines[:1]


def test_junit_has_a_case_for_each_smoke_test_as_pytest_has() -> None:
    told = [
        replace(verdict(outcome, "SMOKE301"), subject=name)
        for name, outcome in (("forward", Outcome.PASS), ("backward", Outcome.FAIL))
    ]
    other = [replace(verdict(Outcome.PASS, "AB101"), subject=name) for name in ("torch", "numpy")]
    cases = ET.fromstring(render([report(*told, *other)], "junit")).iter("testcase")  # noqa: S314 - ours
    assert {case.attrib["name"]: [child.tag for child in case] for case in cases} == {
        "SMOKE301[forward]": [],
        "SMOKE301[backward]": ["failure"],
        "AB101": [],
    }


def test_markdown_fits_into_a_job_summary() -> None:
    long = [verdict(Outcome.FAIL, f"AB{number}", "broken " * 60) for number in range(100, 300)]
    many = [replace(report(*long), stack=f"stack-{number}") for number in range(60)]
    text = render([*many, PASSED], "md")
    assert 0.8 * MOST_BYTES < len(text.encode()) <= MOST_BYTES
    assert text.startswith("# FAIL 61 stacks: 60 failed, 1 passed\n")
    assert "are left out here" in text.splitlines()[-1]


WORK, HOME = Path("/home/me_too/pro ject"), Path("/home/me_too")


@pytest.mark.parametrize(
    ("rendered", "shared"),
    [
        ("defined in /home/me_too/pro ject/matrices/a.toml", "defined in matrices/a.toml"),
        ("made in /home/me_too/.cache/venvs", "made in ~/.cache/venvs"),
        ('"file:///home/me_too/pro%20ject/a.toml"', '"a.toml"'),
        ("/home/me\\_too/x", "~/x"),
        ("/srv/home/me_too/x", "/srv/home/me_too/x"),
        ("/home/me_too2/x and /home/me", "/home/me_too2/x and /home/me"),
        ("https://a.example/home/me_too/x", "https://a.example/home/me_too/x"),
    ],
)
def test_a_shared_report_has_no_path_of_who_made_it(rendered: str, shared: str) -> None:
    assert without_own_paths(rendered, WORK, HOME) == shared


def test_the_root_is_nobody_s_home() -> None:
    assert without_own_paths("/opt/x /a", Path("/"), Path("/")) == "/opt/x /a"
