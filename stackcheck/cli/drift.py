"""`stackcheck drift`: what has moved since the baseline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import options, output, stacks
from stackcheck.drift import history
from stackcheck.drift.rendering import FORMATS, document
from stackcheck.drift.report import worst_code
from stackcheck.drift.run import DriftOptions, drift
from stackcheck.model.errors import EXIT_OK, EXIT_UNCHECKED, StackcheckError, UsageError

if TYPE_CHECKING:
    import argparse

    from stackcheck.drift.report import DriftReport


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    add = parser.add_argument
    add("--baseline", type=Path, metavar="FILE", help="the baseline report; default: reports/<id>.json")
    add("--accept", default="", metavar="REASON", help="make what is seen now the baseline, with the reason")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--rebuild", action="store_true", help="build the image afresh from the lock, and compare"
    )
    which.add_argument("--probe", default="", metavar="IMAGE", help="look at this image, and compare")
    add("--sibling", action="append", default=[], metavar="URL", help="an index that should list the same")
    add(
        "--scan",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="JSON of Trivy, Grype, pip-audit",
    )
    add("--audit", action="store_true", help="run pip-audit on the lock, where it is installed")
    add("--no-history", action="store_true", help="do not keep this run for `stackcheck history`")
    options.add_resolving(parser)
    options.add_building(parser)
    options.add_probing(parser)
    add(
        "--strict", action="store_true", help="exit 3 also for changes of behaviour and what was not compared"
    )
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command: 1 for a change that breaks something, 3 when something could not be looked at."""
    chosen = stacks.chosen(args)
    if len(chosen) > 1 and (args.baseline or args.probe):
        names = ", ".join(stack.id for stack in chosen)
        raise UsageError(f"--baseline and --probe are for one stack; chosen are {names}")
    how, tell = _options(args), output.progress(args)
    reports = [drift(stack, how, tell) for stack in chosen]
    output.write_document(document(reports), args)
    if args.output:
        _tell_what_is_wrong(reports)
    kept = args.no_history or _keep(reports)
    codes = [report.exit_code(strict=args.strict) for report in reports]
    return worst_code([*codes, EXIT_OK if kept else EXIT_UNCHECKED])


def _tell_what_is_wrong(reports: list[DriftReport]) -> None:
    """Say on stderr, a line each, what a journal has to hold when the result itself goes to a file."""
    for report in reports:
        for change in report.changes:
            if change.breaks:
                said = f"{change.rank}: {change.what}: {change.where}"
                sys.stderr.write(f"{output.line(f'{report.stack}: {said}')}\n")
        for gap in report.faults:
            what = f"{gap.area} {gap.subject}".strip()
            said = f"could not be looked at: {what}: {gap.reason}"
            sys.stderr.write(f"{output.line(f'{report.stack}: {said}')}\n")


def _options(args: argparse.Namespace) -> DriftOptions:
    if args.accept and len(args.accept.strip()) < 8:
        raise UsageError("--accept: say why in a few words, for those who read it later")
    return DriftOptions(
        run=options.pipeline_options(args),
        report=args.baseline,
        rebuild=args.rebuild,
        probe=args.probe,
        siblings=tuple(args.sibling),
        scans=tuple(args.scan),
        audit=args.audit,
        accept=args.accept.strip(),
    )


def _keep(reports: list[DriftReport]) -> bool:
    """Keep the runs; what has been found out is not lost because that fails."""
    try:
        for report in reports:
            history.record(history.history_file(), report)
    except StackcheckError as error:
        sys.stderr.write(f"stackcheck: error: {output.line(error)}\n")
        return False
    return True
