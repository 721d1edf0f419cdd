"""`stackcheck drift`: what has moved since the baseline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import options, output, stacks
from stackcheck.drift import history
from stackcheck.drift.past import Past
from stackcheck.drift.rendering import FORMATS, document, overall_of
from stackcheck.drift.report import not_compared, worst_code
from stackcheck.drift.run import DriftOptions, drift
from stackcheck.drift.scans import read_scans
from stackcheck.model.errors import EXIT_OK, EXIT_UNCHECKED, StackcheckError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stackcheck.drift.report import DriftReport
    from stackcheck.intake.stack import Stack
    from stackcheck.targets import Progress


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
    if len(chosen) > 1:
        read_scans(how.scans)  # a file that is wrong is wrong for all of them
    keeping, reports = _Keeping(wanted=not args.no_history), []
    for stack in chosen:
        reports.append(_drift(stack, how, tell, alone=len(chosen) == 1))
        keeping.keep(reports[-1])
    output.write_document(document(reports, keeping.since(reports)), args)
    if args.output:
        _tell_what_is_wrong(reports)
    codes = [report.exit_code(strict=args.strict) for report in reports]
    return worst_code([*codes, EXIT_UNCHECKED if keeping.failed else EXIT_OK])


def _drift(stack: Stack, how: DriftOptions, tell: Progress, *, alone: bool) -> DriftReport:
    """Return what moved; of several stacks, one that cannot be looked at does not take the others along.

    Raises StackcheckError for a stack that is alone.
    """
    try:
        return drift(stack, how, tell)
    except StackcheckError as error:
        if alone:
            raise
        return not_compared(stack.id, str(error))


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
    if told := overall_of(reports):
        sys.stderr.write(f"{told}\n")


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


class _Keeping:
    """Keeps each run as it comes, so that a night that is cut short has what it found out."""

    def __init__(self, *, wanted: bool) -> None:
        """Begin; nothing is kept where that is not `wanted`."""
        self._wanted = wanted
        self.failed = False

    def keep(self, report: DriftReport) -> None:
        """Keep a run that compared something; what has been found out is not lost because that fails."""
        if not self._wanted or self.failed or not report.started:
            return
        try:
            history.record(history.history_file(), report)
        except StackcheckError as error:
            sys.stderr.write(f"stackcheck: error: {output.line(error)}\n")
            self.failed = True

    def since(self, reports: Sequence[DriftReport]) -> dict[str, str]:
        """Return by stack when what breaks was first seen."""
        if not self._wanted or self.failed:
            return {}
        file = history.history_file()
        broken = [each.stack for each in reports if any(change.breaks for change in each.changes)]
        return {stack: Past(stack, history.read(file, stack)).broken_since for stack in broken}
