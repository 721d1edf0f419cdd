"""From a built wheel in a clean folder: uvx, uv tool install, pipx; and the first minutes of somebody new."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.online

DOCKERFILE = """\
FROM nvidia/cuda:12.1.1-runtime-ubuntu22.04
ENV NVIDIA_DRIVER_CAPABILITIES=utility
RUN apt-get update && apt-get install -y python3 python3-pip
COPY requirements.txt .
RUN pip install -r requirements.txt
RUN pip install torch==2.2.1
"""
REQUIREMENTS = """\
# The GPU part. A capital, spaces and an empty continuation: odd, and harmless.
Torch == 2.2.2  \\

numpy==2.1.0
"""
FAULTS = {
    ("ENV101", "Dockerfile:2"),  # no libcuda comes into the container
    ("STACK103", "Dockerfile:6"),  # another torch takes the place of the pinned one
    ("NUMPY101", "requirements.txt:4"),  # this torch was compiled against NumPy 1
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build the wheel of this tree."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True, timeout=300
    )
    (built,) = folder.glob("*.whl")
    yield built
    shutil.rmtree(folder)


@pytest.fixture
def newcomer(tmp_path: Path) -> Path:
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "requirements.txt").write_text(REQUIREMENTS)
    return folder


def run(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run in a folder with a home of its own; uv's cache is the machine's, as it is for anybody."""
    own = folder.parent
    environ = {name: value for name, value in os.environ.items() if not name.startswith("STACKCHECK_")}
    cache = subprocess.run([find_uv_bin(), "cache", "dir"], capture_output=True, text=True, check=True)
    environ |= {
        "UV_CACHE_DIR": cache.stdout.strip(),
        "UV_TOOL_DIR": str(own / "tools"),
        "UV_TOOL_BIN_DIR": str(own / "bin"),
        "PIPX_HOME": str(own / "pipx"),
        "PIPX_BIN_DIR": str(own / "pipx-bin"),
        "PATH": f"{Path(find_uv_bin()).parent}:{os.environ['PATH']}",
    }
    return subprocess.run(
        [*map(str, words)], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=300
    )


