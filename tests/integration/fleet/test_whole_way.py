"""From definitions to a matrix: rendered for Slurm, tasks run here as a node would, and collected again."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from stackcheck import cli

if TYPE_CHECKING:
    from pathlib import Path

DEFINITION = """\
[[stack]]
id = "{name}"
accelerator = "cpu"
[stack.probes]
want = ["system"]

"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the job array of two stacks, submitted from where the project is."""
    (tmp_path / "matrices").mkdir()
    text = "".join(DEFINITION.format(name=name) for name in ("first", "second"))
    (tmp_path / "matrices" / "made.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    images = ["--image", "first=app.sif", "--image", "second=app.sif"]
    assert cli.main(["-q", "fleet", "render", "slurm", "first", "second", *images, "-o", "night"]) == 0
    (tmp_path / "night" / "results").mkdir()
    return tmp_path / "night"


def run(folder: Path, index: int) -> None:
    (tasks,) = folder.glob("*.tasks.json")
    command = [
        sys.executable,
        "-B",
        "agent.pyz",
        "task",
        tasks.name,
        "--index",
        str(index),
        "--to",
        "results",
    ]
    assert subprocess.run(command, cwd=folder, check=False, timeout=120).returncode == 0


def collected(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, str], list[str]]:
    """Return the exit code, the state of each stack on the CPU, and what is not whole."""
    capsys.readouterr()
    code = cli.main(["-q", "fleet", "collect", *words, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert [host["gpu"] for host in found["hosts"]] == ["CPU"]
    cells = {row["stack"]: row["cells"][0]["state"] for row in found["matrix"]}
    return code, cells, [problem["why"] for problem in found["problems"]]


def test_what_ran_on_nodes_becomes_reports_and_what_did_not_run_is_missing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(folder, 0)
    code, cells, missing = collected(capsys, "night")
    assert (code, cells) == (3, {"first": "cpu", "second": "unknown"})
    assert missing == ["1 of its 2 tasks said nothing: second"]
    run(folder, 1)
    code, cells, missing = collected(capsys, "night")
    assert (code, cells, missing) == (0, {"first": "cpu", "second": "cpu"}, [])
    (folder.parent / "fleet-reports").rename(folder.parent / "kept")
    assert cli.main(["-q", "report", *map(str, (folder.parent / "kept").glob("*.json"))]) == 0
    assert "2 stacks" in capsys.readouterr().out


def test_an_archive_on_standard_input_is_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, 0)
    run(folder, 1)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:xz") as archive:
        archive.add(folder, "night")
    made.seek(0)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(made))
    assert collected(capsys, "-") == (0, {"first": "cpu", "second": "cpu"}, [])
