"""pytest and the command line write the same JUnit of the same stacks: the same cases, the same outcomes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
STACKS = ("cpu-torch213", "cuda124-torch25-py311", "cuda124-torch25-published", "rocm-gfx803-published")


def _cases(path: Path) -> Mapping[tuple[str, str], str]:
    """Return (classname, name) of each case with what became of it."""
    cases = ET.parse(path).iter("testcase")  # noqa: S314 - our own output
    told = ("failure", "error", "skipped")
    return {
        (case.attrib["classname"], case.attrib["name"]): next(
            (child.tag for child in case if child.tag in told), "passed"
        )
        for case in cases
    }


def _run(*words: str, cache: Path) -> None:
    environ = {**os.environ, "UV_CACHE_DIR": str(cache / "uv"), "STACKCHECK_CACHE": str(cache / "own")}
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, env=environ, capture_output=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr


def test_pytest_and_the_command_line_agree_on_counts_and_names(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.xml", tmp_path / "theirs.xml"
    _run(
        "stackcheck",
        "check",
        "-q",
        "--offline",
        *STACKS,
        "--format",
        "junit",
        "-o",
        str(ours),
        cache=tmp_path,
    )
    named = [word for stack in STACKS for word in ("--stack", stack)]
    _run("pytest", "-q", "-p", "no:cacheprovider", *named, "--stack-check-only", "--stack-offline",
         f"--junit-xml={theirs}", cache=tmp_path)  # fmt: skip
    assert _cases(ours) == _cases(theirs)
    assert set(_cases(ours).values()) == {"passed", "skipped"}
    for attribute in ("tests", "failures", "errors", "skipped"):
        suites = [ET.parse(path).iter("testsuite") for path in (ours, theirs)]  # noqa: S314
        totals = [sum(int(suite.attrib[attribute]) for suite in each) for each in suites]
        assert totals[0] == totals[1], attribute
