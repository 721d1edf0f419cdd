"""`stackcheck check`: judge stacks by definition, tables and resolution; build nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck import pipeline
from stackcheck.cli import options, output, stacks
from stackcheck.report import FORMATS

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    options.add_resolving(parser)
    parser.add_argument(
        "--bytes",
        action="store_true",
        help="also unpack the wheels, for any Python and platform, and judge their files; nothing is run",
    )
    output.configure_judging(parser)
    output.configure(parser, FORMATS)
    stacks.accept_gpus(parser)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    how, chosen = options.pipeline_options(args), stacks.chosen(args)
    tell = output.telling(args, chosen)
    return output.write_reports(tell.until_done(pipeline.check_all(chosen, how, tell)), args)
