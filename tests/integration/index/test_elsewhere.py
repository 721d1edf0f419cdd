"""What works on a laptop with macOS or Windows, and what says in one sentence that it needs Linux."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic_core import _pydantic_core

from stackcheck.report.jsonfile import to_json
from tests.integration import elsewhere
from tests.integration.index.server import make_wheel
from tests.unit.report.report_cases import PASSED

if TYPE_CHECKING:
    from tests.integration.index.server import IndexServer

ROOT = Path(__file__).parents[3]
DOCKERFILE = "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"


@pytest.fixture
def project(tmp_path: Path, server: IndexServer) -> Path:
    """A project that the index can serve."""
    server.add("main", make_wheel("alpha", "1.0", "beta"), make_wheel("beta", "2.0"))
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "requirements.txt").write_text(f"-i {server.simple('main')}\nalpha==1.0\n")
    (folder / "r.json").write_text(to_json([PASSED]))
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder.parent),
        "PYTHONPATH": str(ROOT),
        "STACKCHECK_CACHE": str(folder.parent / "cache"),
        "UV_CACHE_DIR": str(folder.parent / "uv"),
    }
    command = [sys.executable, elsewhere.__file__, *words]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "."], 0, "PASS  mine: up to resolved"),
        (["list", "."], 0, "mine   3.12 "),
        (["init"], 0, 'alpha = "1.0"'),
        (["plan", "torch==2.5.0", "--python", "3.12", "--offline"], 0, "torch"),
        (["upgrade", ".", "--to", "alpha==1.0", "--offline"], 0, "mine"),
        (["matrix", ".", "--gpus", "L4", "--offline"], 3, "nothing says whether its torch has code"),
        (["suggest", "."], 0, "mine: nothing to change: no rule fails"),
        (["lock", "."], 0, "pylock.mine.toml written, 2 packages"),
        (["report", "r.json"], 0, "PASS  cpu: up to stated"),
        (["explain", "TORCH101"], 0, "TORCH101: "),
        (["explain", "breaks-running"], 0, "class of a change"),
        (["fits", _pydantic_core.__file__], 0, "links no torch"),
        (["fits", "alpha==1.0"], 3, "no library for Linux on x86_64 or aarch64 is in it"),
        (["inspect", "alpha-1.0-py3-none-any.whl"], 3, "there is no binary in it"),
        (["schema"], 0, '"stackcheck stack definitions"'),
        (["tables", "gpus"], 0, "NVIDIA L4"),
        (["history", "cuda124-torch25-py311"], 0, "no drift run is kept"),
        (["completion", "zsh"], 0, "#compdef stackcheck"),
        (["--version"], 0, "stackcheck "),
        (["check", ".", "--format", "sarif", "-o", "out.sarif"], 0, ""),
    ],
)  # fmt: skip
def test_what_reads_and_resolves_works_without_linux(
    project: Path, server: IndexServer, words: list[str], code: int, said: str
) -> None:
    (project / "alpha-1.0-py3-none-any.whl").write_bytes(make_wheel("alpha", "1.0").content)
    index = ["--index", server.simple("main")] if words[-1] == "alpha==1.0" else []
    done = run(project, *words, *index)
    assert "fault of stackcheck" not in done.stderr, done.stderr
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout + done.stderr
    if "-o" in words:
        assert json.loads((project / "out.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.parametrize(
    ("words", "who"),
    [
        (["verify", "."], "`stackcheck verify`"),
        (["verify", ".", "--engine", "venv"], "`stackcheck verify`"),
        (["build", ".", "--engine", "docker"], "`stackcheck build`"),
        (["probe", "--here"], "`stackcheck probe`"),
        (["probe", "--venv", "."], "`stackcheck probe`"),
        (["probe", "--image", "app:latest"], "`stackcheck probe`"),
        (["bake", "app:latest", "--stack", "."], "`stackcheck bake`"),
        (["inspect", "--image", "app"], "the engine docker"),
        (["entrypoint", "--check"], "the entrypoint"),
    ],
)
def test_what_needs_linux_says_so_in_one_sentence(project: Path, words: list[str], who: str) -> None:
    done = run(project, *words)
    assert done.stderr.splitlines()[-1] == (
        f"stackcheck: error: {who} needs Linux, and this is macOS; `stackcheck check` judges the same stack "
        "here without building or running anything."
    )
    assert (done.returncode, done.stdout) == (2, "")


def test_what_is_taken_away_is_gone(tmp_path: Path) -> None:
    script = tmp_path / "ask.py"
    script.write_text(
        "import os, sys\n"
        "from tests.integration import elsewhere\n"
        "elsewhere.take_away()\n"
        "for module in elsewhere.MODULES:\n"
        "    try:\n"
        "        exec(f'import {module}')\n"
        "        print('there', module)\n"
        "    except ImportError:\n"
        "        pass\n"
        "print([n for m, names in elsewhere.GONE.items() for n in names if hasattr(m, n)])\n"
        "print([os.path.exists(each) for each in ('/proc/self/stat', '/sys')], sys.platform)\n"
    )
    command = [sys.executable, str(script)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n[False, False] darwin\n"


def test_nothing_is_written_that_the_oldest_python_does_not_parse() -> None:
    files = [*(ROOT / "stackcheck").rglob("*.py"), *(ROOT / "probes").rglob("*.py")]
    for file in files:
        oldest = (3, 8) if "probes" in file.parts[len(ROOT.parts) :][0] else (3, 11)
        ast.parse(file.read_text(encoding="utf-8"), str(file), feature_version=oldest)
    assert len(files) > 400
