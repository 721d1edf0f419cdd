"""`stackcheck report`: render reports again, several files as one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import output
from stackcheck.model.errors import UsageError
from stackcheck.report import FORMATS
from stackcheck.report.jsonfile import from_json
from stackcheck.storage.reading import decode, read_text

if TYPE_CHECKING:
    import argparse

_MOST_BYTES = 1 << 29


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
    """Return the text of a file or of stdin; raise UsageError, naming it, for what cannot be a report."""
    return read_text(Path(file), _MOST_BYTES) if file != "-" else decode(_stdin(), "-")


def _stdin() -> bytes:
    if sys.stdin is None:
        raise UsageError("-: stdin is closed; pipe a report into it, or name a file.")
    content = sys.stdin.buffer.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise UsageError(f"-: it has more than the {_MOST_BYTES >> 20} MiB that are read.")
    return content
