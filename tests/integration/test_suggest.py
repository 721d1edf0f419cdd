"""`stackcheck suggest` as its users have it: the diff applies, the words and exit codes are right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DEFINITIONS = """\
# of the user
[[stack]]
id = "bad"
packages = { torch = "2.5.0", "spconv-cu124" = "2.3.8", "cumm-cu124" = "0.8.2" }  # a pair

[[stack]]
id = "good"
packages = { torch = "2.5.0" }

[[stack]]
id = "hopeless"
driver = "590.48.01"
gpus = ["V100"]
packages = { torch = "2.5.0" }

[[stack]]
id = "family"
axes = { python = ["3.11", "3.12"] }
packages = { torch = "2.6.0", torchvision = "0.20.0" }
"""
OFFLINE = "Not resolved, because of --offline: that every file exists was not checked."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "demo.toml").write_text(DEFINITIONS, encoding="utf-8")
    return tmp_path


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", *args],
        cwd=folder,
        env={**os.environ, "STACKCHECK_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_bad_stack_gets_a_diff_and_the_reasons(folder: Path) -> None:
    done = run(folder, "suggest", "bad", "--offline", "-q")
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "bad: with 1 change no rule fails, the fewest of those known (shown by running the rules again; that "
        "it resolves is not proven)"
    )
    diff = lines.index("    --- a/matrices/demo.toml")
    assert " ".join(" ".join(lines[1:diff]).split()) == OFFLINE
    assert (
        '    +packages = { torch = "2.5.0", "spconv-cu124" = "2.3.8", "cumm-cu124" = "0.7.11" }  # a pair'
        in lines
    )
    after = lines.index("packages.cumm-cu124: 0.8.2 -> 0.7.11")
    assert " ".join(" ".join(lines[after + 1 :]).split()).startswith(
        "without it: SPCONV101: spconv-cu124 2.3.8 works with cumm>=0.7.11,<0.8.0, and the stack has "
        "cumm-cu124 0.8.2. [github.com/traveller59/spconv setup.py"
    )
    assert done.returncode == 0


def test_the_diff_applied_makes_the_stack_good(folder: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("there is no git here to apply the diff with")
    diff = run(folder, "suggest", "bad", "--offline", "-q", "--format", "diff").stdout
    environ = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    subprocess.run([git, "apply"], cwd=folder, env=environ, input=diff, text=True, check=True)
    done = run(folder, "suggest", "bad", "--offline", "-q")
    assert done.stdout.splitlines()[0] == (
        "bad: nothing to change: no rule fails (checked by running the rules again)"
    )


def test_a_good_stack_has_nothing_to_change(folder: Path) -> None:
    done = run(folder, "suggest", "good", "--offline", "-q")
    assert " ".join(done.stdout.split()) == (
        f"good: nothing to change: no rule fails (checked by running the rules again) {OFFLINE}"
    )
    assert done.returncode == 0


def test_where_nothing_was_found_that_is_said_and_the_exit_code_is_1(folder: Path) -> None:
    done = run(folder, "suggest", "hopeless", "--offline", "-q")
    first, second = done.stdout.split("\n\n")
    assert first == (
        "FAIL  hopeless: no change was found that makes it good: 0 changed definitions were judged, nothing "
        "else is known to try"
    )
    assert " ".join(second.split()) == (
        "STILL FAILS FAIL DRIVER102: R580 is the last driver branch for Volta; driver 590.48.01 does not "
        "drive V100 (7.0). do keep branch R580 on the hosts with V100 (7.0)"
    )
    assert done.returncode == 1


def test_members_of_a_family_get_a_list_and_no_diff(folder: Path) -> None:
    done = run(folder, "suggest", "family", "--offline", "-q")
    assert "---" not in done.stdout
    assert done.stdout.count("packages.torchvision: 0.20.0 -> 0.21.0") == 2


def test_json_has_it_all(folder: Path) -> None:
    bad, hopeless = json.loads(
        run(folder, "suggest", "bad", "hopeless", "--offline", "-q", "--format", "json").stdout
    )
    assert (bad["stack"], bad["found"], bad["resolved"], bad["smallest"]) == ("bad", True, False, True)
    (change,) = bad["changes"]
    assert (change["path"], change["before"], change["after"]) == (
        ["packages", "cumm-cu124"],
        "0.8.2",
        "0.7.11",
    )
    assert bad["diff"].startswith("--- a/matrices/demo.toml\n")
    assert (hopeless["found"], hopeless["changes"], hopeless["diff"]) == (False, [], "")
    assert [each["code"] for each in hopeless["remaining"]] == ["DRIVER102"]


def test_check_names_the_command_for_a_definition_that_fails(folder: Path) -> None:
    done = run(folder, "check", "bad", "--offline", "-q")
    assert "the smallest change that makes it good: stackcheck suggest bad\n" in done.stdout
    assert "stackcheck suggest" not in run(folder, "check", "good", "--offline", "-q").stdout


def test_a_stack_that_is_not_there_is_a_wrong_call(folder: Path) -> None:
    done = run(folder, "suggest", "nothing", "--offline")
    assert done.returncode == 2
    assert "no stack is named 'nothing'" in done.stderr
