"""`verify` from outside: the plan, the first run, and what a second one with --cached does again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a definition of one pure package, whose wheel lies beside it."""
    links = tmp_path / "links"
    links.mkdir()
    info = "tinypkg-1.0.dist-info"
    with zipfile.ZipFile(links / "tinypkg-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("tinypkg.py", "VALUE = 1\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinypkg\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(
            f"{info}/RECORD", "".join(f"{name},,\n" for name in (*archive.namelist(), f"{info}/RECORD"))
        )
    (tmp_path / "s.toml").write_text(
        f'[[stack]]\nid = "tiny"\npython = "{PYTHON}"\nplatform = "linux/amd64"\naccelerator = "cpu"\n'
        f'packages = {{ tinypkg = {{ version = "1.0", find_links = "{links}" }} }}\n'
    )
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).resolve().parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", "verify", "--engine", "venv", "--offline", *words, "s.toml"],
        cwd=folder,
        env={**os.environ, "PATH": path, "STACKCHECK_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def plan(folder: Path) -> dict[str, Any]:
    done = run(folder, "-q", "--plan", "--format", "json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["plans"]
    found: dict[str, Any] = row
    return found


def report(folder: Path, *words: str) -> dict[str, Any]:
    done = run(folder, "-q", "--gpus", "none", "--format", "json", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads(done.stdout)["reports"]
    found: dict[str, Any] = row
    return found


def again(folder: Path) -> bool:
    """Tell whether a run with --cached probed nothing."""
    return "reused" in report(folder, "--cached")["observation"]


def test_a_plan_builds_nothing_and_says_what_a_run_would_do(folder: Path) -> None:
    first = plan(folder)
    assert (first["engine"], first["packages"], first["ready"], first["last"]) == ("venv", 1, "", None)
    assert first["does"] == "build it from its lock, and probe it"
    assert not (folder / "cache" / "venvs").exists()
    assert not (folder / "locks").exists()
    report(folder)
    second = plan(folder)
    assert second["does"] == "probe what is there"
    assert Path(second["ready"]).is_dir()
    report(folder)
    assert plan(folder)["last"]["seconds"] > 0


def test_a_good_stack_leaves_nothing_of_the_target_unchecked_and_is_probed_once(folder: Path) -> None:
    report(folder)  # writes the lock, against which the next ones judge
    first = report(folder, "--cached")
    assert first["reach"]["level"] == "run"
    unchecked = [each["code"] for each in first["verdicts"] if each["outcome"] == "SKIP"]
    assert {code.rstrip("0123456789") for code in unchecked} <= {"LOCK"}  # the index was not asked: --offline
    assert "reused" not in first["observation"]
    second = report(folder, "--cached")
    assert second["verdicts"] == first["verdicts"]
    assert "reused" in second["observation"]
    told = " ".join(run(folder, "-q", "--cached", "--gpus", "none").stdout.split())
    assert "not probed again (--cached): probed at 20" in told


def test_a_changed_environment_another_variable_and_a_tampered_cache_are_probed_again(folder: Path) -> None:
    report(folder, "--cached")
    assert again(folder)
    (module,) = (folder / "cache" / "venvs").glob("*/lib/python*/site-packages/tinypkg.py")
    module.write_text("VALUE = 2\n")
    assert not again(folder)
    assert again(folder)
    for kept in (folder / "cache" / "observations").iterdir():
        kept.write_text(kept.read_text().replace("distributions", "distributionz"))
    assert not again(folder)
    assert again(folder)
    os.environ["CUDA_MODULE_LOADING"] = "x"
    try:
        assert not again(folder)
    finally:
        del os.environ["CUDA_MODULE_LOADING"]


def test_a_damaged_marker_has_the_environment_made_again(folder: Path) -> None:
    report(folder)
    (marker,) = (folder / "cache" / "venvs").glob("*/stackcheck.json")
    whole = marker.read_text()
    for damage in ("", "{", "[]", whole.replace('"digest": "', '"digest": "0')):
        marker.write_text(damage)
        assert report(folder)["reach"]["level"] == "run"
        assert json.loads(marker.read_text()) == json.loads(whole)
