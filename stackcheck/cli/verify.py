"""`stackcheck verify`: the main job."""

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
    options.add_building(parser)
    options.add_probing(parser)
    parser.add_argument(
        "--keep-going", action="store_true", help="build a stack although a check before the build failed"
    )
    parser.add_argument(
        "--cached",
        action="store_true",
        help="reuse what the probes saw of this very image on this very machine, for a day at most",
    )
    output.configure_judging(parser)
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    options.require_place(args)
    how, tell = options.pipeline_options(args), output.progress(args)
    chosen = stacks.chosen(args)
    return output.write_reports([pipeline.verify(stack, how, tell, chosen) for stack in chosen], args)
