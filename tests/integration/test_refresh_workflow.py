"""The weekly workflow that refreshes the knowledge: its shell steps, in a repository with a remote."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.integration.test_tables_refresh import Handler, served

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "knowledge-refresh.yml"
TORCHVISION = """checked = 2026-11-30

[[newest]]
version = "0.1.0"
source = "the names of the files at https://pypi.org/simple/torchvision/"
overrides = "a copy of an older day"
"""


@pytest.fixture
def index() -> Iterator[str]:
    with served(Handler) as url:
        yield url


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a clone with a folder of knowledge, and beside it a `gh` that writes down how it is called."""
    for command in (["init", "--quiet", "--bare", "remote"], ["clone", "--quiet", "remote", "clone"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    told = tmp_path / "clone" / "stackcheck" / "knowledge" / "told"
    told.mkdir(parents=True)
    (told / "torchvision.toml").write_text(TORCHVISION)
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "gh").write_text('#!/bin/sh\necho "$@" >> "$GH_SAYS"\ncat refresh.txt >> "$GH_SAYS"\n')
    (tools / "stackcheck").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stackcheck "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    for command in (
        ["add", "-A"],
        ["commit", "--quiet", "-m", "Begin"],
        ["push", "--quiet", "origin", "HEAD"],
    ):
        run_git(tmp_path, *command)
    return tmp_path


def environment(folder: Path, **more: str) -> dict[str, str]:
    roles = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
    who = {f"GIT_{role}": "a@b.example" for role in roles}
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    python = {"PYTHONPATH": f"{ROOT}:{ROOT / 'probes'}", "GH_SAYS": str(folder / "gh.txt")}
    return {**os.environ, **who, **python, "PATH": path, "STACKCHECK_CACHE": str(folder / "cache"), **more}


def run_git(folder: Path, *words: str) -> str:
    env = environment(folder)
    done = subprocess.run(
        ["git", *words], cwd=folder / "clone", check=True, capture_output=True, text=True, env=env
    )
    return done.stdout


def steps(folder: Path, **more: str) -> list[subprocess.CompletedProcess[str]]:
    """Run the named shell steps as the runner does: bash, stopping at the first error."""
    job: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["refresh"]
    stated = {key: value for key, value in job["env"].items() if "{{" not in value}
    env = environment(folder, **{**stated, **more})
    return [
        subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", each["run"]],
            cwd=folder / "clone",
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        for each in job["steps"]
        if "run" in each and "name" in each
    ]


def test_what_is_new_becomes_a_branch_and_a_change_with_the_diff(repository: Path, index: str) -> None:
    read, opened = steps(repository, INDEX=index)
    assert (read.returncode, read.stderr) == (0, "")
    assert "0 faults" in read.stdout
    assert opened.returncode == 0, opened.stderr
    said = (repository / "gh.txt").read_text(encoding="utf-8")
    assert said.startswith("pr create --head knowledge-20")
    assert '+ version = "9.0.0"' in said
    assert "not looked at: the content of measured/" in said
    branch = run_git(repository, "branch", "--show-current").strip()
    assert branch in run_git(repository, "ls-remote", "--heads", "origin")
    assert '[[companion]]\nversion = "9.0.0"' in run_git(
        repository, "show", f"{branch}:stackcheck/knowledge/told/torchvision.toml"
    )


def test_an_index_that_is_not_there_opens_nothing(repository: Path) -> None:
    read, opened = steps(repository, INDEX="http://127.0.0.1:9/simple")
    assert read.returncode == 0
    assert (opened.returncode, opened.stdout) == (0, "nothing new\n")
    assert not (repository / "gh.txt").exists()
