"""`stackcheck upgrade`: bring a stack, or a project's own files, to other versions, as a diff of its file."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from stackcheck import knowledge
from stackcheck.cli import suggest
from stackcheck.plan.words import split_words, wishes_of
from stackcheck.suggest.answer import Aim

if TYPE_CHECKING:
    from stackcheck.suggest.wishes import Wishes

_EXAMPLES = """examples:
  stackcheck upgrade . --to torch==2.9                          the diff of the project's own files, and why
  stackcheck upgrade requirements.txt --to torch==2.9 --to python==3.12 --write
  stackcheck upgrade cuda124-torch25-published --to 'torch>=2.7' --format diff | git apply
  stackcheck upgrade Dockerfile --to cuda==12.8 --gpu B200 --driver 570

What else has to change with it is changed too, as little as is proven to do.
exit codes: 0 a change that is proven, or nothing to change, 1 none was found, 2 wrong call, 3 not proven"""


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
    parser.epilog, parser.formatter_class = _EXAMPLES, argparse.RawDescriptionHelpFormatter


def execute(args: argparse.Namespace) -> int:
    """Run the command: 1 when for some stack nothing was found, 3 when the resolver could not be asked."""
    return suggest.run(args, Aim(_wishes(args), until=time.monotonic() + args.timeout))


def _wishes(args: argparse.Namespace) -> Wishes:
    return wishes_of(split_words(args.to), knowledge.load())
