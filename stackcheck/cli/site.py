"""`stackcheck site`: a static site of a folder of reports, fit for GitHub Pages."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import output
from stackcheck.cli.matrix import read_matrix, reports_in, split
from stackcheck.drift import history
from stackcheck.matrix import site
from stackcheck.matrix.chart import Night
from stackcheck.matrix.judging import axes
from stackcheck.model.errors import EXIT_OK, StackcheckError, UsageError
from stackcheck.report.sharing import without_own_paths
from stackcheck.report.wording import plural
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.reading import is_folder

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("reports", type=Path, metavar="DIR", help="the folder of reports (JSON); other JSON is left alone")
    add(
        "-o",
        "--output",
        type=Path,
        default=Path("site"),
        metavar="DIR",
        help="write the site there; default: site. Pages of earlier reports stay",
    )
    across = parser.add_mutually_exclusive_group()
    across.add_argument(
        "--gpu",
        "--gpus",
        action="append",
        default=[],
        metavar="T4,H100",
        help="the GPUs across; those that the reports saw when none is asked for",
    )
    across.add_argument(
        "--matrix",
        type=Path,
        metavar="FILE",
        help="fold the reports into this matrix: what `stackcheck matrix --format json` wrote",
    )


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.output.exists() and not is_folder(args.output):
        raise UsageError(f"-o {args.output}: this is not a folder; name one, or one to be made.")
    reports = reports_in(args.reports, option="")
    if not reports:
        raise UsageError(
            f"{args.reports}: no report lies in it; `stackcheck verify STACK --format json -o "
            f"{args.reports}/STACK.json` makes one."
        )
    gpus = [host.gpu for host in axes(split(args.gpu), ())]
    start = site.joined(read_matrix(args.matrix), reports) if args.matrix else site.unjudged(reports, gpus)
    stacks = dict.fromkeys([*(row.stack for row in start.rows), *(report.name for report in reports)])
    nights = {stack: seen for stack in stacks if (seen := _nights(stack))}
    written = _write(site.files(reports, start, nights), args.output)
    if not args.quiet:
        sys.stderr.write(f"{output.line(args.output)}: {plural(written, 'file')}, begin with index.html.\n")
    return EXIT_OK


def _nights(stack: str) -> list[Night]:
    runs = history.read(history.history_file(), stack)
    return [
        Night(run.started, Counter(rank for rank, *_ in run.changes.values()), run.accepted) for run in runs
    ]


def _write(files: Iterable[tuple[str, str]], folder: Path) -> int:
    """Write each file whole; return how many. Raises StackcheckError for what cannot be written."""
    count = 0
    for name, text in files:
        shared = without_own_paths(text, Path.cwd(), Path.home())
        try:
            write_atomically(folder / name, shared.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise StackcheckError(f"-o {folder / name}: this cannot be written: {error.strerror}.") from None
        count += 1
    return count
