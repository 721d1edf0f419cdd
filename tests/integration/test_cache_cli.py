"""Caches from outside: damaged entries heal, a full disk is said once, `cache` shows and cleans."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

STACK = """\
[[stack]]
id = "small"
python = "3.11"
platform = "linux/amd64"
packages = { packaging = "24.2" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "s.toml").write_text(STACK)
    return tmp_path


def run(folder: Path, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "STACKCHECK_CACHE": str(folder / "cache"), **more.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **more,
    )


def check(folder: Path, **more: Any) -> dict[str, Any]:
    done = run(folder, "check", "s.toml", "--offline", "-q", "--format", "json", **more)
    assert done.returncode in (0, 3), done.stderr
    (report,) = json.loads(done.stdout)["reports"]
    found: dict[str, Any] = report
    return found


def verdicts(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["code"], each["outcome"]) for each in report["verdicts"]]


@pytest.mark.parametrize("damage", ["", "not TOML [", "[project]\nname = 'another'\nversion = '0'\n"])
def test_a_damaged_question_is_written_anew(folder: Path, damage: str) -> None:
    first = verdicts(check(folder))
    damaged = list((folder / "cache" / "resolve").glob("*/pyproject.toml"))
    assert damaged
    whole = [each.read_text() for each in damaged]
    for each in damaged:
        each.write_text(damage)
    assert verdicts(check(folder)) == first
    assert [each.read_text() for each in damaged] == whole


def test_a_full_disk_is_a_warning_and_costs_no_verdict(folder: Path) -> None:
    first = verdicts(check(folder))
    full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))}
    done = run(folder, "check", "s.toml", "--offline", "-q", **full)
    assert "fault of stackcheck" not in done.stderr
    assert (
        done.stderr.startswith("stackcheck: warning: ") or "cannot be written (File too large)" in done.stdout
    )
    assert verdicts(check(folder)) == first


def test_a_home_that_cannot_be_written_is_one_warning(folder: Path) -> None:
    (folder / "home").write_text("a file")
    env = {"HOME": str(folder / "home"), "STACKCHECK_CACHE": "", "XDG_CACHE_HOME": "", "UV_CACHE_DIR": ""}
    done = run(folder, "check", "s.toml", "--offline", "-q", env=env)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"stackcheck: warning: {folder}/home/.cache/stackcheck cannot be written")
    assert "error" not in done.stdout


def test_the_cache_is_shown_and_cleaned(folder: Path) -> None:
    check(folder)
    shown = run(folder, "cache", "info")
    assert shown.stdout.startswith(f"cache: {folder}/cache holds ")
    assert "questions to uv, and what it said" in shown.stdout
    kept = json.loads(run(folder, "cache", "info", "--format", "json").stdout)["kinds"]
    assert kept["answers"]["entries"] >= 1
    young = run(folder, "cache", "clean", "--older", "1")
    assert young.stdout.startswith("cache: removed 0 entries, 0 B, ")
    assert run(folder, "cache", "clean", "--kind", "pages").returncode == 0
    assert (
        json.loads(run(folder, "cache", "info", "--format", "json").stdout)["kinds"]["answers"]
        == kept["answers"]
    )
    run(folder, "cache", "clean")
    assert run(folder, "cache", "info").stdout == f"cache: {folder}/cache holds 0 entries, 0 B.\n"


@pytest.mark.parametrize(
    "words", [("clean", "--older", "-1"), ("info", "--older", "1"), ("clean", "--kind", "x")]
)
def test_a_wrong_call_removes_nothing(folder: Path, words: tuple[str, ...]) -> None:
    check(folder)
    assert run(folder, "cache", *words).returncode == 2
    assert any((folder / "cache" / "resolve").iterdir())
