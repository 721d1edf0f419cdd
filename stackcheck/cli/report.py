"""`stackcheck report`: render reports again, several files as one."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import output
from stackcheck.model.errors import UsageError
from stackcheck.report import FORMATS
from stackcheck.report.jsonfile import from_json

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
    try:
        content = _stdin() if file == "-" else _content(Path(file))
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file}: this report cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: this report cannot be read: it is not UTF-8 text.") from None


def _stdin() -> bytes:
    if sys.stdin is None:
        raise UsageError("-: stdin is closed; pipe a report into it, or name a file.")
    return sys.stdin.buffer.read(_MOST_BYTES)


def _content(path: Path) -> bytes:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):  # to open a pipe without a writer would wait for ever
        raise UsageError(f"{path}: this is not a file; what comes from a pipe is read with -.")
    if found.st_size > _MOST_BYTES:
        raise UsageError(f"{path}: larger than any report ({_MOST_BYTES >> 20} MB).")
    return path.read_bytes()
