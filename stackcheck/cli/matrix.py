"""`stackcheck matrix`: stacks against GPUs, drivers and releases of torch, at a glance."""

from __future__ import annotations

import argparse
import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import options, output, stacks
from stackcheck.matrix import comparing, rendering
from stackcheck.matrix.hosts import read_hosts
from stackcheck.matrix.judging import axes, judged
from stackcheck.matrix.recorded import folded
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED, ReportError, UsageError
from stackcheck.report import FORMATS
from stackcheck.storage.parsing import parse_json
from stackcheck.storage.reading import files_in, is_folder, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.matrix.cells import Host, Matrix
    from stackcheck.model.report import Report

_MOST_REPORT = 1 << 29


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "stacks",
        nargs="*",
        metavar="STACK",
        help="ids, families, globs, definitions, or files of a project; all stacks when none is named",
    )
    stacks.configure_folders(parser)
    add = parser.add_argument
    add(
        "--gpu",
        "--gpus",
        action="append",
        default=[],
        metavar="T4,H100",
        help="the GPUs across; those that the stacks name when none is asked for",
    )
    add("--driver", action="append", default=[], metavar="535,550", help="each GPU once with each driver")
    add("--torch", action="append", default=[], metavar="2.8,2.9", help="each stack once with each torch")
    add(
        "--hosts",
        type=Path,
        metavar="FILE",
        help="hosts across, a line each: GPU, driver, name; or the output of nvidia-smi or rocm-smi",
    )
    add("--bytes", action="store_true", help="judge the files of the wheels as well; nothing is run")
    add(
        "--reports",
        type=Path,
        metavar="DIR",
        help="fold in reports of real runs (JSON), the strongest counts",
    )
    add(
        "--diff",
        metavar="OTHER",
        help="a matrix in JSON, or a folder of definitions: what got better or worse",
    )
    add("--strict", action="store_true", help="exit 3 for cells with a warning and those that are not known")
    options.add_resolving(parser)
    options.add_timeout(parser)
    output.configure(parser, (*FORMATS, "csv"))


def execute(args: argparse.Namespace) -> int:
    """Run the command: 1 when a cell fails (with --diff: when one got worse), 3 when nothing is known."""
    args.python = args.platform = None
    chosen = stacks.chosen(argparse.Namespace(stacks=args.stacks, matrices=args.matrices))
    hosts = _hosts(args, chosen)
    found = replace(
        _matrix(chosen, hosts, args), started=dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    )
    moved = None
    if args.diff:
        other = _other(args.diff, hosts, args)
        moved = comparing.moves(other, found)
        found = comparing.carried(other, found) if other.started else found
    output.write_document(rendering.document(found, moved), args)
    if moved is not None:
        return EXIT_FAIL if any(move.worse for move in moved) else EXIT_OK
    if found.counts["fails"]:
        return EXIT_FAIL
    known = found.counts["works"] + found.counts["ptx"] + found.counts["warned"]
    doubts = found.counts["unknown"] + found.counts["warned"] if args.strict else 0
    return EXIT_UNCHECKED if doubts or not known else EXIT_OK


def split(texts: Sequence[str]) -> list[str]:
    """Return the words of options that take several, with commas between them."""
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def _hosts(args: argparse.Namespace, chosen: Sequence[Stack]) -> tuple[Host, ...]:
    if args.hosts:
        if args.gpu or args.driver:
            raise UsageError("--hosts says GPUs and drivers; leave --gpu and --driver out.")
        return read_hosts(read_text(args.hosts), str(args.hosts))
    gpus = split(args.gpu) or list(dict.fromkeys(gpu.name for stack in chosen for gpu in stack.gpus))
    if not gpus:
        raise UsageError("none of these stacks names a GPU: say --gpu T4,L4,H100, or --hosts FILE.")
    return tuple(dict.fromkeys(axes(gpus, split(args.driver))))


def _matrix(chosen: Sequence[Stack], hosts: Sequence[Host], args: argparse.Namespace) -> Matrix:
    how = replace(options.pipeline_options(args), bytes=args.bytes)
    found = judged(chosen, hosts, split(args.torch), how, output.progress(args))
    return folded(found, reports_in(args.reports)) if args.reports else found


def reports_in(folder: Path, option: str = "--reports ") -> list[Report]:
    """Return the reports that lie in a folder; JSON of another kind is left alone.

    Raises UsageError, naming it as `option` did, for what is not a folder, and for what cannot be read.
    """
    from stackcheck.report.jsonfile import reports_of  # noqa: PLC0415 - pydantic's types of a report

    if not is_folder(folder):
        raise UsageError(f"{option}{folder}: this is not a folder.")
    found: list[Report] = []
    for path in files_in(folder, ".json"):
        document = parse_json(read_text(path, _MOST_REPORT), str(path))
        if isinstance(document, dict) and "reports" in document:
            found += reports_of(document, str(path))
    return found


def _other(named: str, hosts: Sequence[Host], args: argparse.Namespace) -> Matrix:
    path = Path(named)
    if is_folder(path):
        theirs = argparse.Namespace(stacks=args.stacks, matrices=[path])
        return _matrix(stacks.chosen(theirs), hosts, args)
    return read_matrix(path)


def read_matrix(path: Path) -> Matrix:
    """Return a matrix that was written as JSON. Raises ReportError or UsageError for anything else."""
    named = str(path)
    document = parse_json(read_text(path, _MOST_REPORT), named)
    if not isinstance(document, dict):
        raise ReportError(
            f"{named}: this is not a matrix; give what `stackcheck matrix --format json` wrote."
        )
    return rendering.matrix_of(document, named)
