"""`stackcheck fits`: which releases of torch can load a wheel, or a library, and why others cannot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import output
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED, UsageError
from stackcheck.model.verdict import Outcome
from stackcheck.report import FORMATS
from stackcheck.wheels import exports, fitdocument
from stackcheck.wheels.fits import Subject, judge, wheel_subject
from stackcheck.wheels.read import read_library_facts, read_wheel
from stackcheck.wheels.torches import Asked

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "targets", nargs="+", metavar="TARGET", help="a wheel or a library; several may be given"
    )
    parser.add_argument(
        "--torch",
        type=str,
        metavar="all|2.6,2.7.1|'>=2.8,<2.13'",
        help="exit 1 unless each of these can load it; default: one is enough",
    )
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    asked = Asked(args.torch) if args.torch else None
    tables = exports.read()
    if asked and not asked.builds(tables.builds) and not asked.named:
        raise UsageError(
            f"--torch: {args.torch!r} holds no release that was measured; newest: {tables.builds[-1].torch}."
        )
    told = [fitdocument.Told(judge(read_target(Path(each)), tables), asked) for each in args.targets]
    output.write_document(fitdocument.document(told, tables), args)
    outcomes = {each.outcome for each in told}
    return EXIT_FAIL if Outcome.FAIL in outcomes else EXIT_UNCHECKED if None in outcomes else EXIT_OK


def read_target(path: Path) -> Subject:
    """Read a wheel or a library; raise UsageError for what is not there or is neither."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start == b"PK\x03\x04":
                return wheel_subject(read_wheel(file))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}.") from None
    return Subject(path.name, (read_library_facts(path),))
