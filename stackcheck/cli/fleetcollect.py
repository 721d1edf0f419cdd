"""`stackcheck fleet collect`: join what came back from a cluster into a folder of reports and a matrix."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import output, stacks
from stackcheck.fleet.collect import collect
from stackcheck.fleet.collected import matrix_of
from stackcheck.fleet.sources import sources
from stackcheck.matrix import rendering
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED, StackcheckError, UsageError
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Entry, Listing
from stackcheck.report.wording import plural
from stackcheck.storage.folders import write_atomically

if TYPE_CHECKING:
    import argparse

    from stackcheck.fleet.collected import Collected


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add(
        "places",
        nargs="+",
        metavar="FOLDER|FILE|-",
        help="reports, logs of pods or jobs, files of frames, archives of them; - is standard input",
    )
    add(
        "--stack",
        action="append",
        default=[],
        metavar="STACK",
        help="judge by these definitions or files of a project; default: all that are found from here",
    )
    stacks.configure_folders(parser)
    add(
        "--to",
        type=Path,
        default=Path("fleet-reports"),
        metavar="DIR",
        help="write the reports there, for `matrix --reports` and `site`; default: %(default)s",
    )
    output.configure(parser, (*FORMATS, "csv"))


def run(args: argparse.Namespace) -> int:
    """Run the verb: 1 when a cell fails, 3 when something that came back is not whole, or nothing came."""
    if args.to.exists() and not args.to.is_dir():
        raise UsageError(f"--to {args.to}: this is a file; name a folder.")
    args.stacks = args.stack
    known = {stack.id: stack for stack in stacks.chosen(args)}
    found = (each for place in args.places for each in sources(place, args.to))
    made = collect(found, known, functools.partial(_write, args.to))
    if made.is_empty:
        raise StackcheckError(
            f"{', '.join(args.places)}: no report and no frame of a task stands in it; `kubectl logs "
            "--selector app.kubernetes.io/name=stackcheck --all-containers --prefix --tail=-1` shows them."
        )
    output.write_document(_document(made), args)
    told = f"{plural(len(made.names), 'file')} in {args.to}" if made.names else "no report was made"
    alone = f", {plural(made.left_alone, 'file')} left alone" if made.left_alone else ""
    output.progress(args)(f"{told}{alone}")
    if args.output is not None or args.format not in ("text", "json"):
        sys.stderr.write("".join(f"stackcheck: {problem}\n" for problem in made.problems))
    if matrix_of(made).counts["fails"]:
        return EXIT_FAIL
    return EXIT_UNCHECKED if any(problem.counts for problem in made.problems) else EXIT_OK


def _write(folder: Path, name: str, text: str) -> None:
    try:
        write_atomically(folder / name, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise StackcheckError(f"--to {folder}: this cannot be written: {error.strerror}.") from None


def _document(made: Collected) -> Document:
    """Return the matrix, with what is not whole beside it."""
    matrix = matrix_of(made)
    document = rendering.document(matrix)
    lists = [Listing("Not whole", tuple(Entry(str(problem)) for problem in made.problems))]
    lists += [Listing("Drift", tuple(Entry(source) for source in made.drifts), loud=False)]
    section = document.sections[0]
    parts = (*section.parts, *(each for each in lists if each.entries))
    problems = [
        {"source": each.source, "subject": each.subject, "why": each.why, "counts": each.counts}
        for each in made.problems
    ]
    data = rendering.data(matrix) | {"problems": problems}
    return document._replace(sections=(section._replace(parts=parts),), data=lambda: data)
