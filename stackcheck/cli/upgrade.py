"""`stackcheck upgrade`: bring a stack, or a project's own files, to other versions, as a diff of its file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stackcheck import knowledge
from stackcheck.cli import suggest
from stackcheck.plan.words import split_words, wishes_of
from stackcheck.suggest.answer import Aim

if TYPE_CHECKING:
    import argparse

    from stackcheck.suggest.wishes import Wishes


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    suggest.configure(parser)
    parser.add_argument(
        "--to",
        action="append",
        required=True,
        metavar="torch==2.9",
        help="what it shall have: a package, cuda or python, with versions; several with commas, or repeated",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds after which the resolver is asked nothing more; default: %(default)g",
    )


def execute(args: argparse.Namespace) -> int:
    """Run the command: 1 when for some stack nothing was found, 3 when the resolver could not be asked."""
    return suggest.run(args, Aim(_wishes(args), until=time.monotonic() + args.timeout))


def _wishes(args: argparse.Namespace) -> Wishes:
    return wishes_of(split_words(args.to), knowledge.load())
