"""`stackcheck probe`: look at what exists already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.cli import options, output, stacks
from stackcheck.inspect.environments import UNSTATED, probe_existing
from stackcheck.intake.stack import Image
from stackcheck.model.errors import UsageError
from stackcheck.report import FORMATS

if TYPE_CHECKING:
    import argparse

    from stackcheck.intake.stack import Stack


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--image", metavar="IMAGE", help="an image, by tag, id or digest")
    which.add_argument("--venv", metavar="DIR", help="a virtual environment")
    which.add_argument("--here", action="store_true", help="the interpreter that stackcheck runs under")
    parser.add_argument(
        "--stack", metavar="STACK|PATH", help="judge it against this stack; without, as it is"
    )
    stacks.configure_folders(parser)
    stacks.configure_hosts(parser)
    parser.add_argument("--mirror", default="", metavar="PREFIX", help=options.MIRROR_HELP)
    options.add_image_engine(parser)
    options.add_probing(parser)
    output.configure_judging(parser)
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    options.require_place(args)
    how, tell = options.pipeline_options(args), output.progress(args)
    kind = "image" if args.image else "venv" if args.venv else "here"
    python = stacks.interpreter(args)
    if python and kind != "image":
        raise UsageError("--python PATH is for images; a venv is named by its folder.")
    stack = _stack(args)
    if python:
        stack = stack.model_copy(update={"image": Image(python=python)})
    report = probe_existing(kind, args.image or args.venv or "", stack, how, tell)  # type: ignore[arg-type]
    return output.write_reports([report], args)


def _stack(args: argparse.Namespace) -> Stack:
    return stacks.one(args.stack, args, "--stack") if args.stack else UNSTATED
