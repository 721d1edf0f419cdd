"""`stackcheck schema`: the JSON Schema of definitions, for editors, or of reports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stackcheck.cli import output
from stackcheck.definition_schema import definition_schema
from stackcheck.report.jsonfile import schema as report_schema

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("of", nargs="?", choices=("stack", "report"), default="stack", help="default: stack")
    output.configure(parser, ("json",))


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    schema = definition_schema() if args.of == "stack" else report_schema()
    output.write(json.dumps(schema, indent=2) + "\n", args.output)
    return 0
