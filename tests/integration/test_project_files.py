"""`stackcheck check` pointed at a project: its files in, findings with file and line out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = {
    "Dockerfile": """\
FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04
ENV TORCH_CUDA_ARCH_LIST="9.0"
RUN apt-get update && apt-get install -y python3-pip
COPY requirements.txt /app/
RUN pip install torch==2.5.0 torchvision==0.20.0 \\
    --index-url https://download.pytorch.org/whl/cu124
RUN pip install -r /app/requirements.txt
""",
    "requirements.txt": "torchaudio==2.6.0\nnumpy==1.26.4\ntorch\n",
    "README.md": "pip install torch==1.0\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "service"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stackcheck", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.usefixtures("project")
def test_check_names_the_fault_with_file_and_line() -> None:
    done = run("check", ".", "--offline", "--quiet", "--format", "json", "--gpu", "H100", "--python", "3.11")
    assert (done.returncode, done.stderr) == (1, "")
    (report,) = json.loads(done.stdout)["reports"]
    assert (report["stack"], report["read_from"]) == ("service", ["Dockerfile", "requirements.txt"])
    failed = {(row["code"], row["place"]) for row in report["verdicts"] if row["outcome"] == "FAIL"}
    assert failed == {("TORCH102", "requirements.txt:1")}


@pytest.mark.usefixtures("project")
def test_the_same_files_named_one_by_one_say_the_same() -> None:
    folder, named = (
        run("check", *what, "--offline", "-q", "--format", "github")
        for what in (["."], ["Dockerfile", "requirements.txt"])
    )
    assert folder.stdout == named.stdout
    assert "::error file=requirements.txt,line=1,title=FAIL TORCH102 service::" in folder.stdout


@pytest.mark.usefixtures("project")
def test_sarif_has_the_line() -> None:
    log = json.loads(run("check", ".", "--offline", "-q", "--format", "sarif").stdout)
    places = [
        row["locations"][0]["physicalLocation"]
        for row in log["runs"][0]["results"]
        if row["level"] == "error"
    ]
    assert places == [{"artifactLocation": {"uri": "requirements.txt"}, "region": {"startLine": 1}}]


@pytest.mark.usefixtures("project")
def test_the_text_says_what_was_read() -> None:
    out = run("check", ".", "--offline", "-q").stdout
    assert "; read from Dockerfile, requirements.txt" in " ".join(out.split())
    assert "      at        requirements.txt:1" in out


@pytest.mark.parametrize(
    ("operand", "said"),
    [
        ("nothere.txt", "nothere.txt: there is no such file, and no stack has that name."),
        ("README.md", "README.md: what this file is cannot be told."),
        ("empty", "empty: there is nothing here that says what is installed"),
        ("pipe.txt", "pipe.txt: this is a pipe, not a file that can be read."),
        (
            "latin/requirements.txt",
            "latin/requirements.txt:1: byte 5 (0xe9) is not UTF-8; save the file as UTF-8.",
        ),
    ],
)
def test_what_cannot_be_read_is_one_sentence_and_exit_2(project: Path, operand: str, said: str) -> None:
    for name in ("empty", "latin"):
        (project / name).mkdir()
    (project / "latin" / "requirements.txt").write_bytes(b"# caf\xe9\n")
    os.mkfifo(project / "pipe.txt")
    (project / "README.md").write_text("# Service\n\nIt does things.\n", encoding="utf-8")
    done = run("check", operand, "--offline")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"stackcheck: error: {said}")
    assert done.stderr.count("\n") == 1


def test_nothing_that_is_read_is_run(project: Path) -> None:
    trap = project / "touched"
    (project / "setup.py").write_text(f"open({str(trap)!r}, 'w')\n", encoding="utf-8")
    (project / "requirements.txt").write_text(f"torch==2.5.0\n$(touch {trap})\n-e .\n", encoding="utf-8")
    done = run("check", ".", "--offline", "-q")
    assert not trap.exists()
    assert "'$(touch" in done.stdout


@pytest.mark.usefixtures("project")
def test_init_writes_a_definition_of_which_check_says_the_same() -> None:
    assert (
        run("init", ".", "--gpu", "H100", "--python", "3.11", "-o", "matrices/service.toml").returncode == 0
    )
    files = run("check", ".", "--offline", "-q", "--format", "json", "--gpu", "H100", "--python", "3.11")
    written = run("check", "service", "--offline", "-q", "--format", "json")
    said = [
        {
            (row["code"], row["outcome"], row["message"])
            for row in json.loads(done.stdout)["reports"][0]["verdicts"]
        }
        for done in (files, written)
    ]
    assert {row for row in said[0] if not row[0].startswith("STACK")} == said[1]
    assert files.returncode == written.returncode == 1
    again = run("init", ".", "-o", "matrices/service.toml")
    assert (
        again.stderr
        == "stackcheck: error: matrices/service.toml is there already: name another file, or add --force.\n"
    )
    assert again.returncode == 2


def collected(*args: str) -> set[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--stack-offline", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return {line.rpartition("::")[2] for line in done.stdout.splitlines() if "Dockerfile::service::" in line}


@pytest.mark.usefixtures("project")
def test_pytest_takes_the_same_files_with_their_hosts() -> None:
    plain, told = (
        collected("--stack", ".", "--stack-level", "resolved", "--collect-only", *more)
        for more in ((), ("--stack-gpu", "T4,H100", "--stack-driver", "550.54.15"))
    )
    assert "TORCH102" in plain
    assert {"DRIVER101", "ARCH101"} <= told - plain
    deeper = collected("--stack", ".", "--stack-level", "bytes", "--collect-only")
    assert "LOAD308" in deeper - plain
    failed = collected("--stack", ".", "--stack-level", "resolved", "-k", "TORCH102", "-rf")
    assert any(line.startswith("TORCH102 - Failed") for line in failed)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("list", "."), "service 3.11"),
        (("history", "."), "service: no drift run is kept; `stackcheck drift service` makes one"),
        pytest.param(
            ("build", ".", "--plan", "--offline"),
            "line 1: FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04",
            marks=pytest.mark.docker,
        ),
        (
            ("drift", ".", "--offline"),
            "there is no lock locks/pylock.service.toml; run",
        ),
        (("verify", ".", "--offline", "--engine", "wheels"), "FAIL TORCH102"),
        (("lock", ".", "--offline"), "service: no lock"),
        (("probe", "--here", "--stack", "."), "read from Dockerfile, requirements.txt"),
    ],
)
def test_every_command_takes_the_files(args: tuple[str, ...], said: str) -> None:
    hosts = () if args[0] == "history" else ("--python", "3.11", "--gpu", "H100")
    done = run(*args, *hosts)
    assert said in " ".join((done.stdout + done.stderr).split())


@pytest.mark.usefixtures("project")
def test_hosts_of_a_call_are_refused_for_a_definition() -> None:
    assert run("init", ".", "-o", "matrices/service.toml").returncode == 0
    done = run("check", "service", "--gpu", "L4", "--offline")
    assert done.returncode == 2
    assert done.stderr == (
        "stackcheck: error: GPUs, driver, Python and platform are stated in a call for files of a project "
        "alone: a definition states its own.\n"
    )
