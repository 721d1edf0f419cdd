"""`stackcheck suggest` over a project's own files: their diff, and what --write leaves passes the check."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NO_END = "\\ No newline at end of file"
CU124 = "https://download.pytorch.org/whl/cu124"
IMAGE = "FROM python:3.11-slim\nCOPY requirements.txt /\nRUN pip install -r /requirements.txt\n"
CRLF = "# models\r\ntorch==2.5.0  # pinned\r\ntorchaudio == 2.6.0 ; sys_platform == 'linux'\r\n"
PROJECT = """\
[project]
name = "a"
requires-python = "==3.11.*"
dependencies = [
    "torch==2.5.0",  # the model
    "torchaudio==2.6.0",
]
"""
POETRY = """\
[tool.poetry.dependencies]
python = "3.11.*"
torch = "2.5.0"
torchaudio = { version = "2.6.0", extras = [] }
"""
DOCKERFILE = f"""\
FROM python:3.11-slim
RUN pip install torch==2.5.0 torchvision==0.20.0 \\
    torchaudio==2.6.0 --index-url {CU124} && rm -rf /tmp/*
"""
OLD_TAG = "nvidia/cuda:12.4.1-cudnn8-devel-ubuntu22.04"
CASES: dict[str, tuple[dict[str, str], list[str]]] = {
    "image": (
        {"Dockerfile": f"FROM {OLD_TAG}\nRUN pip install torch==2.5.0 --index-url {CU124}\n"},
        [f"-FROM {OLD_TAG}", "+FROM nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04"],
    ),
    "requirements": (
        {"requirements.txt": CRLF},
        ["-torchaudio == 2.6.0 ; sys_platform == 'linux'", "+torchaudio==2.5.0 ; sys_platform == 'linux'"],
    ),
    "included": (
        {
            "requirements.txt": "-r base.txt\ntorchaudio==2.6.0\nnumpy==1.26.4\n",
            "base.txt": "torch==2.6.0\ntorchvision==0.20.0\n",
        },
        ["-torchvision==0.20.0", "+torchvision==0.21.0"],
    ),
    "pyproject": ({"pyproject.toml": PROJECT}, ['-    "torchaudio==2.6.0",', '+    "torchaudio==2.5.0",']),
    "poetry": (
        {"pyproject.toml": POETRY},
        [
            '-torchaudio = { version = "2.6.0", extras = [] }',
            '+torchaudio = { version = "2.5.0", extras = [] }',
        ],
    ),
    "dockerfile": (
        {"Dockerfile": DOCKERFILE},
        [f"{sign}    torchaudio=={version} --index-url {CU124} && rm -rf /tmp/*"
         for sign, version in (("-", "2.6.0"), ("+", "2.5.0"))],
    ),
    "image and requirements": (
        {"Dockerfile": IMAGE, "requirements.txt": "torch==2.5.0\ntorchaudio==2.6.0\n"},
        ["-torchaudio==2.6.0", "+torchaudio==2.5.0"],
    ),
    "cumm": (
        {"requirements.txt": "torch==2.5.0\nspconv-cu124==2.3.8\ncumm-cu124==0.8.2"},
        ["-cumm-cu124==0.8.2", NO_END, "+cumm-cu124==0.7.11", NO_END],
    ),
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "service"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def fill(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())


def run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stackcheck", *args, "--offline", "-q"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("name", CASES)
def test_what_write_leaves_passes_the_check_that_failed(project: Path, name: str) -> None:
    files, wanted = CASES[name]
    fill(project, files)
    assert run("check", ".").returncode == 1
    diff = run("suggest", ".", "--format", "diff").stdout
    changed = [line for line in diff.splitlines() if line[0] in "+-\\" and line[:3] not in {"+++", "---"}]
    assert [line.rstrip("\r") for line in changed] == wanted
    assert {each: (project / each).read_bytes().decode() for each in files} == files  # nothing was written
    done = run("suggest", ".", "--write", "--format", "json")
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["by_hand"], row["diff"].replace("\r\n", "\n")) == (0, [], diff)
    after = {each: (project / each).read_bytes().decode() for each in files}
    assert row["written"] == [each for each in files if after[each] != files[each]]
    (edited,) = row["written"]
    pairs = zip(files[edited].split("\n"), after[edited].split("\n"), strict=True)
    moved = [before for before, now in pairs if before != now]
    assert [f"-{each}".rstrip("\r") for each in moved] == [each for each in wanted if each[0] == "-"]
    assert run("check", ".").returncode == 0


ROWS = '[project]\nname = "a"\ndependencies = [{}]\n'
COMMAND = "FROM python:3.11-slim\nRUN pip install {} \\\n    {}\n"
OLD, NEW = "spconv-cu120==2.3.6 spconv-cu124==2.3.8", "spconv-cu121==2.3.8"
ENTRIES: dict[str, tuple[str, str, str]] = {
    "requirements.txt": (
        "torch==2.5.0\nspconv-cu120==2.3.6\nspconv-cu124==2.3.8\n",
        f"torch==2.5.0\n{NEW}\n",
        f"torch==2.6.0\ntorchvision==0.21.0\n{NEW}\n",
    ),
    "pyproject.toml": (
        ROWS.format('"torch==2.5.0", "spconv-cu120==2.3.6", "spconv-cu124==2.3.8"'),
        ROWS.format(f'"torch==2.5.0", "{NEW}"'),
        ROWS.format(f'"torch==2.6.0", "torchvision==0.21.0", "{NEW}"'),
    ),
    "Dockerfile": (
        COMMAND.format("torch==2.5.0", OLD),
        COMMAND.format("torch==2.5.0", NEW),
        COMMAND.format("torch==2.6.0 torchvision==0.21.0", NEW),
    ),
}
"""A file with two spconv in it, repaired, and brought to another torch with a package that was not there."""


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_that_come_and_go_are_written_too(project: Path, name: str) -> None:
    before, repaired, upgraded = ENTRIES[name]
    fill(project, {name: before})
    python = ("--python", "3.11") if name != "Dockerfile" else ()
    assert run("suggest", name, "--write", *python).returncode == 0
    assert (project / name).read_text(encoding="utf-8") == repaired
    fill(project, {name: before})
    done = run("upgrade", name, "--to", "torchvision,torch==2.6", "--write", *python)
    assert done.returncode == 0, done.stdout
    assert (project / name).read_text(encoding="utf-8") == upgraded


def test_a_file_that_r_names_and_that_is_not_there_is_named_with_its_line(project: Path) -> None:
    fill(project, {"requirements.txt": "torch==2.8.0\n-r base.txt\n"})
    for operand in (".", "requirements.txt"):
        done = run("check", operand)
        said = "stackcheck: error: requirements.txt:2: -r base.txt: there is no such file.\n"
        assert (done.returncode, done.stderr) == (2, said)


HASHED = f"torch==2.5.0\ntorchaudio==2.6.0 \\\n    --hash=sha256:{'a' * 64}\n"
UV_LOCK = """\
[[package]]
name = "torch"
version = "2.5.0"

[[package]]
name = "torchaudio"
version = "2.6.0"
"""
ARGUED = "FROM python:3.11\nARG A=2.6.0\nRUN pip install torch==2.5.0 torchaudio==${A}\n"
PLAIN = '[project]\nname = "a"\ndependencies = ["torch", "torchaudio"]\n'


@pytest.mark.parametrize(
    ("files", "place", "why"),
    [
        (
            {"requirements.txt": HASHED},
            "requirements.txt:2",
            "its hashes have to be made again, by what has made the file.",
        ),
        (
            {"pyproject.toml": PLAIN, "uv.lock": UV_LOCK},
            "uv.lock:6",
            "a lock is not edited: change what it is made from, and lock again.",
        ),
        ({"Dockerfile": ARGUED}, "Dockerfile:3", "it does not stand there in so many words."),
    ],
)
def test_what_has_no_line_to_change_is_a_sentence_and_nothing_is_written(
    project: Path, files: dict[str, str], place: str, why: str
) -> None:
    said = f"{place}: packages.torchaudio: 2.6.0 -> 2.5.0 is left to you: {why}"
    fill(project, files)
    done = run("suggest", ".", "--write", "--format", "json")
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["by_hand"], row["written"]) == (1, [said], [])
    assert {name: (project / name).read_text(encoding="utf-8") for name in files} == files
    shown = " ".join(run("suggest", ".", "--write").stdout.split())
    assert said in shown
    assert "Nothing was written: a part of it is left to you." in shown


def test_a_driver_of_the_call_is_answered_with_the_build_of_torch_on_its_index(project: Path) -> None:
    fill(project, {"requirements.txt": "numpy==1.26.4\ntorch==2.11.0\n"})
    host = ("--driver", "550.54.15", "--python", "3.12")
    assert run("check", ".", *host).returncode == 1
    done = run("suggest", ".", *host, "--write")
    assert done.returncode == 0, done.stdout
    assert run("check", ".", *host).returncode == 0


def test_a_login_in_an_address_is_not_shown_and_stays_in_the_file(project: Path) -> None:
    text = "--extra-index-url https://me:hunter2@host.example/simple\ntorch==2.5.0\n{}spconv-cu124==2.3.8\n"
    fill(project, {"requirements.txt": text.format("cumm-cu124==0.8.2\n")})
    done = run("suggest", ".", "--write")
    assert "+cumm-cu124==0.7.11" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert (project / "requirements.txt").read_text(encoding="utf-8") == text.format("cumm-cu124==0.7.11\n")


def test_a_definition_is_written_too_with_its_comments(project: Path) -> None:
    (project / "matrices").mkdir()
    text = '[[stack]]\nid = "a"\npackages = { torch = "2.5.0", torchaudio = "2.6.0" }  # both\n'
    fill(project, {"matrices/a.toml": text})
    assert run("suggest", "a", "--write").returncode == 0
    written = (project / "matrices" / "a.toml").read_text(encoding="utf-8")
    assert written == text.replace('"2.6.0"', '"2.5.0"')


def test_check_offers_suggest_for_the_files(project: Path) -> None:
    fill(project, {"requirements.txt": "torch==2.5.0\ntorchaudio==2.6.0\n"})
    said = " ".join(run("check", ".").stdout.split())
    assert "the smallest change to these files: stackcheck suggest, with the same files and options" in said
