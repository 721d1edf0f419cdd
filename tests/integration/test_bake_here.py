"""`stackcheck bake --here`: the expectation of an environment, and the check that starts a command by it."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

STACKCHECK = [sys.executable, "-m", "stackcheck"]


def run(*words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={"PATH": "/usr/bin:/bin", **environ},
    )


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with a torch for CUDA 12.4 that is no more than its files."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "torch/lib").mkdir(parents=True)
    (site / "torch/__init__.py").touch()
    (site / "torch/version.py").write_text("__version__ = '2.5.0+cu124'\ncuda = '12.4'\nhip = None\n")
    (site / "torch-2.5.0+cu124.dist-info").mkdir()
    (site / "torch-2.5.0+cu124.dist-info/METADATA").write_text("Name: torch\nVersion: 2.5.0+cu124\n")
    return folder / "bin/python"


def test_the_written_files_start_a_command_and_see_what_has_changed(python: Path, tmp_path: Path) -> None:
    file = tmp_path / "train.json"
    made = run(
        *STACKCHECK, "bake", "--here", "--python", python, "-o", file, "--format", "json", HOME=str(tmp_path)
    )
    assert made.returncode == 0, made.stderr
    document = json.loads(made.stdout)
    assert document["expectation"] == str(file)
    assert document["command"][0] == str(python)
    assert json.loads(file.read_text())["cuda"]["version"] == "12.4"
    front = [*document["command"], "--", "echo", "running"]
    if not Path("/dev/nvidiactl").exists():
        refused = run(*front, SLURM_JOB_ID="7")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "ask Slurm for one: srun or sbatch --gpus=1" in refused.stderr
    allowed = run(*front, STACKCHECK_CPU="allow")
    assert (allowed.returncode, allowed.stdout) == (0, "running\n")
    (version,) = python.parents[1].glob("lib/python3*/site-packages/torch/version.py")
    version.write_text("__version__ = '2.6.0'\ncuda = None\nhip = None\n")
    changed = run(*front, STACKCHECK_CPU="allow")
    assert changed.returncode == 1
    assert "torch is expected with CUDA 12.4, and the files say none" in changed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--here"], "say where by -o FILE"),
        (["--here", "image:1", "-o", "x.json"], "--here is about no image"),
        (["--here", "--inside", "-o", "x.json"], "--here is about no image"),
        ([], "name a stack or an image to bake, or --here"),
    ],
)
def test_a_call_that_asks_for_two_things_or_none_is_wrong(
    words: list[str], said: str, tmp_path: Path
) -> None:
    done = run(*STACKCHECK, "bake", *words, HOME=str(tmp_path))
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run(
        *STACKCHECK,
        "bake",
        "--here",
        "--python",
        "/nowhere/python",
        "-o",
        tmp_path / "x.json",
        HOME=str(tmp_path),
    )
    assert done.returncode in {2, 3}
    assert "/nowhere/python" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x.json").exists()
