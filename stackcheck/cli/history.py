"""`stackcheck history`: since when a change is there, how often it was seen, whether it flaps."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from stackcheck.cli import output, stacks
from stackcheck.drift import history, past
from stackcheck.drift.rendering import FORMATS
from stackcheck.model.errors import EXIT_OK, StackcheckError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.set_defaults(matrices=[])
    parser.add_argument(
        "stacks",
        nargs="*",
        metavar="STACK",
        help="ids, families, globs, or files of a project; all that have a history when none is named",
    )
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command; a stack that is known and has no history yet is not an error."""
    file = history.history_file()
    kept = history.stacks(file)
    names = dict.fromkeys(name for each in args.stacks for name in _named(each, kept, args))
    found = [past.Past(name, history.read(file, name)) for name in (names if args.stacks else kept)]
    # What one name means today may be two tomorrow: only a plain id, or a project, is answered alone.
    alone = len(args.stacks) == 1 and len(found) == 1 and not _is_pattern(args.stacks[0])
    output.write_document(past.document(found, alone=alone), args)
    return EXIT_OK


def _is_pattern(name: str) -> bool:
    return any(mark in name for mark in "*?[")


def _named(name: str, kept: Sequence[str], args: argparse.Namespace) -> list[str]:
    """Return the ids that a word means; what is kept may be of a stack that is no more.

    Raises UsageError, with near names, for a word that neither a definition nor a kept run knows.
    """
    from stackcheck.intake import catalog  # noqa: PLC0415 - an id needs no reader

    if catalog.is_project(name):
        return [stacks.one(name, args).id]
    if name in kept:
        return [name]
    known = [each for each in kept if fnmatchcase(each, name)]
    try:
        return list(dict.fromkeys([*known, *(stack.id for stack in catalog.find([name], []))]))
    except StackcheckError:
        if known:
            return known
        raise