def _cpu() -> float:
    """Return the seconds of CPU that ended child processes took."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def told(text: str) -> set[tuple[str, str]]:
    """Return code and place of each finding that a text report shows."""
    found = re.findall(r"^(?:FAIL|WARN|ERROR) +([A-Z]+[0-9]+) .*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    places = re.findall(r"^ +at +(\S+)$", text, re.MULTILINE)
    assert len(found) == len(places), text
    return set(zip(found, places, strict=True))


def test_a_newcomer_is_told_the_three_faults_with_file_and_line(newcomer: Path, wheel: Path) -> None:
    uvx = (find_uv_bin(), "tool", "run", "--from", wheel)
    run(newcomer, *uvx, "stackcheck", "check", ".")  # fills uv's cache
    used, begun = _cpu(), time.monotonic()
    done = run(newcomer, *uvx, "stackcheck", "check", ".")
    wall, used = time.monotonic() - begun, _cpu() - used
    assert (done.returncode, told(done.stdout)) == (1, FAULTS), done.stdout + done.stderr
    # 5 s are for a machine that does nothing else; how long a busy one lets it wait, its load says.
    assert used < 2.5, (used, wall)
    assert wall < 5 * max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0))), (used, wall)
    assert done.stdout.startswith("FAIL  service: ")
    assert {path.name for path in newcomer.iterdir()} == {"Dockerfile", "requirements.txt"}


def test_init_then_check_says_the_same(newcomer: Path, wheel: Path) -> None:
    uvx = (find_uv_bin(), "tool", "run", "--from", wheel, "stackcheck")
    made = run(newcomer, *uvx, "init", "-o", "matrices/service.toml")
    assert made.returncode == 0, made.stderr
    tomllib.loads((newcomer / "matrices" / "service.toml").read_text(encoding="utf-8"))
    done = run(newcomer, *uvx, "check", "matrices/service.toml", "--format", "json")
    assert done.returncode == 1
    (report,) = json.loads(done.stdout)["reports"]
    failed = {each["code"] for each in report["verdicts"] if each["outcome"] in ("FAIL", "ERROR")}
    assert failed == {"ENV101", "NUMPY101"}  # what takes the place of what is a matter of the files


@pytest.mark.parametrize("line", re.findall(r"^(?:uv|pipx).*WHEEL.*$", DOCS, re.MULTILINE))
def test_the_install_lines_of_the_docs_work_in_a_clean_folder(newcomer: Path, wheel: Path, line: str) -> None:
    words = line.partition("#")[0].replace("WHEEL", str(wheel)).split()
    if words[0] == "uvx":
        words[:1] = [find_uv_bin(), "tool", "run"]
    elif words[0] == "uv":
        words[0] = find_uv_bin()
    else:
        words[:1] = [find_uv_bin(), "tool", "run", "pipx"]
    done = run(newcomer, *words)
    if "install" in words:
        assert done.returncode == 0, done.stderr
        (command,) = [*newcomer.parent.glob("bin/stackcheck"), *newcomer.parent.glob("pipx-bin/stackcheck")]
        done = run(newcomer, command, "check", ".")
    assert (done.returncode, told(done.stdout)) == (1, FAULTS), done.stdout + done.stderr


def test_the_docs_name_every_way() -> None:
    lines = re.findall(r"^(uvx|uv tool install|pipx run|pipx install) .*WHEEL", DOCS, re.MULTILINE)
    assert lines == ["uvx", "uv tool install", "pipx run", "pipx install"]


def test_the_wheel_says_where_it_runs_and_brings_what_it_needs(wheel: Path) -> None:
    import zipfile  # noqa: PLC0415 - one test looks inside

    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        text = archive.read(metadata).decode()
    assert "Requires-Python: >=3.11\n" in text
    for minor in (11, 12, 13, 14):
        assert f"Classifier: Programming Language :: Python :: 3.{minor}\n" in text
    assert any(name.startswith("stackcheck/matrices/") for name in names)
    assert not [name for name in names if name.startswith("tests/")]


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_it_runs_under_each_python_that_is_on_this_machine(newcomer: Path, wheel: Path, minor: int) -> None:
    pyenv = [str(each) for each in Path.home().glob(f".pyenv/versions/3.{minor}.*/bin")]
    environ = {**os.environ, "PATH": ":".join([*pyenv, os.environ["PATH"]])}
    find = [find_uv_bin(), "python", "find", "--no-project", "--no-python-downloads", f"3.{minor}"]
    found = subprocess.run(find, capture_output=True, text=True, check=False, cwd=newcomer, env=environ)
    if found.returncode:
        pytest.skip(f"there is no Python 3.{minor} on this machine")
    uvx = (find_uv_bin(), "tool", "run", "--python", found.stdout.strip(), "--from", wheel, "stackcheck")
    done = run(newcomer, *uvx, "check", ".")
    assert (done.returncode, told(done.stdout)) == (1, FAULTS), done.stdout + done.stderr
    assert run(newcomer, *uvx, "init").stdout.count("torch") >= 1
    for words in (["help", "check"], ["explain", "TORCH101"], ["list"], ["completion", "zsh"]):
        done = run(newcomer, *uvx, *words)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    mixed = run(newcomer, *uvx, "check", "--offline", ".", "-q", "--ofline")
    assert "did you mean '--offline'?" in mixed.stderr


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
@pytest.mark.parametrize("platform", ["linux", "macos", "windows"])
def test_all_that_it_needs_has_wheels_for_each_host(tmp_path: Path, platform: str, minor: int) -> None:
    command = [
        find_uv_bin(), "pip", "compile", "--quiet", "--python-version", f"3.{minor}", "--python-platform",
        platform, "--only-binary", ":all:", str(ROOT / "pyproject.toml"), "-o", str(tmp_path / "r.txt"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "\npydantic==" in (tmp_path / "r.txt").read_text()
