"""`stackcheck matrix` as its users have it: axes, host lists, formats, another branch, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DEFINITION = """\
[[stack]]
id = "old"
python = "3.11"
platform = "linux/amd64"
cuda = "{cuda}"
gpus = ["L4"]
packages = {{ torch = "{torch}" }}
"""


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", "matrix", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder, torch, cuda in (("matrices", "2.5.0", "12.4"), ("branch", "2.8.0", "12.8")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.toml").write_text(DEFINITION.format(torch=torch, cuda=cuda))
    return tmp_path


def test_the_gpus_of_the_stacks_are_the_axis_when_none_is_named(project: Path) -> None:
    done = run(project)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("PASS  1 stack on 1 host: 1 cell: works 1\n")


def test_one_call_answers_for_gpus_drivers_and_releases(project: Path) -> None:
    done = run(
        project, "--gpu", "L4,B200", "--driver", "470,570.133.20", "--torch", "2.5,2.8", "--format", "json"
    )
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert [host["gpu"] for host in document["hosts"]] == ["L4", "L4", "B200", "B200"]
    states = {row["torch"]: [cell["state"] for cell in row["cells"]] for row in document["matrix"]}
    assert states["2.5"][1:] == ["works", "fails", "fails"]
    assert states["2.8"][3] == "works"


def test_hosts_as_they_are_pasted(project: Path) -> None:
    (project / "hosts").write_text("L4, 550.54.15, node-1\nB200, 570.86.15, node-2\n")
    done = run(project, "--hosts", "hosts", "--format", "csv")
    assert done.returncode == 1
    assert [line.split(",")[4:6] for line in done.stdout.splitlines()[1:]] == [
        ["node-1", "works"],
        ["node-2", "fails"],
    ]


def test_what_another_branch_makes_better_or_worse(project: Path) -> None:
    same = ("--gpu", "L4,B200")
    better = run(project, "--matrices", "branch", "--diff", "matrices", *same)
    assert better.returncode == 0
    assert "old on B200: fails -> works" in better.stdout
    worse = run(project, "--diff", "branch", *same)
    assert worse.returncode == 1
    assert "old on B200: works -> fails" in worse.stdout
    run(project, *same, "--format", "json", "-o", "before.json")
    assert "Nothing moved" in run(project, "--diff", "before.json", *same).stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--gpu", "H10O"), "--gpu H10O: no GPU named 'H10O' is known"),
        (("--torch", "9.9"), "--torch 9.9: no release of torch with this version is known"),
        (("--hosts", "none"), "none: there is no such file"),
        (("--hosts", "matrices/m.toml"), "matrices/m.toml:1: no GPU named"),
        (("--reports", "none"), "--reports none: this is not a folder"),
        (("--diff", "matrices/m.toml"), "matrices/m.toml"),
        (("--gpu", "L4", "--hosts", "x"), "--hosts says GPUs and drivers"),
        (("nothing",), "nothing"),
    ],
)
def test_wrong_calls_say_what_to_do(project: Path, args: tuple[str, ...], message: str) -> None:
    done = run(project, *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
