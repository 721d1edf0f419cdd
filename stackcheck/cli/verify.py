"""`stackcheck verify`: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck import pipeline
from stackcheck.cli import options, output, runplan, stacks
from stackcheck.model.errors import EXIT_OK
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
        help="reuse what the probes saw of this very image or unchanged environment here, for a day at most",
    )
    parser.add_argument(
        "--plan",
        action="store_true",
        help="tell what would be downloaded, built and run, and how long it took the last time; do nothing",
    )
    output.configure_judging(parser)
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    options.require_place(args)
    how, chosen = options.pipeline_options(args), stacks.chosen(args)
    if args.plan:
        from stackcheck.steps.planning import planned  # noqa: PLC0415 - most runs do what they plan

        told = output.progress(args)
        plans = [planned(stack, how, told, chosen) for stack in chosen]
        output.write_document(runplan.document(plans), args)
        return EXIT_OK
    tell = output.telling(args, chosen)
    return output.write_reports(tell.until_done(pipeline.verify_all(chosen, how, tell)), args)
