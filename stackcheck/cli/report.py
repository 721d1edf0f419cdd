"""`stackcheck report`: render reports again, several files as one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import output
from stackcheck.errors import UsageError
from stackcheck.report import FORMATS
from stackcheck.report.jsonfile import from_json

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="reports in JSON; - is stdin")
    output.configure_judging(parser)
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    reports = [report for file in args.files for report in from_json(_text(file), source=file)]
    return output.write_reports(reports, args)


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"{file}: this report cannot be read: {reason}") from None
