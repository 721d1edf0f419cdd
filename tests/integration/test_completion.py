"""Shell completion: what a shell offers after some words of a command line."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from stackcheck.cli import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path


def script(shell: str) -> str:
    command = [sys.executable, "-m", "stackcheck", "completion", shell]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def bash() -> str:
    return script("bash")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("ver", "verify"),
        ("re", "recipes report"),
        ("check --off", "--offline"),
        ("check --format ju", "junit"),
        ("lock --locks /us", "/usr"),
        ("schema --format x", ""),
    ],
)
def test_bash_offers_commands_options_choices_and_folders(bash: str, words: str, offered: str) -> None:
    line = ["stackcheck", *words.split()]
    ask = (
        f"COMP_WORDS=(stackcheck {words}); COMP_CWORD={len(line) - 1}; "
        f"_shtab_stackcheck stackcheck {line[-1]} {line[-2]}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    # An interactive shell has programmable completion; it says that it has no terminal, on stderr.
    done = subprocess.run(
        ["bash", "--norc", "-i"],
        input=f"{bash}\n{ask}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert sorted(done.stdout.split()) == offered.split(), done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_every_command_stands_in_every_script(shell: str) -> None:
    text = script(shell)
    assert [name for name in COMMANDS if name not in text] == []
    assert "stackcheck: error" not in text


def test_another_shell_is_a_wrong_call() -> None:
    command = [sys.executable, "-m", "stackcheck", "completion", "command.com"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "invalid choice: 'command.com'" in done.stderr


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("stackcheck ver", ["verify"]),
        ("stackcheck check --off", ["--offline"]),
        ("stackcheck check --format ju", ["junit"]),
        ("stackcheck completion ", ["bash", "fish", "man", "tcsh", "zsh"]),
    ],
)
def test_fish_offers_commands_options_and_choices(tmp_path: Path, line: str, offered: list[str]) -> None:
    (tmp_path / "s.fish").write_text(script("fish"))
    ask = f"source {tmp_path}/s.fish; complete -C '{line}'"
    command = ["fish", "--no-config", "-c", ask]
    environ = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, env=environ, cwd=tmp_path
    )
    assert sorted({each.partition("\t")[0] for each in done.stdout.splitlines()} - {"s.fish"}) == offered


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("stackcheck ver\t", b"stackcheck verify"),
        ("stackcheck check --off\t", b"--offline"),
        ("stackcheck schema rep\t", b"report"),
    ],
)
def test_zsh_completes_at_a_terminal(tmp_path: Path, typed: str, becomes: bytes) -> None:
    (tmp_path / "_stackcheck").write_text(script("zsh"))
    mine, theirs = pty.openpty()
    environ = {**os.environ, "HOME": str(tmp_path), "TERM": "dumb", "PS1": "> "}
    shell = subprocess.Popen(
        ["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=tmp_path,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        os.write(
            mine, f"fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u; print re''ady\n".encode()
        )
        assert b"ready" in _read(mine, b"ready")
        os.write(mine, typed.encode())
        assert becomes in _read(mine, becomes)
    finally:
        shell.kill()
        shell.wait()
        os.close(mine)


def _read(terminal: int, until: bytes) -> bytes:
    """Read what a terminal shows until some text stands there, a minute at most."""
    shown, end = b"", time.monotonic() + 60
    while until not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65536)
    return shown


def test_the_man_page_has_every_command_and_no_fault(tmp_path: Path) -> None:
    page = tmp_path / "stackcheck.1"
    page.write_text(script("man"))
    text = page.read_text()
    assert [name for name in COMMANDS if f".SS stackcheck {name}\n" not in text] == []
    assert ".SS stackcheck recipes check\n" in text
    assert all(
        line.startswith((".TH ", ".SH ", ".SS ", ".TP", ".PP", ".B "))
        for line in text.splitlines()
        if line[:1] == "."
    )
    if shutil.which("mandoc"):
        lint = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False
        )
        told = (lint.stdout + lint.stderr).splitlines()
        assert [line for line in told if "missing date" not in line] == []  # a version dates the page
        shown = subprocess.run(
            ["mandoc", "-T", "ascii", page], capture_output=True, text=True, check=True
        ).stdout
        assert "exit 3 where the checks did not come so far" in " ".join(shown.split())
