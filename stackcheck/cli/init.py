"""`stackcheck init`: write a definition from what a project has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import output, stacks
from stackcheck.intake.project import take
from stackcheck.intake.written_out import definition_text
from stackcheck.model.errors import EXIT_OK, UsageError
from stackcheck.report.wording import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stackcheck.intake.project import Taken


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        default=[Path()],
        metavar="PATH",
        help="files or a folder of a project: requirements.txt, pyproject.toml, a lock file, "
        "environment.yml, Dockerfile; default: this folder",
    )
    stacks.configure_hosts(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it there instead of stdout")
    parser.add_argument("--force", action="store_true", help="replace the file when it is there already")
    stacks.accept_gpus(parser)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    taken = take(args.paths, stacks.given(args))
    target: Path | None = args.output
    if target is not None and target.exists() and not args.force:
        raise UsageError(f"{target} is there already: name another file, or add --force.")
    text = definition_text(taken, target.parent if target is not None else Path())
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
    output.write(text, target)
    if target is not None and not args.quiet:
        sys.stderr.write(f"{output.line(_written(target, taken))}\n")
    return EXIT_OK


def _written(target: Path, taken: Sequence[Taken]) -> str:
    """Say what was written, and what of the files is not part of it: that stands in it as comments alone."""
    left = sum(len(each.open) for each in taken)
    head = f"{target}: {plural(len(taken), 'stack')}"
    return (
        f"{head}; {plural(left, 'line')} of the files to decide on, written there as comments."
        if left
        else f"{head}."
    )
