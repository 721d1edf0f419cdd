"""`stackcheck completion`: what makes a shell complete the words of this command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import shtab

from stackcheck import cli
from stackcheck.cli import output
from stackcheck.model.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

_SHELLS = ("bash", "zsh", "fish", "tcsh")
"""Those that shtab knows and that somebody tried."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("shell", choices=_SHELLS, help="the shell that is to complete")


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
