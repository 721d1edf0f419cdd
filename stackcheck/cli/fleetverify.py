"""`stackcheck fleet verify`: the main job, on the nodes that have what each stack is for."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import fleetoptions, options, output, stacks
from stackcheck.fleet import telling
from stackcheck.fleet.results import Folder
from stackcheck.fleet.verifying import Call, verify
from stackcheck.model.errors import EXIT_UNCHECKED, UsageError
from stackcheck.model.report import overall_exit_code
from stackcheck.report import FORMATS

if TYPE_CHECKING:
    import argparse

FOLDER = Path("fleet")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    fleetoptions.configure(parser)
    options.add_resolving(parser)
    options.add_building(parser)
    options.add_probing(parser)
    add = parser.add_argument
    add("--keep-going", action="store_true", help="build a stack although a check before the build failed")
    add("--cpus", type=float, default=1.0, metavar="N", help="cores that a task counts for; default: 1")
    add(
        "--carry",
        type=Path,
        metavar="FOLDER",
        help="a folder that Ray takes to every node, with what stacks name",
    )
    add(
        "--env",
        action="append",
        default=[],
        metavar="NAME",
        help="a variable of this process that tasks get, such as UV_INDEX_TEAM_PASSWORD; may be repeated",
    )
    add(
        "--registry",
        default="",
        metavar="PREFIX",
        help="hand built images on by this registry; default: by Ray's object store",
    )
    add("--again", action="store_true", help="do again what the folder has already")
    output.configure_judging(parser)
    add("--format", choices=FORMATS, default=FORMATS[0], help=f"of the summary; default: {FORMATS[0]}")
    add(
        "-o",
        "--output",
        type=Path,
        default=FOLDER,
        metavar="FOLDER",
        help="keep every report here as it comes; the same call goes on where one was ended; default: fleet",
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb; the worst exit code of the reports."""
    if args.output.is_file():
        raise UsageError(f"-o {args.output}: this is a file; name a folder.")
    chosen = stacks.chosen(args)
    how, given = fleetoptions.how(args), fleetoptions.secrets(args)
    folder = Folder(args.output)
    with fleetoptions.backend(args, how, given) as backend:
        call = Call(chosen, how, fleetoptions.needs(args), folder, args.again)
        found = verify(call, backend, output.progress(args))
    document = telling.verified(found, args.output)
    output.write_document(document, Namespace(**{**vars(args), "output": None, "also": []}))
    codes = {line.outcome.exit_code for line in found.lines}
    unserved = {EXIT_UNCHECKED} if found.placement.unserved and not args.bytes else set()
    return overall_exit_code(codes | unserved)
