"""Shell completion: what a shell offers after some words of a command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stackcheck.cli import COMMANDS


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


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_every_command_stands_in_every_script(shell: str) -> None:
    text = script(shell)
    assert [name for name in COMMANDS if name not in text] == []
    assert "stackcheck: error" not in text


def test_another_shell_is_a_wrong_call() -> None:
    command = [sys.executable, "-m", "stackcheck", "completion", "command.com"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "invalid choice: 'command.com'" in done.stderr
