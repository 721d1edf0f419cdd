"""`stackcheck completion`: what makes a shell complete the words of this command, and its manual page."""

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
_MAN = "man"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "shell", choices=(*_SHELLS, _MAN), help="the shell that is to complete; man: the manual page"
    )


def execute(args: argparse.Namespace) -> int:
    """Print the script for one shell, or the manual, made of every command's own options."""
    parser, commands = cli.make_parser()
    for name, command in commands.items():
        cli.configure(name, command)
        for each in (command, *command.actions().values()):
            _complete_paths(each)
    if args.shell == _MAN:
        from stackcheck.cli import manpage  # noqa: PLC0415 - no shell needs it

        output.write(manpage.render(parser, commands), None)
    else:
        output.write(shtab.complete(parser, shell=args.shell), None)
    return EXIT_OK


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    """Let a shell offer folders and files where the command takes them."""
    for action in parser._actions:  # noqa: SLF001 - shtab itself reads them there; argparse shows no other way
        metavar = str(action.metavar or "")
        if metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.type is Path or {"FILE", "PATH", "STACK", "TARGET"} & {*metavar.split("|")}:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
