"""`stackcheck bake`: put the entrypoint and what it expects into an image."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from stackcheck.cli import options, output, stacks
from stackcheck.guard import baking
from stackcheck.guard.baking_here import bake_here
from stackcheck.intake import catalog
from stackcheck.model.errors import NoInterpreterError, UsageError
from stackcheck.model.evidence import Outcome
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Finding, Section

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from stackcheck.guard.baked_image import Baked
    from stackcheck.guard.baking_here import BakedHere
    from stackcheck.intake.stack import Stack
    from stackcheck.steps.options import Options
    from stackcheck.targets import Progress


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "target",
        metavar="STACK|IMAGE",
        nargs="?",
        default="",
        help="a stack, whose image is built if need be, or an image",
    )
    parser.add_argument(
        "--here",
        action="store_true",
        help="no image: write what this environment is expected to be to -o FILE, and the check beside it",
    )
    parser.add_argument(
        "--stack",
        "--from",
        metavar="STACK|PATH",
        help="hold the IMAGE against this stack and its lock, or against files of a project",
    )
    parser.add_argument(
        "--tag", default="", metavar="NAME", help="name of the result; default: the tag with -baked"
    )
    parser.add_argument(
        "--cpu", choices=("allow", "refuse"), default="", help="a start without a GPU; default: refuse"
    )
    parser.add_argument(
        "--inside",
        action="store_true",
        help="check behind the image's own ENTRYPOINT, in front of its CMD: what it exports is seen",
    )
    parser.add_argument(
        "--healthcheck", action="store_true", help="make the check the image's HEALTHCHECK too"
    )
    stacks.configure_folders(parser)
    stacks.configure_hosts(parser)
    options.add_resolving(parser)
    options.add_building(parser)
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command; the exit code is the answer of the baked image without a GPU."""
    python = stacks.interpreter(args)
    if args.here:
        return _here(args, python)
    if not args.target:
        raise UsageError("name a stack or an image to bake, or --here.")
    options.require_place(args)
    stack, image = _named(args)
    wish = baking.Wish(args.tag, args.cpu, args.healthcheck, python, args.inside)
    how, tell = options.pipeline_options(args), output.progress(args)
    try:
        baked = baking.bake(image, stack, wish, how, tell)
    except NoInterpreterError:
        if not image or python:
            raise
        _without_python(image, how, tell, args)
    output.write_document(document(baked), args)
    return int(baked.said["exit_code"])


def _without_python(image: str, how: Options, tell: Progress, args: argparse.Namespace) -> NoReturn:
    """Say what the files of an image show that nothing can be baked into: the check is a Python program."""
    from stackcheck.cli.inspect import told  # noqa: PLC0415 - most images have a Python
    from stackcheck.inspect.environments import inspect_image  # noqa: PLC0415

    output.write_document(told(inspect_image(image, how, tell, deep=False)), args)
    raise UsageError(
        f"{image}: nothing was baked: the check is a Python program, and no Python of this image runs. What "
        "its files show from outside is said above. Install Python 3.8 or newer in it, or name its "
        f"interpreter by --python; `stackcheck inspect {image} --gpu GPU` holds its libraries against a GPU."
    )


def _here(args: argparse.Namespace, python: str) -> int:
    """Write the expectation of this environment; what was found is shown on standard output."""
    if args.target or args.tag or args.healthcheck or args.inside:
        raise UsageError("--here is about no image: name none, and give no --tag, --healthcheck or --inside.")
    if args.output is None:
        raise UsageError("--here writes an expectation: say where by -o FILE.")
    stack = stacks.one(args.stack, args, "--stack") if args.stack else None
    file, args.output = args.output, None
    how, tell = options.pipeline_options(args), output.progress(args)
    made = bake_here(file.absolute(), stack, python, args.cpu, how, tell)
    output.write_document(document_here(made), args)
    return int(made.said["exit_code"])


def document_here(made: BakedHere) -> Document:
    """Return what was written, how it is used, and what the check says of this environment."""
    section = Section(
        name=str(made.expectation),
        headline="written",
        notes=(
            f"in front of a command: {shlex.join([*made.command, '--'])} COMMAND",
            f"here, where the CPU is allowed, it is {made.said['answer']}",
        ),
        parts=tuple(_finding(each) for each in made.said["causes"]),
    )
    data = {
        "schema_version": 1,
        "expectation": str(made.expectation),
        "archive": str(made.archive),
        "command": list(made.command),
        "check": dict(made.said),
    }
    return Document((section,), lambda: data)


def _named(args: argparse.Namespace) -> tuple[Stack | None, str]:
    if args.stack:
        return stacks.one(args.stack, args, "--stack"), args.target
    try:
        return stacks.one(args.target, args), ""
    except UsageError:
        if (":" in args.target or "/" in args.target) and not catalog.is_project(args.target):
            return None, args.target
        raise


def document(baked: Baked) -> Document:
    """Return what was baked, and what the check says of the image where it was baked."""
    without = "without a GPU it is" if baked.said["causes"] else "it is"
    section = Section(
        name=baked.name,
        headline=f"baked ({baked.id[:19]})",
        notes=(
            f"entrypoint: {' '.join(baked.entrypoint)}",
            f"command: {' '.join(baked.command) or '(none)'}",
            f"{without} {baked.said['answer']}",
        ),
        parts=tuple(_finding(each) for each in baked.said["causes"]),
    )
    return Document((section,), lambda: _data(baked))


def _finding(cause: Mapping[str, Any]) -> Finding:
    outcome = cause["outcome"]
    known = outcome if outcome in Outcome.__members__ else Outcome.ERROR.word
    return Finding(Outcome[known], "", cause["kind"], cause["message"])


def _data(baked: Baked) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "image": baked.name,
        "id": baked.id,
        "onto": baked.onto,
        "entrypoint": list(baked.entrypoint),
        "command": list(baked.command),
        "check": dict(baked.said),
    }
