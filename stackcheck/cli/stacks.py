"""How a command names stacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from stackcheck.intake.stack import Stack


def configure(parser: argparse.ArgumentParser, nargs: str = "+") -> None:
    """Add the stacks that a command is about, and where their definitions are."""
    parser.add_argument(
        "stacks",
        nargs=nargs,
        metavar="STACK",
        help="an id, a family, a glob such as 'cuda124*', or a TOML file",
    )
    configure_folders(parser)


def configure_folders(parser: argparse.ArgumentParser) -> None:
    """Add where definitions are."""
    parser.add_argument(
        "--matrices",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="read definitions from here instead of ./matrices (else those that stackcheck ships)",
    )


def chosen(args: argparse.Namespace) -> tuple[Stack, ...]:
    """Return the stacks that the user named, or all when a command takes none."""
    from stackcheck.intake import catalog  # noqa: PLC0415 - pydantic: 70 ms, and not every command reads any

    if args.stacks:
        return catalog.find(args.stacks, args.matrices)
    return catalog.load(catalog.folders(args.matrices))
