"""`stackcheck completion`: what makes a shell complete the words of this command."""

from __future__ import annotations

import argparse
from pathlib import Path

import shtab

from stackcheck import cli
from stackcheck.cli import output
from stackcheck.model.errors import EXIT_OK

_WHERE = """how to use it:
  bash   stackcheck completion bash > ~/.local/share/bash-completion/completions/stackcheck
  zsh    stackcheck completion zsh > DIR/_stackcheck, DIR being a folder of $fpath
  tcsh   stackcheck completion tcsh > ~/.stackcheck.tcsh, and `source ~/.stackcheck.tcsh` in ~/.tcshrc"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS, help="the shell that is to complete")
    parser.epilog, parser.formatter_class = _WHERE, argparse.RawDescriptionHelpFormatter


def execute(args: argparse.Namespace) -> int:
    """Print the script for one shell, made of every command's own options."""
    parser, commands = cli.make_parser()
    for name, command in commands.items():
        cli.configure(name, command)
        for action in command._actions:  # noqa: SLF001 - shtab itself reads them there; argparse shows no other way
            if action.metavar == "DIR":
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
            elif action.metavar == "FILE" or action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    output.write(shtab.complete(parser, shell=args.shell), None)
    return EXIT_OK
