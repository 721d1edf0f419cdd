"""`stackcheck report`: render reports, or drift documents, again; several files as one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.cli import output
from stackcheck.drift.reading import drifts_of, is_drift
from stackcheck.drift.rendering import document
from stackcheck.drift.report import worst_code
from stackcheck.model.errors import ReportError, UsageError
from stackcheck.report import FORMATS
from stackcheck.report.jsonfile import reports_of
from stackcheck.storage.parsing import parse_json
from stackcheck.storage.reading import decode, read_text

if TYPE_CHECKING:
    import argparse

_MOST_BYTES = 1 << 29


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="reports, or drift documents, in JSON; - is stdin"
    )
    output.configure_judging(parser)
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    documents = [(file, _parsed(_text(file), file)) for file in args.files]
    drifts = [is_drift(each) for _, each in documents]
    if not any(drifts):
        reports = [report for file, each in documents for report in reports_of(each, file)]
        return output.write_reports(reports, args)
    if not all(drifts):
        other = documents[drifts.index(False)][0]
        raise UsageError(f"{other}: this is not a drift document, and others are; render them apart.")
    moved = [report for file, each in documents for report in drifts_of(each, file)]
    output.write_document(document(moved), args)
    return worst_code(report.exit_code(strict=args.strict) for report in moved)


def _parsed(text: str, source: str) -> Any:
    try:
        return parse_json(text, source)
    except UsageError as error:
        raise ReportError(str(error)) from None


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
