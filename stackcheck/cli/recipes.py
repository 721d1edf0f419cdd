"""`stackcheck recipes`: hold a folder of Nix expressions against the variants of a matrix, or write them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck import knowledge
from stackcheck.cli import output, stacks
from stackcheck.model.errors import StackcheckError, UsageError
from stackcheck.report import FORMATS
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.reading import files_in, read_text
from stackcheck.variants.matrix import SUFFIX, make_shelf

if TYPE_CHECKING:
    import argparse

    from stackcheck.intake.stack import Stack

_MOST = 1 << 20
"""Bytes of a file that are read: a recipe is some kilobytes."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the two actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="say what is missing, redundant, misnamed or broken in a folder")
    check.add_argument("folder", type=Path, metavar="DIR", help="the folder of .nix files")
    stacks.configure(check, nargs="*")
    output.configure_judging(check)
    output.configure(check, FORMATS)
    render = actions.add_parser("render", help="write the recipe of every variant")
    stacks.configure(render, nargs="*")
    render.add_argument("-o", "--output", type=Path, metavar="DIR", help="a folder; else all go to stdout")


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    wanted = tuple(stack for stack in stacks.chosen(args) if stack.recipe)
    if not wanted:
        raise UsageError("none of these stacks states a recipe; name a family with a [stack.recipe] table")
    return _check(args, wanted) if args.action == "check" else _render(args, wanted)


def _check(args: argparse.Namespace, wanted: tuple[Stack, ...]) -> int:
    from stackcheck.steps.recipes import check_shelf  # noqa: PLC0415 - rendering needs no rules

    shelf = files_in(args.folder, SUFFIX)
    texts = {path.name: read_text(path, _MOST, errors="replace") for path in shelf}
    return output.write_reports([check_shelf(make_shelf(wanted, texts, str(args.folder)))], args)


def _render(args: argparse.Namespace, wanted: tuple[Stack, ...]) -> int:
    from stackcheck.variants.writer import render_recipe  # noqa: PLC0415 - jinja2 costs more time than checking

    texts = {stack.id: render_recipe(stack, knowledge.load()) for stack in wanted}
    if args.output is None:
        output.write("\n".join(texts.values()), None)
        return 0
    try:
        args.output.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_atomically(args.output / f"{name}{SUFFIX}", text.encode(), 0o644)
    except OSError as error:
        raise StackcheckError(f"-o {args.output}: this cannot be written: {error.strerror}") from None
    output.progress(args)(f"wrote {len(texts)} recipes to {args.output}")
    return 0
