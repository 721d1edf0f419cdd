"""`stackcheck check`: judge stacks by definition, tables and resolution; build nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck import pipeline
from stackcheck.cli import options, output, stacks
from stackcheck.intake.configuration import without_configuration
from stackcheck.intake.untrusted import PYPI, Terms, keep_out
from stackcheck.model.errors import UsageError
from stackcheck.report import FORMATS
from stackcheck.resolve.indexlogin import DEFAULTS, lies_in, stated_places

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.steps.options import Options


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    options.add_resolving(parser)
    options.add_timeout(parser)
    parser.add_argument(
        "--bytes",
        action="store_true",
        help="also unpack the wheels, for any Python and platform, and judge their files; nothing is run",
    )
    parser.add_argument(
        "--untrusted",
        action="store_true",
        help="the tree is a stranger's, a pull request say: its ignore, expect and configuration count for "
        "nothing, and no index is asked but PyPI and those that this call or its environment states",
    )
    parser.add_argument(
        "--index", action="append", default=[], metavar="URL", help="with --untrusted: may be asked too"
    )
    output.configure_judging(parser)
    output.configure(parser, FORMATS)
    stacks.accept_gpus(parser)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    how = options.pipeline_options(args)
    if not args.untrusted:
        if args.index:
            raise UsageError("--index goes with --untrusted; a definition states its own indexes.")
        return _checked(stacks.chosen(args), how, args)
    if args.allow_outside:
        raise UsageError("--untrusted keeps to the checked tree: leave out --allow-outside.")
    with without_configuration():
        keep_out(map(Path, (*args.stacks, *args.matrices)), os.environ)
        return _checked(_terms(args.index).judge(stacks.chosen(args)), how, args)


def _checked(chosen: Sequence[Stack], how: Options, args: argparse.Namespace) -> int:
    tell = output.telling(args, chosen)
    return output.write_reports(tell.until_done(pipeline.check_all(chosen, how, tell)), args)


def _terms(named: list[str]) -> Terms:
    """Return which indexes may be asked: those of the call and of its environment, and else PyPI."""
    stated = [url for _, url in stated_places(os.environ)]
    default = [] if any(os.environ.get(name) for name in DEFAULTS) else [PYPI]
    return Terms((*default, *stated, *named), lies_in)
